import json
import sys

import pytest

from djsb.report.components import components_json, components_table, list_all
from djsb_core.errors import RequestError
from djsb_core.interfaces.kinds import Kind

SOURCE = '''
    from djsb_core.api import ComponentConfig, DataEvaluator

    class Good(DataEvaluator):
        """Say that all is good.

        More of it.
        """

        config_type = ComponentConfig

        def evaluate(self):
            return {"good": 1.0}

    class Silent(Good):
        def evaluate(self):
            return {}

'''


def listed(name, **options):
    (found,) = [one for one in list_all(**options) if one.name == name]
    return found


def test_listing_reads_the_source_and_imports_nothing(install):
    install("goodpkg", SOURCE, "[djsb.data_evaluators]\ngood-lab = goodpkg:Good\n")
    found = listed("good-lab")
    assert (found.kind, found.package, found.version) == ("data_evaluators", "goodpkg", "1.0")
    assert (found.summary, found.loads, found.remark) == ("Say that all is good.", None, "")
    assert "goodpkg" not in sys.modules


@pytest.mark.parametrize(
    ("source", "target", "loads", "remark"),
    [
        (SOURCE, "goodpkg:Silent", None, ""),
        ("x = (", "goodpkg:Good", False, "SyntaxError: "),
        ("Good = 3", "goodpkg:Good", None, ""),
        ("", "nopkg:Good", False, "no module nopkg"),
        ("", "goodpkg.sub:Good", False, "no module goodpkg.sub"),
        ("", "sys:Good", False, ""),
    ],
)
def test_what_can_be_told_from_the_source(install, source, target, loads, remark):
    install("goodpkg", source, f"[djsb.data_evaluators]\ngood-lab = {target}\n")
    found = listed("good-lab", kind="data_evaluators")
    assert (found.summary, found.loads) == ("", loads)
    assert found.remark.startswith(remark)


@pytest.mark.parametrize("at_import", ["import no_such_module", "1 / 0", "raise SystemExit(1)"])
def test_a_check_says_which_cannot_be_used_and_why(install, at_import):
    install("brokenpkg", at_import, "[djsb.data_evaluators]\nbad-lab = brokenpkg:X\n")
    install("goodpkg", SOURCE, "[djsb.data_evaluators]\ngood-lab = goodpkg:Good\n")
    bad = listed("bad-lab", kind="data_evaluators", check=True)
    assert bad.loads is False
    assert bad.remark.startswith(("ModuleNotFoundError: ", "ZeroDivisionError: ", "SystemExit: 1"))
    assert listed("good-lab", kind="data_evaluators", check=True).loads is True


def test_every_kind_can_be_asked_for():
    for kind in (one.value for one in Kind):
        assert {one.kind for one in list_all(kind)} <= {kind}


def test_a_kind_may_be_singular():
    assert list_all("data-evaluator") == list_all("data_evaluators") != []


def test_an_unknown_kind_suggests_the_nearest():
    with pytest.raises(
        RequestError, match="unknown kind of component 'evaluator'; did you mean 'data_evaluators'"
    ):
        list_all("evaluator")


def test_as_table_and_as_json(install):
    install("goodpkg", SOURCE, "[djsb.hooks]\nGood = goodpkg:Good\nNone = nopkg:X\n")
    install("otherpkg", SOURCE, "[djsb.data_evaluators]\nother-lab = otherpkg:Good\n")
    found = list_all()
    rows = {
        line.split()[1]: line for line in components_table(found, checked=False).splitlines()[:-2]
    }
    assert " ".join(rows["Good"].split()) == "hooks Good goodpkg 1.0 ? Say that all is good."
    assert "no: no module nopkg" in rows["None"]
    parsed = json.loads(components_json(found))
    assert {one["name"]: one["loads"] for one in parsed}["None"] is False
    assert len(parsed) == len(found)


def test_a_checked_table_shows_what_loads(install):
    install(
        "goodpkg",
        SOURCE,
        "[djsb.data_evaluators]\ngood-lab = goodpkg:Good\nbad-lab = goodpkg:Bad\n",
    )
    text = components_table(list_all("data_evaluators", check=True), checked=True)
    rows = {line.split()[1]: line for line in text.splitlines()}
    assert " yes " in rows["good-lab"]
    assert "no: " in rows["bad-lab"]
