import inspect
from pathlib import Path

import pytest

from djsb_core import hookspecs

ROOT = Path(__file__).parents[1]
SPECS = {name: spec for name, spec in vars(hookspecs).items() if hasattr(spec, "djsb_spec")}


def test_every_moment_is_there():
    runs, jobs = ("run", "pipeline", "job"), ("started", "finished", "failed")
    moments = {f"djsb_{what}_{how}" for what in runs for how in jobs}
    others = {
        "metric_logged",
        "artifact_logged",
        "job_silent",
        "job_warned",
        "preparing",
        "settings_added",
    }
    assert set(SPECS) == moments | {f"djsb_{other}" for other in others}


@pytest.mark.parametrize("name", SPECS)
def test_every_argument_is_documented(name):
    text = inspect.getdoc(SPECS[name])
    arguments = inspect.signature(SPECS[name]).parameters
    assert [one for one in arguments if f":param {one}:" not in text] == []
    assert text.count(":param ") == len(arguments)


@pytest.mark.parametrize("name", SPECS)
def test_every_argument_is_typed(name):
    signature = inspect.signature(SPECS[name])
    assert inspect.Signature.empty not in {one.annotation for one in signature.parameters.values()}
    assert signature.return_annotation is not inspect.Signature.empty


@pytest.mark.parametrize("name", SPECS)
def test_every_moment_is_on_the_reference_page(name):
    page = (ROOT / "docs" / "reference" / "hookspecs.md").read_text(encoding="utf-8")
    assert f"`{name}" in page
