"""What runs were given: their settings and inputs, under names that people know."""

import pytest

from djsb.query.facts import facts_of


def test_operators_count_by_name(history):
    recipe = {"np": 1, "process": [{"a_filter": {"min": 1}}, "plain", {"b_filter": None}]}
    run = history.add({"meta_name": "p", "settings": {"dj_configs": recipe}})
    assert facts_of(history.store, run).settings == {
        "p.dj_configs.np": 1,
        "p.dj_configs.process": "a_filter, plain, b_filter",
        "p.dj_configs.process.a_filter.min": 1,
    }


@pytest.mark.parametrize(
    ("value", "settings"),
    [
        ([1, 2], {"s.extra_configs.x": [1, 2]}),
        (["a", "b"], {"s.extra_configs.x": ["a", "b"]}),
        (
            [{"a": 1, "b": 2}, {"a": 3}],
            {"s.extra_configs.x.0.a": 1, "s.extra_configs.x.0.b": 2, "s.extra_configs.x.1.a": 3},
        ),
        (
            [{"f": {"k": 1}}, {"f": {"k": 2}}],
            {"s.extra_configs.x.0.f.k": 1, "s.extra_configs.x.1.f.k": 2},
        ),
        ({}, {"s.extra_configs.x": {}}),
        (None, {}),
        (False, {"s.extra_configs.x": False}),
    ],
)
def test_lists_and_mappings(history, value, settings):
    run = history.add({"meta_name": "s", "settings": {"extra_configs": {"x": value}}})
    assert facts_of(history.store, run).settings == settings


def test_results_of_jobs_stand_by_their_names(history):
    run = history.add(
        {
            "meta_name": "process",
            "files": "/w/cache/ab",
            "outputs": {"data": "/w/cache/ab/d.jsonl"},
        },
        history.train(
            train_dataset="/w/cache/ab/d.jsonl", more=["/w/cache/ab/x", "/w/cache/abc"], n=3
        ),
    )
    assert facts_of(history.store, run).settings == {
        "train.extra_configs.train_dataset": "process.data",
        "train.extra_configs.more": ["process/x", "/w/cache/abc"],
        "train.extra_configs.n": 3,
    }


def test_the_last_iteration_and_pipelines_by_name(history):
    run = history.add(
        history.score(0.1, pipeline="a", iteration=1),
        history.score(0.2, pipeline="b", iteration=1),
        history.score(0.3, pipeline="a", iteration=2),
        history.score(0.4, pipeline="b", iteration=2),
    )
    assert facts_of(history.store, run).metrics == {"a.eval.score": 0.3, "b.eval.score": 0.4}


@pytest.mark.parametrize(
    "pipelines",
    [
        [
            {
                "a": {
                    "execution_job_configs": [
                        {"meta_name": "train", "input": {"extra_configs.x": "-1.y"}}
                    ]
                }
            }
        ],
        {
            "a": {
                "execution_job_configs": [
                    {"meta_name": "train", "input": {"extra_configs.x": "-1.y"}}
                ]
            }
        },
    ],
)
@pytest.mark.parametrize("name", ["a", "a@seed=3"])
def test_inputs_inside_pipelines(history, pipelines, name):
    job = history.train(x=1, y=2) | {"pipeline": name}
    run = history.add(job, settings={"pipelines": pipelines})
    assert facts_of(history.store, run).handed_on == {"train.extra_configs.x"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pipelines": "other.yaml"},
        {"pipelines": [3]},
        {"execution_job_configs": 3},
        {"pipelines": {"anonymous": "file.yaml"}},
    ],
)
def test_inputs_that_stand_elsewhere(history, settings):
    run = history.add(history.train(x=1), settings=settings)
    assert facts_of(history.store, run).handed_on == frozenset()
