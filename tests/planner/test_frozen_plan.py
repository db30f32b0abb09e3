"""A plan is a value: nothing can be assigned to it, and running it changes nothing of it."""

from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from types import FunctionType, MappingProxyType

import pytest
from pydantic import BaseModel

from djsb.planner.binding import BoundJob
from djsb.planner.load import LoadedJob
from djsb.planner.planned import PlannedJob
from djsb.runner.options import RunOptions
from djsb.runner.session import Session
from djsb_core.interfaces.component import Component, SilentWatcher

VALUES = (str, int, float, bool, type(None), type, FunctionType, PurePath, Enum)
GROWING = """
work_dir: w
max_iter_num: 3
iter_targets: [anonymous.probe.output.score >= 9]
iter_updater: {anonymous.probe.output.score: anonymous.echo.extra_configs.number}
trackers: []
pipelines:
- anonymous:
    probe_job_configs:
    - hook: GeneralProbeHook
      meta_name: probe
      extra_configs: {type: lab_findings, found: {score: 2, names: [a, b]}}
    execution_job_configs:
    - hook: Echo
      meta_name: echo
      local: {extra_configs.train.max_epochs: 3}
      input: {extra_configs.text: -1.output.names.1}
      extra_configs: {number: 1, files: [data.jsonl], out: out/x.txt}
"""


def parts_of(value):
    """Return what a value is made of, by name; ``None`` for what has no parts."""
    if isinstance(value, BaseModel):
        return dict(value)
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple | frozenset):
        return dict(enumerate(value))
    return vars(value) if isinstance(value, Component) else None


def can_change(value):
    if isinstance(value, VALUES):
        return False
    if isinstance(value, BaseModel):
        return not value.model_config.get("frozen")
    if is_dataclass(value):
        return not value.__dataclass_params__.frozen
    frozen = MappingProxyType | tuple | frozenset | Component | SilentWatcher
    return not isinstance(value, frozen)


def walk(value, place=("plan",)):
    """Yield every part of a value with its place."""
    yield place, value
    if not isinstance(value, VALUES):
        for name, part in (parts_of(value) or {}).items():
            yield from walk(part, (*place, name))


def snapshot(plan):
    """Copy all that a plan is made of: every leaf, and the identity of every part."""
    parts = list(walk(plan))
    leaves = {place: value for place, value in parts if isinstance(value, VALUES)}
    return leaves, {place: id(value) for place, value in parts}


@pytest.fixture(params=["demo", "growing", "environment"])
def planned(lab, request):
    if request.param == "demo":
        return lab.plan()
    if request.param == "growing":
        return lab.plan(GROWING)
    return lab.plan(lab.echo("env: {manager: venv, requirements: [iniconfig]}"))


def test_no_part_of_a_plan_can_be_changed(planned):
    changeable = [(place, type(value)) for place, value in walk(planned) if can_change(value)]
    assert changeable == []


def test_nothing_can_be_assigned_to_a_planned_job(lab):
    job = lab.plan().jobs[0]
    for field in fields(PlannedJob):
        with pytest.raises(FrozenInstanceError):
            setattr(job, field.name, None)
    with pytest.raises(FrozenInstanceError):
        job.settings.pending = frozenset()
    for mapping in (job.settings.dj_configs, job.sources, job.carried, job.spec.sections):
        with pytest.raises(TypeError):
            mapping["new"] = 1


def test_each_pass_has_its_own_type():
    own = [{field.name for field in fields(kind)} for kind in (LoadedJob, BoundJob, PlannedJob)]
    assert own[1] - own[0] == {"sources", "carried", "probe"}
    assert own[2] - own[1] == {"reads", "writes"}


@pytest.mark.parametrize("text", [None, GROWING], ids=["demo", "growing"])
@pytest.mark.parametrize("workers", [0, 2])
def test_runs_and_cached_runs_change_nothing_of_their_plan(lab, text, workers):
    plan = lab.plan(text)
    before = snapshot(plan)
    for force, expected in ((True, "finished"), (False, "cached"), (True, "finished")):
        with Session(workers, lab.listeners) as session:
            record = session.run(plan, RunOptions(force=force))
        assert set(lab.statuses(record)) == {expected}
        assert snapshot(plan) == before


def test_a_further_iteration_is_a_further_plan(lab):
    plan = lab.plan(GROWING)
    before = snapshot(plan)
    second = plan.in_iteration(2)
    assert [job.spec.id.iteration for job in second.jobs] == [2, 2]
    assert [job.spec.id.in_iteration(1) for job in second.jobs] == [
        job.spec.id for job in plan.jobs
    ]
    assert [job.settings for job in second.jobs] == [job.settings for job in plan.jobs]
    assert snapshot(plan) == before
