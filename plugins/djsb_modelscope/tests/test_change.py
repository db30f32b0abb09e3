"""A training that changes nothing is said, in its first steps and in its result."""

import math

import pytest
import torch

from djsb_core.testing import RecordingWatcher
from djsb_modelscope.change import FIRST_UPDATES, WeightChange, warn_of_unchanged_loss


def texts(watcher):
    return [(value, step) for name, value, step in watcher.metrics if name == "no_change"]


def train(rate, updates, *, freeze=False, optimizer=torch.optim.AdamW, warm_up=0):
    torch.manual_seed(0)
    model, watcher = torch.nn.Linear(300, 30), RecordingWatcher()
    optimizer = optimizer(model.parameters(), lr=rate)
    change = WeightChange(watcher)
    for step in range(updates):
        change.begin(model, optimizer)
        optimizer.param_groups[0]["lr"] = 0.0 if step < warm_up else rate
        optimizer.zero_grad()
        (model(torch.randn(4, 300)).square().mean() * (0 if freeze else 1)).backward()
        optimizer.step()
    change.end()
    return texts(watcher)


def test_a_rate_that_is_too_small():
    said = "the model has not changed: the learning rate is 1e-30; raise train.optimizer.lr"
    assert train(1e-30, 25, optimizer=torch.optim.SGD) == [
        (f"after 10 updates {said}", FIRST_UPDATES),
        (f"after 25 updates {said}", 25),
    ]
    assert train(1e-30, 3, optimizer=torch.optim.SGD) == [(f"after 3 updates {said}", 3)]
    assert [step for _, step in train(1e-12, FIRST_UPDATES)] == [FIRST_UPDATES]


def test_weights_that_change_by_rounding_only():
    ((_, first), (text, last)) = train(1e-9, 12)
    assert "has changed by " in text
    assert (first, last) == (10, 12)


@pytest.mark.parametrize("optimizer", [torch.optim.AdamW, torch.optim.SGD])
def test_a_training_that_trains(optimizer):
    assert train(1e-3, 12, optimizer=optimizer) == []


def test_a_slow_start_is_no_fault():
    assert train(1e-3, 30, warm_up=15) == []


def test_gradients_of_zero():
    found = train(0.01, 12, freeze=True, optimizer=torch.optim.SGD)
    assert [step for _, step in found] == [10, 12]
    assert "no gradient reaches its weights" in found[0][0]


@pytest.mark.parametrize(
    ("first", "last", "warned"),
    [(3.0, 3.0, 1), (3.0, 3.00002, 1), (3.0, 2.99, 0), (3.0, math.nan, 0)],
)
def test_a_held_out_loss_that_stays(first, last, warned):
    watcher = RecordingWatcher()
    warn_of_unchanged_loss(watcher, first, last)
    assert len(texts(watcher)) == warned
