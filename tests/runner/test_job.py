"""One job made ready, and what an iteration remembers."""

from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from djsb.cache.digests import Digests
from djsb.runner.exports import Export
from djsb.runner.history import History
from djsb.runner.job import prepare_job
from djsb_core.errors import ComponentError
from tests.support.state import state_of

REFINED = """
work_dir: w
execution_job_configs:
- hook: Echo
  meta_name: first
- hook: Echo
  meta_name: second
  local: {extra_configs.number: 5}
  input: {extra_configs.text: -1.text}
  extra_configs: {out: out/x.txt, number: 1}
iter_updater: {anonymous.first.text: anonymous.second.extra_configs.mode}
max_iter_num: 3
"""


@pytest.fixture
def prepare(lab):
    """Return a function that prepares the second job."""
    with closing(Digests(lab.folder / "digests.sqlite")) as digests:

        def prepare_second(history, text=REFINED):
            plan = lab.plan(text)
            return prepare_job(state_of(plan, digests), plan.jobs[1], history, {})

        yield prepare_second


def test_references_are_resolved(prepare):
    job = prepare(History(1, outputs={0: {"text": "early"}}))
    assert job.settings.extra_configs == {"out": "out/x.txt", "number": 5, "text": "early"}
    assert job.sections == {"dj_configs": None, "extra_configs": job.settings.extra_configs}


def test_the_next_iteration_has_what_the_last_one_gave(prepare):
    last = History(1, outputs={0: {"text": "echo"}})
    history = History(2, previous=last, outputs={0: {"text": "now"}})
    settings = prepare(history).settings.extra_configs
    assert (settings["text"], settings["mode"]) == ("now", "echo")


def test_the_iteration_itself_is_no_part_of_the_key(prepare):
    outputs = {0: {"text": "same"}}
    assert prepare(History(1, outputs=outputs)).key == prepare(History(2, outputs=outputs)).key


def test_a_wrong_value_of_an_earlier_job_names_its_place(prepare):
    with pytest.raises(ComponentError, match=r"sandbox.yaml:\d+: .*text: should be a valid string"):
        prepare(History(1, outputs={0: {"text": [1]}}))


def test_every_wrong_value_is_told(prepare):
    text = REFINED.replace("{extra_configs.text: -1.text}", "{extra_configs.%s: -1.text}")
    both = text.replace("%s: -1.text", "text: -1.text, extra_configs.train: -1.text")
    with pytest.raises(ComponentError) as caught:
        prepare(History(1, outputs={0: {"text": 3}}), both)
    assert len(str(caught.value).splitlines()) == 2


def test_where_results_are_made(prepare, lab):
    history = History(1, outputs={0: {"text": "x"}})
    job, folder = prepare(history), lab.folder / "attempt"
    named = lab.folder / "out/x.txt"
    assert job.named == (named,)
    assert job.sources_in(folder, history) == {named: folder / "exports/x.txt"}
    assert job.exports(folder, history) == []
    request = job.request(folder, lab.folder / "log", history)
    assert request.outputs == job.sources_in(folder, history)
    assert (request.id.meta_name, request.id.iteration, request.output_names) == (
        "second",
        1,
        ("text",),
    )


ONCE = SimpleNamespace(pipeline="p", seed=None)
SEED_1, SEED_2 = (SimpleNamespace(pipeline=f"p@seed={seed}", seed=seed) for seed in (1, 2))


# -- what an iteration remembers -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("named", "place"), [("/a/x.txt", "/a/iter_2/x.txt"), ("/a/model", "/a/model/iter_2")]
)
def test_places_of_an_iteration(named, place):
    assert History(2, several=True).place(Path(named), ONCE) == Path(place)
    assert History(1).place(Path(named), ONCE) == Path(named)


def test_places_of_a_seed():
    history = History(2, several=True)
    assert history.place(Path("/a/x.txt"), SEED_1) == Path("/a/seed_1/iter_2/x.txt")
    assert History(1).place(Path("/a/model"), SEED_1) == Path("/a/model/seed_1")


def test_each_seed_finds_its_own_results():
    history = History(1)
    for spec, made in ((SEED_1, "/made/1"), (SEED_2, "/made/2")):
        place = Path(f"/a/seed_{spec.seed}/x")
        history.add_export(Export(Path("/a/x"), Path(made), place), spec)
    assert history.placed(SEED_1)[Path("/a/x")] == Path("/made/1")
    assert history.placed(SEED_2)[Path("/a/x")] == Path("/made/2")
    assert Path("/a/x") not in history.placed(ONCE)
    assert history.placed(ONCE)[Path("/a/seed_2/x")] == Path("/made/2")


def test_results_are_found_by_name_and_by_place():
    history = History(2, several=True)
    history.add_export(Export(Path("/a/x"), Path("/made/x"), Path("/a/iter_2/x")), ONCE)
    assert history.placed(ONCE) == {
        Path("/a/x"): Path("/made/x"),
        Path("/a/iter_2/x"): Path("/made/x"),
    }


@pytest.mark.parametrize("order", [["out", "out/x"], ["out/x", "out"]])
def test_of_two_results_at_one_place_the_later_counts(prepare, lab, order):
    history = History(1, outputs={0: {"text": "x"}})
    made = {}
    for number, name in enumerate(["out/x", "out", *order]):
        folder = lab.folder / f"made{number}"
        made[name] = lab.write(f"made{number}/x" if name == "out/x" else f"made{number}/out/x", "")
        made_at = made[name] if name == "out/x" else folder / "out"
        history.add_export(Export(lab.folder / name, made_at, lab.folder / name), ONCE)
    text = REFINED.replace("out: out/x.txt", "file: out/x")
    lab.write("out/x", "")
    assert prepare(history, text).context.find(Path("out/x")) == made[order[-1]]


# -- metrics that count ----------------------------------------------------------------------------

REFINE = """
work_dir: w
probe_job_configs:
- hook: ProbeViaAnalyzerHook
  meta_name: probe
  dj_configs: configs/process.yaml
  local: {dj_configs.dataset_path: %s}
  extra_configs: {type: lab_analyzer}
refine_recipe_job_configs:
- hook: RefineRecipeViaKSigmaHook
  meta_name: probe
  dj_configs: configs/process.yaml
  extra_configs: {type: lab_refiner}
"""


def test_a_refinement_depends_on_what_its_probe_measured_and_on_nothing_else_of_it(lab):
    lines = Path("data.jsonl").read_text().splitlines(keepends=True)
    lab.write("shuffled.jsonl", "".join(reversed(lines)))
    lab.write("other.jsonl", '{"text": "xxxxxxxxx"}\n')

    def statuses(name):
        run = lab.run(REFINE % f"{name}.jsonl")
        with closing(lab.store(run)) as store:
            return [job.status for job in store.jobs(run.id)]

    assert statuses("data") == ["finished", "finished"]
    assert statuses("shuffled") == ["finished", "cached"]
    assert statuses("other") == ["finished", "finished"]
    assert statuses("data") == ["cached", "cached"]
