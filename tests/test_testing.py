"""Every contract accepts a component that keeps it, and fails one that does not."""

from pathlib import Path

import pytest
from pydantic import Field

from djsb_core import testing
from djsb_core.api import (
    Analysis,
    BoundSide,
    Change,
    ComponentConfig,
    DataAnalyzer,
    Environment,
    GeneralDataExecutor,
    GeneralProbe,
    Hook,
    Kind,
    Metric,
    ModelEvaluator,
    ModelTrainExecutor,
    OutputPath,
    RecipeRefiner,
    Refinement,
    Workspace,
)

RECIPE = {"process": [{"text_length_filter": {"min_len": 1}}, {"fix_unicode_mapper": None}]}
LOSS = Metric("loss", higher_is_better=False)
SUMMARY = {"min": 1.0, "mean": 2.0, "max": 3.0}


@pytest.fixture
def watcher():
    return testing.RecordingWatcher()


@pytest.fixture
def build(tmp_path, watcher):
    """Return a function that makes a component of one method, in an empty folder."""

    def build_component(interface, method, body, **attributes):
        parts = {method: body, "config_type": ComponentConfig, **attributes}
        component = type("Made", (interface,), parts)
        folder = tmp_path / "job"
        folder.mkdir()
        return component(parts["config_type"](), Workspace(folder, watcher))

    return build_component


def keeps(contract, test, **fixtures):
    """Run one test of a contract; say whether it passed."""
    try:
        getattr(contract(), test)(**fixtures)
    except AssertionError:
        return False
    return True


class Described(ComponentConfig):
    bound: float = Field(1.0, description="A bound.")


class Undescribed(ComponentConfig):
    bound: float = 1.0


@pytest.mark.parametrize(("config_type", "kept"), [(Described, True), (Undescribed, False)])
def test_settings_need_a_description(build, config_type, kept):
    component = build(GeneralProbe, "probe", None, config_type=config_type)
    contract = testing.ComponentContract
    assert keeps(contract, "test_every_setting_is_described", component=component) is kept
    assert keeps(contract, "test_its_settings_have_a_schema", component=component)


@pytest.mark.parametrize("kept", [True, False])
def test_a_check_must_write_nothing(build, kept):
    def check(self):
        if not kept:
            (self.workspace.folder / "made.txt").write_text("")
        return ()

    component = build(GeneralProbe, "probe", None, check=check)
    contract = testing.ComponentContract
    assert keeps(contract, "test_nothing_is_written_before_it_runs", component=component) is kept


@pytest.mark.parametrize(
    ("source", "kept"),
    [("import json", True), ("import heavy_parent", False), ("import no_such_module", False)],
)
def test_a_module_must_import_without_its_backend(install, monkeypatch, source, kept):
    install("heavy_parent", "", "")
    install("light", source, "[djsb.general_probes]\nlight = light:Probe\n")
    monkeypatch.setattr(testing, "HEAVY", ("heavy_parent",))
    contract = type(
        "Contract", (testing.ComponentContract,), {"kind": Kind.GENERAL_PROBE, "name": "light"}
    )
    assert keeps(contract, "test_its_module_imports_no_heavy_library") is kept


@pytest.mark.parametrize(("outputs", "kept"), [((1, 2), True), ((1,), False), ([1, 2], False)])
def test_a_hook_returns_an_output_a_name(build, outputs, kept):
    hook = build(Hook, "run", lambda self, context: outputs, output_names=("one", "two"))
    fixtures = {"component": hook, "context": None}
    assert keeps(testing.HookContract, "test_every_output_has_a_name", **fixtures) is kept


@pytest.mark.parametrize(
    ("scores", "kept"),
    [({"loss": 0.0}, True), ({}, False), ({"loss": float("nan")}, False), ({3: 1.0}, False)],
)
def test_scores_must_be_finite(build, scores, kept):
    component = build(ModelEvaluator, "evaluate", lambda self: scores)
    contract = testing.EvaluatorContract
    assert keeps(contract, "test_scores_are_named_finite_numbers", component=component) is kept


@pytest.mark.parametrize(("metric", "kept"), [("loss", True), ("los", False)])
def test_a_direction_must_name_a_score(build, metric, kept):
    component = build(
        ModelEvaluator,
        "evaluate",
        lambda self: {"loss": 1.0},
        metrics=(Metric(metric, higher_is_better=False),),
    )
    contract = testing.EvaluatorContract
    assert keeps(contract, "test_directions_name_scores", component=component) is kept


@pytest.mark.parametrize(("metric", "kept"), [("loss", True), ("l*", True), ("los", False)])
def test_a_score_must_be_declared(build, metric, kept):
    component = build(
        ModelEvaluator, "evaluate", lambda self: {"loss": 1.0}, metrics=(Metric(metric),)
    )
    contract = testing.EvaluatorContract
    assert keeps(contract, "test_every_score_is_declared", component=component) is kept


def test_a_broken_contract_says_what_is_wrong(build):
    component = build(ModelEvaluator, "evaluate", lambda self: {"los": 1.0}, metrics=(LOSS,))
    with pytest.raises(AssertionError, match=r"'los', undeclared: add Metric\('los', …\) to Made"):
        testing.EvaluatorContract().test_every_score_is_declared(component)
    with pytest.raises(AssertionError, match=r"direction to 'loss', but .* returned only 'los'"):
        testing.EvaluatorContract().test_directions_name_scores(component)


def test_a_wrong_number_of_outputs_is_named(build):
    hook = build(Hook, "run", lambda self, context: (7,), output_names=("one", "two"))
    with pytest.raises(AssertionError, match=r"1 outputs? \(7,\), but .* \['one', 'two'\]"):
        testing.HookContract().test_every_output_has_a_name(hook, None)


@pytest.mark.parametrize(
    ("weights", "score", "kept"), [(None, 2.0, True), ([1, 1, 4], 1.0, True), (None, 1.0, False)]
)
def test_a_score_must_be_the_mean_of_its_samples(build, watcher, weights, score, kept):
    def evaluate(self):
        self.workspace.watcher.watch_samples([1, 2, 3], "loss", weights=weights)
        return {"loss": score, "other": 7.0}

    fixtures = {"component": build(ModelEvaluator, "evaluate", evaluate), "watcher": watcher}
    contract = testing.EvaluatorContract
    assert keeps(contract, "test_scores_agree_with_their_samples", **fixtures) is kept


def test_results_must_exist(tmp_path):
    test = "test_its_results_exist"
    assert keeps(testing.ExecutorContract, test, produced=[tmp_path])
    assert not keeps(testing.ExecutorContract, test, produced=[tmp_path / "nowhere"])
    assert not keeps(testing.ExecutorContract, test, produced=[])


class Exporting(ComponentConfig):
    export_path: OutputPath = Field(Path("/exports"), description="Where to.")


@pytest.mark.parametrize(
    ("place", "kept"),
    [("job/deep/file", True), ("/exports", True), ("/exports/file", True), ("elsewhere", False)],
)
def test_results_must_be_where_they_belong(build, tmp_path, place, kept):
    component = build(GeneralDataExecutor, "execute", None, config_type=Exporting)
    fixtures = {"component": component, "produced": [tmp_path / place]}
    test = "test_its_results_are_where_they_belong"
    assert keeps(testing.ExecutorContract, test, **fixtures) is kept


@pytest.mark.parametrize(
    ("losses", "kept"),
    [
        ([(2.0, 1), (1.0, 2)], True),
        ([], False),
        ([(2.0, None)], False),
        ([(2.0, 1), (1.0, 1)], False),
        ([(float("inf"), 1)], False),
    ],
)
def test_a_trainer_must_report_a_loss_a_step(build, watcher, losses, kept):
    metrics = (Metric("lr"), Metric("loss", higher_is_better=False))
    trainer = build(ModelTrainExecutor, "train", None, metrics=metrics)
    for value, step in losses:
        trainer.workspace.watcher.watch(value, "loss", step)
    test = "test_its_objective_is_reported_step_by_step"
    fixtures = {"produced": [trainer.workspace.folder], "watcher": watcher}
    fixtures["component"] = trainer
    assert keeps(testing.TrainerContract, test, **fixtures) is kept
    trainer.__class__.metrics = ()
    assert not keeps(testing.TrainerContract, test, **fixtures)


@pytest.mark.parametrize(
    ("summary", "place", "kept"),
    [
        (SUMMARY, ".", True),
        (SUMMARY, "nowhere", False),
        ({**SUMMARY, "mean": float("nan")}, ".", False),
        ({**SUMMARY, "max": 1.5}, ".", False),
    ],
)
def test_an_analysis_must_be_a_summary(build, tmp_path, summary, place, kept):
    analysis = Analysis({"text_len": summary}, tmp_path / place)
    component = build(DataAnalyzer, "analyze", lambda self: analysis)
    contract = testing.AnalyzerContract
    assert keeps(contract, "test_its_statistics_are_summaries", component=component) is kept


@pytest.mark.parametrize(
    ("changes", "kept"),
    [
        ([Change("text_length_filter", "min_len", 1, 5)], True),
        ([Change("text_length_filter", "min_len", 2, 5)], False),
        ([Change("text_length_filter", "max_len", None, 5)], False),
        ([], False),
    ],
)
def test_a_refiner_must_tell_its_changes(build, changes, kept):
    refined = {"process": [{"text_length_filter": {"min_len": 5}}, {"fix_unicode_mapper": None}]}
    component = build(RecipeRefiner, "refine", lambda self, *_: Refinement(refined, changes))
    fixtures = {"component": component, "recipe": RECIPE, "statistics": {}}
    test = "test_its_changes_tell_what_it_did"
    assert keeps(testing.RefinerContract, test, **fixtures) is kept


@pytest.mark.parametrize(
    ("statistic", "side", "kept"),
    [
        (None, None, True),
        ("text_len", BoundSide.LOWER, True),
        ("text_len", None, False),
        ("no_such", BoundSide.LOWER, False),
    ],
)
def test_a_bound_must_name_a_statistic(build, statistic, side, kept):
    changes = [Change("text_length_filter", "min_len", 1, 5, statistic, side)]
    component = build(RecipeRefiner, "refine", lambda self, *_: Refinement({}, changes))
    fixtures = {"component": component, "recipe": RECIPE, "statistics": {"text_len": {}}}
    test = "test_its_bounds_name_what_they_bound"
    assert keeps(testing.RefinerContract, test, **fixtures) is kept


@pytest.mark.parametrize("kept", [True, False])
def test_a_refiner_must_not_change_what_it_is_given(build, kept):
    def refine(self, recipe, statistics):
        if not kept:
            recipe["process"].pop()

    fixtures = {
        "component": build(RecipeRefiner, "refine", refine),
        "recipe": {"process": list(RECIPE["process"])},
        "statistics": {},
    }
    assert keeps(testing.RefinerContract, "test_the_given_recipe_stays", **fixtures) is kept


@pytest.mark.parametrize(
    ("found", "kept"), [({"overlap": 0.0, "file": Path("a")}, True), (0.0, True), (None, False)]
)
def test_a_probe_must_find_something(build, found, kept):
    component = build(GeneralProbe, "probe", lambda self: found)
    contract = testing.ProbeContract
    assert keeps(contract, "test_its_finding_can_be_kept", component=component) is kept


def test_a_finding_that_is_not_json_is_refused(build):
    component = build(GeneralProbe, "probe", lambda self: object())
    with pytest.raises(TypeError, match=r"os\.PathLike"):
        testing.ProbeContract().test_its_finding_can_be_kept(component)


class Manager(Environment):
    def find(self):
        return None

    def create(self, folder, requirements, constraints):
        return (["make", str(folder)], ["fill", str(folder), str(requirements)])

    def variables(self, folder):
        return {"PATH": f"{folder}/bin:/usr/bin"}


class Starter(Manager):
    def create(self, folder, requirements, constraints):
        folder.mkdir()
        return super().create(folder, requirements, constraints)


class Shell(Manager):
    def create(self, folder, requirements, constraints):
        return [f"make {folder} {requirements}"]


class Forgetful(Manager):
    def create(self, folder, requirements, constraints):
        return (["make", str(folder)],)


class Outside(Manager):
    def python(self, folder):
        return Path("/usr/bin/python3")


class Last(Manager):
    def variables(self, folder):
        return {"PATH": f"/usr/bin:{folder}/bin"}


class Eager(Manager):
    def find(self):
        return Path("/usr")


@pytest.mark.parametrize(
    ("manager", "broken"),
    [
        (Manager, None),
        (Starter, "test_it_starts_nothing_itself"),
        (Shell, "test_it_starts_nothing_itself"),
        (Forgetful, "test_it_starts_nothing_itself"),
        (Outside, "test_its_python_is_inside_and_found_first"),
        (Last, "test_its_python_is_inside_and_found_first"),
        (Eager, "test_what_is_to_be_made_is_not_found"),
    ],
)
def test_managers_of_environments(tmp_path, watcher, manager, broken):
    component = manager(manager.config_type(), Workspace(tmp_path, watcher))
    files = (tmp_path / "requirements.txt", tmp_path / "constraints.txt")
    fixtures = {"component": component, "folder": tmp_path / "environment", "files": files}
    tests = {
        "test_what_is_to_be_made_is_not_found": ("component",),
        "test_it_starts_nothing_itself": ("component", "folder", "files"),
        "test_its_python_is_inside_and_found_first": ("component", "folder"),
    }
    contract = testing.EnvironmentContract
    kept = {
        name: keeps(contract, name, **{one: fixtures[one] for one in needed})
        for name, needed in tests.items()
    }
    assert [name for name, one in kept.items() if not one] == ([broken] if broken else [])
