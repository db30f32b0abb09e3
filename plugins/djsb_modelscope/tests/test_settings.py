import pytest
from pydantic import ValidationError

from djsb_modelscope.settings import TrainSettings


def test_the_published_mapping_is_passed_on():
    given = {
        "max_epochs": 2,
        "lr_scheduler": {"type": "StepLR", "step_size": 2, "options": {"by_epoch": False}},
        "optimizer": {"type": "AdamW", "lr": 0.0003},
        "dataloader": {"batch_size_per_gpu": 2, "workers_per_gpu": 0},
        "train_iters_per_epoch": 7,
    }
    assert TrainSettings(**given).model_dump(exclude_none=True) == given


def test_numbers_that_yaml_reads_as_text_are_numbers():
    optimizer = {"type": "AdamW", "lr": "3e-4", "weight_decay": "1e-2", "options": {"a": ["b"]}}
    dumped = TrainSettings(optimizer=optimizer).model_dump(exclude_none=True)["optimizer"]
    assert dumped == {**optimizer, "lr": 3e-4, "weight_decay": 1e-2}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"max_epoch": 2}, "unknown key 'max_epoch'; did you mean 'max_epochs'"),
        ({"max_epochs": 0}, "greater than 0"),
        ({"optimizer": {"lr": 1e-3}}, "optimizer.type"),
        ({"optimizer": {"type": "SGD", "lr": "fast"}}, "optimizer.lr"),
        ({"dataloader": {"batch_size_per_gpu": 0}}, "batch_size_per_gpu"),
        ({"hooks": [{"interval": 1}]}, "hooks.0.type"),
        ({"checkpoint": {"period": {"push_to_hub": True}}}, "push_to_hub is not supported"),
    ],
)
def test_wrong_settings_are_named(given, said):
    with pytest.raises(ValidationError, match=said):
        TrainSettings(**given)
