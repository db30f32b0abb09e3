"""Components of someone else get the same tables and the same report as ours."""

import json
from pathlib import Path

import pytest

from djsb.evidence.comparison import compare_sides
from djsb.query.select import select_side
from djsb.report.comparison_text import comparison_json, comparison_text
from djsb.report.summary import summarize
from djsb.store.store import Store
from djsb_report.reading import Reading
from djsb_report.reporter import HtmlReporter

ENTRY_POINTS = """
[djsb.hooks]
TastingHook = cellar:TastingHook
[djsb.data_analyzers]
sommelier = cellar:Sommelier
[djsb.recipe_refiners]
cellarer = cellar:Cellarer
[djsb.data_executors]
decanter = cellar:Decanter
[djsb.model_train_executors]
cooper = cellar:Cooper
[djsb.model_evaluators]
taster = cellar:Taster
"""
EXPERIMENT = """
work_dir: w
probe_job_configs:
- {hook: ProbeViaAnalyzerHook, meta_name: tasting, dj_configs: recipe.yaml,
   extra_configs: {type: sommelier}}
refine_recipe_job_configs:
- {hook: RefineRecipeViaKSigmaHook, meta_name: tasting, dj_configs: recipe.yaml,
   extra_configs: {type: cellarer}}
execution_job_configs:
- {hook: ProcessDataHook, meta_name: decant, input: {dj_configs: -1.refined_recipe_path},
   dj_configs: '<from_before>', extra_configs: {type: decanter}}
- {hook: TrainModelHook, meta_name: age_before, extra_configs: {type: cooper, bottles: b.jsonl}}
- {hook: TrainModelHook, meta_name: age_after,
   input: {extra_configs.bottles: anonymous.decant.export_path}, extra_configs: {type: cooper}}
- {hook: TastingHook, meta_name: party_before}
- {hook: TastingHook, meta_name: party_after}
evaluation_job_configs:
- {hook: ProbeViaAnalyzerHook, meta_name: tasting_after, dj_configs: recipe.yaml,
   input: {dj_configs.bottles: anonymous.decant.export_path}, extra_configs: {type: sommelier}}
- {hook: EvaluateModelHook, meta_name: taste_before,
   input: {extra_configs.barrel: anonymous.age_before.model_path}, extra_configs: {type: taster}}
- {hook: EvaluateModelHook, meta_name: taste_after,
   input: {extra_configs.barrel: anonymous.age_after.model_path}, extra_configs: {type: taster}}
"""


@pytest.fixture
def party(lab, install):
    """Run an experiment of the other plugin; return its store and record."""
    install("cellar", Path(__file__).with_name("cellar.py").read_text(), ENTRY_POINTS)
    notes = [{"note": "x" * n, "label": f"no. {n}"} for n in range(1, 41)]
    lab.write("b.jsonl", "".join(json.dumps(note) + "\n" for note in notes))
    lab.write("recipe.yaml", "bottles: b.jsonl\nprocess: [{sour_gate: {ceiling: 99.0}}]\n")
    run = lab.run(EXPERIMENT, workers=0)
    store = Store(run.folder.parents[1], create=False, with_inputs=True)
    yield store, store.run(run.id)
    store.close()


def rows(text):
    """Return the closing table: jobs, metric, values, difference and verdict as words."""
    table = text.partition("Before → after\n\n")[2].partition("\n\n")[0]
    return [" ".join(line.split()) for line in table.splitlines()[2:]]


def test_the_closing_table(party):
    store, run = party
    found = rows(summarize(store, run.id))
    assert found[0] == "decant bottles 40 20 -20 (-50.0%)"
    assert found[1] == "tasting → tasting_after acidity.mean 20.5 10.5 -10 (-48.8%)"
    assert found[2] == "age_before → age_after litres 100 100 0"
    assert found[3] == "party_before → party_after applause 1 2 +1 (+100.0%) not judged"
    assert found[4].startswith("taste_before → taste_after delight ")
    assert found[4].endswith(" better")
    assert len(found) == 5  # neither warmth nor doubt nor thirst, no count, no step


def test_comparing_two_jobs(party):
    store, _ = party
    sides = [select_side(store, f"last:taste_{when}") for when in ("before", "after")]
    found = compare_sides(store, sides)
    verdicts = {
        one["metric"]: one["differences"][0]["verdict"] for one in comparison_json(found)["metrics"]
    }
    assert verdicts == {"delight": "better", "doubt": None, "thirst": None}
    text = comparison_text(found)
    assert "doubt" not in text
    assert "thirst" not in text


@pytest.fixture
def page(party, parse_page):
    """Return the report of the run as its reader sees it."""
    return parse_page(HtmlReporter().render(*party))


def test_the_report_says_what_is_better(page):
    assert "Data: decant kept 20 of 40 bottles (50.0 %)." in page.text.replace("\xa0", " ")
    assert "both saw 100 litres" in page.text
    assert "delight of taste_after against taste_before" in page.text
    assert "applause of party_after against party_before" in page.text


def test_the_report_has_every_section(page):
    assert page.sections == [
        "verdict", "pipeline", "distributions", "funnel", "samples", "curves", "scores",
        "environment",
    ]  # fmt: skip


def test_the_report_draws_what_was_declared(page):
    assert "decant: 20 of 40 bottles kept" in page.text
    assert "sour_gate 20 (\N{MINUS SIGN}20)" in page.text
    assert "regret by step" in page.text
    assert "warmth by step" not in page.text
    assert "litres by step" not in page.text
    assert "sour_gate.ceiling: 99 → 20.5" in page.text
    assert "var(--bound)" in page.source
    assert "outside the bounds: acidity" in page.text


def test_samples_are_told_apart_by_their_own_fields(party):
    from djsb_report.distributions import read_distributions
    from djsb_report.samples import read_samples

    reading = Reading(*party)
    (found,) = read_distributions(reading)
    assert [(one.statistic, len(one.bounds)) for one in found.statistics] == [("acidity", 1)]
    (samples,) = read_samples(reading, found.bounds)
    assert {len(one.text) <= 20 for one in samples.kept} == {True}
    assert {len(one.text) > 20 for one in samples.dropped} == {True}
    (reason,) = {len(one.reasons) for one in samples.dropped}
    assert reason == 1
    assert all("~facts" not in dict(one.fields) for one in samples.kept)
