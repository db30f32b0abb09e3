from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, model_validator

from djsb.config.problems import describe_errors, unknown_setting
from djsb_core.interfaces.component import ComponentConfig
from djsb_core.interfaces.paths import InputPath


class Inner(BaseModel, extra="forbid"):
    lr: float = Field(0.1, gt=0)


class Config(ComponentConfig):
    name: str
    count: int = 1
    mode: Literal["all", "any"] = "all"
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()
    either: int | list[str] = 1
    path: InputPath | None = None
    alias: int = Field(1, alias="real_name")

    @model_validator(mode="after")
    def _count(self):
        if self.count == 13:
            raise ValueError("count must not be 13")
        return self


def problems(**values):
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(values)
    return [
        f"{problem.key}: {problem.sentence}"
        for problem in describe_errors(caught.value, Config, values)
    ]


def problem(**values):
    (found,) = problems(name="n", **values)
    return found


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"coutn": 1}, "coutn: unknown key; did you mean 'count'?"),
        ({"inner": {"rl": 1}}, "inner.rl: unknown key; "),
        ({"many": [{}, {"lrr": 1}]}, "many[1].lrr: unknown key; did you mean 'lr'?"),
        (
            {"zzz": 1},
            "zzz: unknown key; known: count, either, inner, many, mode, name, path, real_name",
        ),
        ({"count": "many"}, "count: should be a valid integer, "),
        ({"count": [1]}, "count: should be a valid integer, not a list"),
        ({"count": {"a": 1}}, "count: should be a valid integer, not a mapping"),
        ({"inner": 3}, "inner: "),
        ({"inner": {"lr": -1}}, "inner.lr: should be greater than 0, not -1"),
        ({"mode": "al"}, "mode: should be 'all' or 'any'"),
        ({"path": "/no/such/file"}, "path: no such file or folder: '/no/such/file' (looked in "),
        ({"count": 13}, "count must not be 13"),
    ],
)
def test_one_sentence_says_what_is_wrong(values, message):
    found = problem(**values)
    assert message in found
    assert len(found) < 300


def test_a_long_value_is_cut():
    assert len(problem(count="x" * 1000)) < 200


def test_every_problem_is_said():
    found = problems(count="x", inner={"lr": 0}, mode="b")
    assert [one.split(":")[0] for one in found] == ["name", "count", "mode", "inner.lr"]
    assert found[0] == "name: missing; it is required"


def test_a_union_is_one_problem():
    found = problem(either={"a": 1})
    assert found.startswith("either: ")
    assert " or " in found


def test_a_problem_inside_a_branch_of_a_union_says_where():
    assert problem(either=["a", 3]).startswith("either[1]: ")


class Free(BaseModel, extra="allow"):
    known: int = 1


class Renaming(BaseModel, extra="forbid"):
    new: int = 1

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, values):
        return {"new": values.pop("old", 1), **values}


class Other(BaseModel, extra="forbid"):
    free: Free = Free()
    renaming: Renaming = Renaming()
    mapping: dict[str, Inner] = {}
    either: Inner | str = "x"
    maybe: Inner | None = None
    several: list[Inner] | Inner = []
    two: Config | Inner | None = None
    tagged: list[Annotated[Inner, "a word"]] = []


@pytest.mark.parametrize(
    ("model", "key", "wrong"),
    [
        (Config, "inner.rl", "unknown setting 'rl'; "),
        (Config, "coutn", "unknown setting 'coutn'; did you mean 'count'?"),
        (Config, "many.0.lrr", "unknown setting 'lrr'; did you mean 'lr'?"),
        (Other, "maybe.x", "unknown setting 'x'; "),
        (Other, "several.0.x", "unknown setting 'x'; "),
        (Other, "two.x", "unknown setting 'x'; "),
        (Other, "tagged.0.x", "unknown setting 'x'; "),
    ],
)
def test_an_unknown_setting(model, key, wrong):
    assert "; ".join(unknown_setting(model, tuple(key.split(".")))).startswith(wrong)


@pytest.mark.parametrize(
    ("model", "key"),
    [
        *[(Config, key) for key in ("count", "inner.lr", "many.0.lr", "real_name", "either.0")],
        *[(Config, key) for key in ("path", "count.deeper")],
        *[(Other, key) for key in ("free.any.thing", "renaming.old", "mapping.x.y", "either.x")],
        *[(Other, key) for key in ("maybe.lr", "several.0.lr", "two.count", "two.lr")],
    ],
)
def test_a_known_setting_or_one_that_cannot_be_told(model, key):
    assert unknown_setting(model, tuple(key.split("."))) is None
