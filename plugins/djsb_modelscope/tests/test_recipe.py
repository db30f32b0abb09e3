import numpy as np
import pytest
import torch

from djsb_core.api import ComponentError
from djsb_modelscope.executor import ModelscopeTrainConfig, ModelscopeTrainExecutor
from djsb_modelscope.recipe import create_recipe
from djsb_modelscope.schedule import plan_epochs


def recipe_of(corpus, untrained, **train):
    config = ModelscopeTrainConfig(
        train_dataset=corpus / "train.jsonl", model_name=str(untrained), train=train
    )
    job = ModelscopeTrainExecutor(config)._create_job()
    return create_recipe(job, plan_epochs(100, 8, 3, 0, shuffle=True))["train"]


@pytest.mark.parametrize(
    ("scheduler", "by_epoch", "steps"),
    [
        ({"type": "CosineAnnealingLR"}, False, 39),
        ({"type": "CosineAnnealingLR"}, True, 3),
        ({"type": "OneCycleLR", "max_lr": 1.0}, False, 39),
    ],
)
def test_a_schedule_that_must_know_its_length_is_told(
    corpus, untrained, scheduler, by_epoch, steps
):
    given = {**scheduler, "options": {"by_epoch": by_epoch}}
    arguments = recipe_of(corpus, untrained, lr_scheduler=given)["lr_scheduler"]
    arguments.pop("options")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = getattr(torch.optim.lr_scheduler, arguments.pop("type"))(optimizer, **arguments)
    rates = []
    for _ in range(steps):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert max(rates) == pytest.approx(1.0, rel=1e-2)
    assert schedule.get_last_lr()[0] < 1e-3
    assert rates[-1] > schedule.get_last_lr()[0]


def test_a_length_that_was_given_is_kept(corpus, untrained):
    given = {"type": "CosineAnnealingLR", "T_max": 7}
    assert recipe_of(corpus, untrained, lr_scheduler=given)["lr_scheduler"]["T_max"] == 7


def test_what_this_mode_does_not_do_is_refused(corpus, untrained):
    with pytest.raises(ComponentError, match=r"train.evaluation.metrics: causal_lm mode supports"):
        recipe_of(corpus, untrained, evaluation={"metrics": "ppl"})
    with pytest.raises(ComponentError, match="best: not supported"):
        recipe_of(corpus, untrained, checkpoint={"best": {"metric_key": "loss"}})


def test_checkpoints_go_where_they_are_cleaned_up(corpus, untrained):
    given = {"period": {"interval": 1, "output_sub_dir": "elsewhere"}}
    period = recipe_of(corpus, untrained, checkpoint=given)["checkpoint"]["period"]
    assert set(period) == {"interval", "output_dir"}
    assert np.char.endswith(period["output_dir"], "/output")
