"""Before and after in one run, and the table of it."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from djsb.evidence.changes import Change, changes_of
from djsb.evidence.contrast import Contrast
from djsb.evidence.difference import Difference
from djsb.report.summary import changes_table, summarize
from djsb.store.store import Store
from djsb_core.job.reports import Artifact, ArtifactKind, Point
from djsb_core.metrics import Metric, MetricKind
from tests.support.declared import with_declarations


@pytest.fixture
def measured(tmp_path):
    """Return a function that records a run of jobs and gives the store and its records."""
    store = Store(tmp_path)
    run = store.add_run(names=("p", "e"), experiment=Path("x"), settings={})

    def record(*jobs):
        for position, (name, metrics, values) in enumerate(jobs):
            base = {"hook": "H", "component": "c", "status": "finished", "stage": "evaluation"}
            options = base | values
            paired = options.pop("samples", {})
            job = store.add_job(
                run.id, pipeline="anonymous", iteration=1, position=position,
                meta_name=name, folder=tmp_path, **with_declarations(options),
            )  # fmt: skip
            store.add_points(job, [Point(key, value, None, 0.0) for key, value in metrics.items()])
            for metric, one in paired.items():
                path = tmp_path / f"{name}.{metric}.json"
                path.write_text(f'{{"values": {one}, "weights": null}}')
                store.add_artifact(job, Artifact(metric, ArtifactKind.SAMPLES, None, path))
        store.end_run(run.id, "finished", 1.0)
        return store, store.jobs(run.id)

    yield record
    store.close()


LOWER = {"directions": {"loss": False}}


def test_the_first_is_compared_with_each_later_one_of_its_kind(measured):
    found = changes_of(
        *measured(
            ("before", {"loss": 3.0, "text": "x"}, LOWER),
            ("other", {"loss": 9.0}, {"component": "d", **LOWER}),
            ("after", {"loss": 2.0, "new": 1.0, "text": "y"}, LOWER),
            ("failed", {"loss": 1.0}, {**LOWER, "status": "failed"}),
            ("later", {"loss": 2.5}, {**LOWER, "status": "cached"}),
        )
    )
    assert [
        (c.metric, one.before, one.after, c.difference.estimate, c.verdict)
        for one in found
        for c in [one.contrast]
    ] == [
        ("loss", "before", "after", -1.0, "not judged"),
        ("loss", "before", "later", -0.5, "not judged"),
    ]


def test_paired_samples_say_how_sure_it_is(measured):
    before, after = [1.0, 2.0, 3.0, 4.0], [0.9, 2.3, 2.8, 4.1]
    (change,) = changes_of(
        *measured(
            ("a", {"loss": 2.5}, {**LOWER, "samples": {"loss": before}}),
            ("b", {"loss": 2.525}, {**LOWER, "samples": {"loss": after}}),
        )
    )
    gap = change.contrast.difference
    assert gap.standard_error == pytest.approx(stats.sem(np.subtract(after, before)))
    assert change.contrast.verdict == "no clear difference"


def test_rows_that_processing_kept_are_a_change(measured):
    (change,) = changes_of(*measured(("process", {"rows_in": 5, "rows_kept": 2}, {})))
    found = change.contrast
    assert (found.metric, found.old, found.new, found.verdict) == ("rows", 5, 2, "")


def test_probes_are_compared_by_their_means(measured):
    probe = {"hook": "ProbeViaAnalyzerHook"}
    found = changes_of(
        *measured(
            ("a", {"text_len.mean": 4.0, "text_len.std": 1.0}, probe),
            ("b", {"text_len.mean": 7.0, "text_len.std": 2.0}, probe),
        )
    )
    assert [one.contrast.metric for one in found] == ["text_len.mean"]


def test_probes_that_share_their_names_with_refinements_are_compared_by_their_means(measured):
    probe = {"hook": "ProbeViaAnalyzerHook"}
    refine = {"hook": "RefineRecipeViaKSigmaHook", "component": "r"}
    found = changes_of(
        *measured(
            ("a", {"text_len.mean": 4.0, "text_len.std": 1.0}, probe),
            ("a", {"refined.f.min_len.new": 1.0}, refine),
            ("b", {"text_len.mean": 7.0, "text_len.std": 2.0}, probe),
            ("b", {"refined.f.min_len.new": 2.0}, refine),
        )
    )
    assert [one.contrast.metric for one in found] == ["text_len.mean"]


def test_trainings_are_compared_by_what_they_saw_only(measured):
    tokens = Metric("tokens", higher_is_better=True, kind=MetricKind.COUNT, primary=True)
    training = {"hook": "TrainModelHook", "stage": "execution", "declared": [tokens]}
    found = changes_of(
        *measured(
            ("a", {"tokens": 10.0, "final_loss": 1.0}, training),
            ("b", {"tokens": 10.0, "final_loss": 2.0}, training),
        )
    )
    assert [(one.contrast.metric, one.contrast.verdict) for one in found] == [("tokens", "")]


def test_the_summary(measured):
    store, jobs = measured(
        ("before", {"loss": 4.0, "loss_stderr": 1.0}, LOWER),
        ("after", {"loss": 3.0, "loss_stderr": 2.0}, LOWER),
    )
    text = summarize(store, jobs[0].run_id)
    (row,) = [line for line in text.splitlines() if "before → after" in line]
    assert row.split()[3:] == ["loss", "4", "3", "-1", "(-25.0%)", "not", "judged"]
    assert "loss_stderr" not in text
    assert f"Run {jobs[0].run_id} finished in 1.0 s. More: djsb show {jobs[0].run_id} " in text


def test_the_summary_without_a_comparison(measured):
    store, jobs = measured(("only", {"loss": 4.0}, LOWER))
    assert "Before" not in summarize(store, jobs[0].run_id)


def change(old, new, error=None, before="a", after="b", **more):
    gap = Difference(new - old, standard_error=error)
    return Change(before, after, "anonymous", Contrast("m", old, new, gap, **more))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (change(1.0, 1.0), "0"),
        (change(0.0, 2.0), "+2"),
        (change(4.0, 1.0), "-3 (-75.0%)"),
        (change(-4.0, -1.0), "+3 (+75.0%)"),
        (change(4.0, 3.5, 0.123), "-0.5 ± 0.12"),
        (change(4.0, math.nan), "nan"),
        (change(4.0, math.inf), "inf"),
    ],
)
def test_how_a_difference_is_written(given, shown):
    row = changes_table([given]).splitlines()[-1]
    assert shown in row


def test_a_job_compared_with_itself_is_named_once():
    assert changes_table([change(1.0, 2.0, after="a")]).splitlines()[-1].startswith("a  ")


def test_samples_with_other_weights_are_not_the_same_samples(measured, tmp_path):
    store, jobs = measured(("a", {"loss": 2.0}, {}), ("b", {"loss": 1.0}, {}))
    for job, weights in zip(jobs, ([1, 2, 3], [1, 2, 4]), strict=True):
        path = tmp_path / f"{job.meta_name}.json"
        path.write_text(f'{{"values": [1, 2, 3], "weights": {weights}}}')
        store.add_artifact(job.id, Artifact("loss", ArtifactKind.SAMPLES, None, path))
    (found,) = changes_of(store, jobs)
    assert found.contrast.difference.standard_error is None


def test_samples_of_other_data_are_no_pairs(history):
    """What the table of a run once called better, and ``djsb compare`` did not."""
    old, new = [1.0, 2.0, 3.0, 4.0], [1.2, 2.1, 3.4, 4.4]
    jobs = [
        history.score(
            np.mean(values),
            name,
            samples={"score": values},
            settings={"extra_configs": {"dataset_path": f"{name}.jsonl"}},
        )
        for name, values in (("d", old), ("e", new))
    ]
    (change,) = changes_of(history.store, history.store.jobs(history.add(*jobs).id))
    expected = stats.ttest_ind(new, old, equal_var=False).confidence_interval(0.95)
    gap = change.contrast.difference
    assert gap.interval == pytest.approx((expected.low, expected.high))
    assert gap.standard_error == pytest.approx(np.hypot(stats.sem(old), stats.sem(new)))
    assert change.contrast.verdict == "no clear difference"


def test_few_samples_are_judged_by_students_t(history):
    """1.96 standard errors leave zero out; the interval of three pairs does not."""
    old, new = [1.0, 2.0, 3.0], [1.1, 2.3, 3.4]
    jobs = [
        history.score(np.mean(values), name, samples={"score": values})
        for name, values in (("a", old), ("b", new))
    ]
    (change,) = changes_of(history.store, history.store.jobs(history.add(*jobs).id))
    gap = change.contrast.difference
    assert gap.estimate > 1.96 * gap.standard_error
    assert change.contrast.verdict == "no clear difference"


def test_jobs_that_disagree_on_what_is_better_get_no_verdict(history):
    jobs = [history.score(0.5, "a"), history.score(0.6, "b", directions={"score": False})]
    (change,) = changes_of(history.store, history.store.jobs(history.add(*jobs).id))
    assert change.contrast.verdict == ""


# -- over seeds ------------------------------------------------------------------------------------

OLD, NEW = [5.75, 5.81, 5.79], [5.67, 5.70, 5.74]


@pytest.fixture
def over_seeds(history):
    """Return a function that records two jobs per seed and gives what changed."""

    def record(old=OLD, new=NEW, pipeline="train", directions=LOWER["directions"], more=()):
        jobs = [
            {
                "meta_name": name,
                "pipeline": f"{pipeline}@seed={seed}",
                "metrics": {} if value is None else {"loss": value},
                "status": "failed" if value is None else "finished",
                "directions": directions,
            }
            for seed, pair in enumerate(zip(old, new, strict=True))
            for name, value in zip(("raw", "refined"), pair, strict=True)
        ]
        run = history.add(*jobs, *more)
        return list(changes_of(history.store, history.store.jobs(run.id)))

    return record


def test_the_paired_difference_over_seeds_is_scipys(over_seeds):
    (change,) = over_seeds()
    found = change.contrast
    interval = stats.ttest_rel(NEW, OLD).confidence_interval(0.95)
    assert found.replicates == (3, 3)
    assert (found.old, found.new) == pytest.approx((np.mean(OLD), np.mean(NEW)))
    assert found.difference.estimate == pytest.approx(np.mean(NEW) - np.mean(OLD))
    assert found.difference.interval == pytest.approx((interval.low, interval.high))
    assert found.difference.standard_error == pytest.approx(stats.sem(np.subtract(NEW, OLD)))
    assert found.errors == pytest.approx((stats.sem(OLD), stats.sem(NEW)))
    assert change.pipeline == "train"


def test_few_seeds_are_judged_by_students_t(over_seeds):
    """Three differences of -0.08, -0.11 and -0.05: clear by a normal interval, and by t too."""
    (found,) = over_seeds()
    assert found.contrast.verdict == "better"
    (doubtful,) = over_seeds(new=[5.67, 5.70, 5.80])
    normal = 1.96 * doubtful.contrast.difference.standard_error
    assert abs(doubtful.contrast.difference.estimate) > normal / 2
    assert doubtful.contrast.verdict == "no clear difference"


def test_other_pipelines_stay_as_they_are(over_seeds):
    single = [
        {"meta_name": name, "pipeline": "other", "metrics": {"loss": value}}
        for name, value in (("raw", 1.0), ("refined", 2.0))
    ]
    found = over_seeds(more=single)
    assert [(one.pipeline, one.contrast.replicates) for one in found] == [
        ("train", (3, 3)),
        ("other", (1, 1)),
    ]


def test_one_seed_is_no_mean(over_seeds):
    (change,) = over_seeds([1.0], [2.0])
    found = change.contrast
    assert (found.replicates, found.errors, found.difference) == (
        (1, 1),
        (None, None),
        Difference(1.0),
    )


def test_the_table_says_how_many_seeds(over_seeds):
    text = changes_table(over_seeds())
    assert "raw → refined (3 seeds)" in text
    assert f"5.783 ± {stats.sem(OLD):.2g}" in text
    assert "better" in text


def test_a_seed_that_failed_on_one_side_leaves_lists_without_pairs(over_seeds):
    """The first job stays the first one, though of the first seed only the second finished."""
    found = over_seeds([None, 5.81, 5.79], NEW)
    (change,) = found
    expected = stats.ttest_ind(NEW, OLD[1:], equal_var=False).confidence_interval(0.95)
    assert (change.before, change.after) == ("raw", "refined")
    assert change.contrast.difference.interval == pytest.approx((expected.low, expected.high))
    assert "raw → refined (2 and 3 seeds)" in changes_table(found)


def test_a_seed_that_ended_in_a_nan_leaves_no_verdict(over_seeds):
    (found,) = over_seeds(new=[5.67, math.nan, 5.74])
    assert found.contrast.verdict == ""


def test_seeds_that_are_infinite_in_both_directions_leave_no_verdict(over_seeds):
    (found,) = over_seeds(new=[5.67, math.inf, -math.inf])
    assert found.contrast.verdict == ""


def test_what_no_seed_decides_is_said_once_as_it_is(over_seeds):
    (found,) = over_seeds([8.0] * 3, [6.0] * 3, directions={})
    assert (found.contrast.replicates, found.pipeline) == ((1, 1), "train")
    assert "raw → refined  " in changes_table([found])
    assert "-2 (-25.0%)" in changes_table([found])


def test_what_no_seed_decides_is_judged_by_its_samples(history):
    """Two identical repetitions are no evidence: one of them is as good."""
    old, new = [0.0, 1.0, 0.0, 1.0], [1.0, 1.0, 0.0, 1.0]
    jobs = [
        history.score(np.mean(values), name, pipeline=f"p@seed={seed}", samples={"score": values})
        for seed in (1, 2)
        for name, values in (("raw", old), ("refined", new))
    ]
    run = history.add(*jobs)
    (found,) = changes_of(history.store, history.store.jobs(run.id))
    expected = stats.ttest_rel(new, old).confidence_interval(0.95)
    assert found.contrast.difference.interval == pytest.approx((expected.low, expected.high))
    assert found.contrast.verdict == "no clear difference"
