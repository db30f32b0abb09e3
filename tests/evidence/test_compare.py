import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from djsb.evidence.compare import Comparison, compare_jobs, paired_standard_error
from djsb.report.summary import changes_of, changes_table, summarize
from djsb.store.store import Store
from djsb_core.interfaces.metrics import Metric, MetricKind
from djsb_core.job.reports import Artifact, ArtifactKind, Point, SampleValues
from tests.support.declared import with_declarations


@pytest.fixture
def draw():
    return np.random.default_rng(20261122)


def samples(values, weights=None):
    return SampleValues(list(values), None if weights is None else list(weights))


# -- the standard error ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2, 3, 50, 1000])
def test_without_weights_it_is_scipys_standard_error_of_the_differences(draw, count):
    old, new = draw.normal(2.0, 1.0, count), draw.normal(1.9, 2.0, count)
    expected = stats.sem(new - old)
    assert paired_standard_error(samples(old), samples(new)) == pytest.approx(expected, rel=1e-9)
    ones = np.ones(count)
    assert paired_standard_error(samples(old, ones), samples(new, ones)) == pytest.approx(expected)


def ratio_difference(old, old_weights, new, new_weights, axis=-1):
    before = old.sum(axis=axis) / old_weights.sum(axis=axis)
    return new.sum(axis=axis) / new_weights.sum(axis=axis) - before


@pytest.mark.parametrize("correlation", [0.0, 0.9, 0.999])
@pytest.mark.parametrize("same_weights", [True, False])
def test_with_weights_it_agrees_with_scipys_paired_bootstrap(draw, correlation, same_weights):
    count = 400
    weights = draw.integers(5, 500, count).astype(float)
    others = weights if same_weights else draw.integers(5, 500, count).astype(float)
    shared = draw.normal(2.5, 0.5, count)
    noise = draw.normal(2.4, 0.5, count)
    old = shared * weights
    new = (correlation * shared + (1 - correlation) * noise) * others
    data = (old, weights, new, others)
    found = stats.bootstrap(
        data,
        ratio_difference,
        paired=True,
        vectorized=True,
        n_resamples=3000,
        rng=draw,
        method="basic",
    )
    error = paired_standard_error(samples(old, weights), samples(new, others))
    assert error == pytest.approx(found.standard_error, rel=0.1)


def test_with_weights_it_agrees_with_the_jackknife(draw):
    count = 300
    weights, others = (draw.integers(1, 100, count).astype(float) for _ in range(2))
    old, new = draw.gamma(2.0, 1.0, count) * weights, draw.gamma(2.1, 1.0, count) * others
    left_out = [
        ratio_difference(*(np.delete(values, i) for values in (old, weights, new, others)))
        for i in range(count)
    ]
    variance = (count - 1) / count * np.square(left_out - np.mean(left_out)).sum()
    error = paired_standard_error(samples(old, weights), samples(new, others))
    assert error == pytest.approx(math.sqrt(variance), rel=0.03)


def test_the_same_samples_have_no_error(draw):
    values, weights = draw.normal(size=20), draw.integers(1, 9, 20)
    assert paired_standard_error(samples(values, weights), samples(values, weights)) == 0


def test_its_intervals_hold_the_truth_as_often_as_they_should(draw):
    inside = 0
    for _ in range(300):
        old = draw.exponential(1.0, 200)
        new = old + draw.normal(-0.1, 0.5, 200)
        error = paired_standard_error(samples(old), samples(new))
        inside += abs((new.mean() - old.mean()) + 0.1) <= 1.96 * error
    assert stats.binomtest(inside, 300, 0.95).pvalue > 1e-4


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (samples([]), samples([])),
        (samples([1.0]), samples([2.0])),
        (samples([1.0, 2.0]), samples([1.0, 2.0, 3.0])),
        (samples([0.0, 0.0], [0.0, 0.0]), samples([1.0, 2.0], [1.0, 1.0])),
        (samples([1.0, math.nan]), samples([1.0, 2.0])),
        (samples([1.0, 2.0]), samples([math.inf, -math.inf])),
        (samples([1.0, 2.0], [1.0, math.nan]), samples([1.0, 2.0])),
    ],
)
def test_none_where_it_cannot_be_told(old, new):
    assert paired_standard_error(old, new) is None


# -- the verdict -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "error", "higher", "verdict"),
    [
        (1.0, 2.0, None, True, "better"),
        (1.0, 2.0, None, False, "worse"),
        (2.0, 1.0, None, False, "better"),
        (2.0, 1.0, None, True, "worse"),
        (1.0, 2.0, None, None, ""),
        (1.0, 1.0, None, True, ""),
        (1.0, 2.0, 0.5, True, "better"),
        (1.0, 2.0, 0.52, True, "no clear difference"),
        (2.0, 1.0, 0.52, True, "no clear difference"),
        (1.0, 2.0, 0.52, None, "no clear difference"),
        (1.0, 1.0, 0.0, True, "no clear difference"),
        (1.0, 2.0, 0.0, True, "better"),
        (1.0, 2.0, 0.4, None, ""),
        (2.0, math.nan, None, False, ""),
        (2.0, math.nan, None, True, ""),
        (math.nan, 2.0, 0.1, False, ""),
        (2.0, math.inf, None, False, "worse"),
        (math.inf, 2.0, None, False, "better"),
    ],
)
def test_the_verdict(old, new, error, higher, verdict):
    assert Comparison("loss", "a", "b", old, new, error, higher).verdict == verdict


# -- the jobs of a run -----------------------------------------------------------------------------


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
    found = compare_jobs(
        *measured(
            ("before", {"loss": 3.0, "text": "x"}, LOWER),
            ("other", {"loss": 9.0}, {"component": "d", **LOWER}),
            ("after", {"loss": 2.0, "new": 1.0, "text": "y"}, LOWER),
            ("failed", {"loss": 1.0}, {**LOWER, "status": "failed"}),
            ("later", {"loss": 2.5}, {**LOWER, "status": "cached"}),
        )
    )
    assert [(c.metric, c.before, c.after, c.difference, c.verdict) for c in found] == [
        ("loss", "before", "after", -1.0, "better"),
        ("loss", "before", "later", -0.5, "better"),
    ]


def test_paired_samples_say_how_sure_it_is(measured):
    before, after = [1.0, 2.0, 3.0, 4.0], [0.9, 2.3, 2.8, 4.1]
    (found,) = compare_jobs(
        *measured(
            ("a", {"loss": 2.5}, {**LOWER, "samples": {"loss": before}}),
            ("b", {"loss": 2.525}, {**LOWER, "samples": {"loss": after}}),
        )
    )
    assert found.standard_error == pytest.approx(stats.sem(np.subtract(after, before)))
    assert found.verdict == "no clear difference"


def test_rows_that_processing_kept_are_a_change(measured):
    (found,) = changes_of(*measured(("process", {"rows_in": 5, "rows_kept": 2}, {})))
    assert (found.metric, found.old, found.new, found.verdict) == ("rows", 5, 2, "")


def test_probes_are_compared_by_their_means(measured):
    probe = {"hook": "ProbeViaAnalyzerHook"}
    found = changes_of(
        *measured(
            ("a", {"text_len.mean": 4.0, "text_len.std": 1.0}, probe),
            ("b", {"text_len.mean": 7.0, "text_len.std": 2.0}, probe),
        )
    )
    assert [one.metric for one in found] == ["text_len.mean"]


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
    assert [one.metric for one in found] == ["text_len.mean"]


def test_trainings_are_compared_by_what_they_saw_only(measured):
    tokens = Metric("tokens", kind=MetricKind.COUNT, primary=True, higher_is_better=True)
    training = {"hook": "TrainModelHook", "stage": "execution", "declared": [tokens]}
    found = changes_of(
        *measured(
            ("a", {"tokens": 10.0, "final_loss": 1.0}, training),
            ("b", {"tokens": 10.0, "final_loss": 2.0}, training),
        )
    )
    assert [(one.metric, one.verdict) for one in found] == [("tokens", "")]


def test_the_summary(measured):
    store, jobs = measured(
        ("before", {"loss": 4.0, "loss_stderr": 1.0}, LOWER),
        ("after", {"loss": 3.0, "loss_stderr": 2.0}, LOWER),
    )
    text = summarize(store, jobs[0].run_id)
    (row,) = [line for line in text.splitlines() if "before → after" in line]
    assert row.split()[3:] == ["loss", "4", "3", "-1", "(-25.0%)", "better"]
    assert "loss_stderr" not in text
    assert f"Run {jobs[0].run_id} finished in 1.0 s. More: djsb show {jobs[0].run_id} " in text


def test_the_summary_without_a_comparison(measured):
    store, jobs = measured(("only", {"loss": 4.0}, LOWER))
    assert "Before" not in summarize(store, jobs[0].run_id)


@pytest.mark.parametrize(
    ("comparison", "shown"),
    [
        (Comparison("m", "a", "b", 1.0, 1.0), "0"),
        (Comparison("m", "a", "b", 0.0, 2.0), "+2"),
        (Comparison("m", "a", "b", 4.0, 1.0), "-3 (-75.0%)"),
        (Comparison("m", "a", "b", -4.0, -1.0), "+3 (+75.0%)"),
        (Comparison("m", "a", "b", 4.0, 3.5, 0.123), "-0.5 ± 0.12"),
        (Comparison("m", "a", "b", 4.0, math.nan), "nan"),
        (Comparison("m", "a", "b", 4.0, math.inf), "inf"),
    ],
)
def test_how_a_difference_is_written(comparison, shown):
    row = changes_table([comparison]).splitlines()[-1]
    assert shown in row


def test_a_job_compared_with_itself_is_named_once():
    assert changes_table([Comparison("m", "a", "a", 1.0, 2.0)]).splitlines()[-1].startswith("a  ")


def test_samples_with_other_weights_are_not_the_same_samples(measured, tmp_path):
    store, jobs = measured(("a", {"loss": 2.0}, {}), ("b", {"loss": 1.0}, {}))
    for job, weights in zip(jobs, ([1, 2, 3], [1, 2, 4]), strict=True):
        path = tmp_path / f"{job.meta_name}.json"
        path.write_text(f'{{"values": [1, 2, 3], "weights": {weights}}}')
        store.add_artifact(job.id, Artifact("loss", ArtifactKind.SAMPLES, None, path))
    (found,) = changes_of(store, jobs)
    assert found.standard_error is None
