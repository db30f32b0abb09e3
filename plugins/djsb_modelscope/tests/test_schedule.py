import numpy as np
import pytest

from djsb_modelscope.schedule import (
    EpochSampler,
    plan_epochs,
    plan_full_batches,
    plan_tokens,
)


def stream(schedule):
    return np.concatenate([schedule.indices(epoch) for epoch in range(schedule.epochs)]).tolist()


def test_an_epoch_is_every_row_once_in_another_order():
    schedule = plan_epochs(10, 4, 3, seed=0, shuffle=True)
    epochs = [schedule.indices(epoch).tolist() for epoch in range(3)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    assert (schedule.epochs, schedule.steps_per_epoch, schedule.steps) == (3, 3, 9)


def test_the_order_depends_on_the_seed_only():
    one = plan_epochs(50, 4, 2, seed=1, shuffle=True)
    assert stream(one) == stream(plan_epochs(50, 8, 2, seed=1, shuffle=True))
    assert stream(one) != stream(plan_epochs(50, 4, 2, seed=2, shuffle=True))


def test_without_shuffling_the_file_is_read_in_order():
    assert stream(plan_epochs(3, 2, 2, seed=1, shuffle=False)) == [0, 1, 2, 0, 1, 2]


@pytest.mark.parametrize(("rows", "batch"), [(10, 4), (3, 8), (9, 4), (8, 4)])
def test_full_batches_are_full_and_spread_evenly(rows, batch):
    schedule = plan_full_batches(rows, batch, 4, seed=0, shuffle=True)
    seen = stream(schedule)
    assert len(seen) == schedule.steps * batch
    counts = np.bincount(seen, minlength=rows)
    assert counts.max() - counts.min() <= 1


def test_two_data_sets_get_the_same_budget():
    few, many = np.array([30] * 7), np.arange(5, 405)
    for lengths in (few, many):
        schedule = plan_tokens(lengths, 4, 10_000, seed=0, shuffle=True)
        steps = lengths[stream(schedule)].reshape(-1, 4).sum(axis=1)
        assert steps.sum() >= 10_000 > steps[:-1].sum()
        assert schedule.steps == len(steps)


def test_the_sampler_is_as_long_as_a_whole_epoch():
    schedule = plan_tokens(np.array([10] * 5), 2, 110, seed=0, shuffle=True)
    sampler = EpochSampler(schedule)
    rows = []
    for sampler.epoch in range(schedule.epochs):
        rows += list(sampler)
    assert len(sampler) == 4
    assert rows == stream(schedule)
    assert len(rows) == 12
