"""Running a recipe: the same result as Data-Juicer's own executor, counted and in its place."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from djsb_core.api import ComponentError, Kind, Workspace
from djsb_core.testing import ExecutorContract, RecordingWatcher
from djsb_datajuicer.executor import DataJuicerExecutor


class TestContract(ExecutorContract):
    kind = Kind.DATA_EXECUTOR
    name = "data_juicer"

    @pytest.fixture
    def settings(self, make_data: Any, tmp_path: Path) -> dict[str, Any]:
        return {
            "dataset_path": make_data([{"text": "one two three"}, {"text": "x"}]),
            "export_path": tmp_path / "deep" / "er" / "out.jsonl",
            "process": [{"text_length_filter": {"min_len": 5}}],
        }

    def test_metrics_tell_the_funnel(self, component: Any, watcher: RecordingWatcher) -> None:
        component.execute()
        assert watcher.metrics == [
            (
                "",
                {
                    "rows_in": 2,
                    "rows_kept": 1,
                    "kept_ratio": 0.5,
                    "after.text_length_filter": 1,
                },
                None,
            )
        ]

    def test_it_says_what_it_reads_and_writes(self, component: Any, tmp_path: Path) -> None:
        assert list(component.reads()) == [tmp_path / "rows.jsonl"]
        assert list(component.writes()) == [tmp_path / "deep" / "er" / "out.jsonl"]


@pytest.fixture
def execute(tmp_path: Path) -> Any:
    """Run a recipe; returns the exported path and the metrics."""

    def run(data: Path, process: list[Any], **settings: Any) -> tuple[Path, dict[str, float]]:
        folder = tmp_path / "job"
        folder.mkdir(exist_ok=True)
        config = DataJuicerExecutor.config_type(
            **{
                "dataset_path": data,
                "process": process,
                "export_path": tmp_path / "out.jsonl",
                **settings,
            }
        )
        watcher = RecordingWatcher()
        path = DataJuicerExecutor(config, Workspace(folder, watcher)).execute()
        metrics = watcher.metrics[0][1]
        assert isinstance(metrics, dict)
        assert isinstance(path, Path)
        return path, metrics

    return run


def same_files(ours: Path, peer: Path) -> None:
    for name in ("out.jsonl", "out_stats.jsonl"):
        assert (ours.parent / name).read_bytes() == (peer / name).read_bytes(), name


def test_filters_keep_what_data_juicer_keeps(
    execute: Any, peer_execute: Any, data: Path, text_filters: list[Any]
) -> None:
    path, metrics = execute(data, text_filters)
    same_files(path, peer_execute(data, text_filters))
    assert metrics["rows_in"] == 1200
    assert 0 < metrics["rows_kept"] < 1200
    assert metrics["rows_kept"] == len(path.read_text(encoding="utf-8").splitlines())


def test_other_operators_run_as_in_data_juicer(
    execute: Any, peer_execute: Any, data: Path, text_filters: list[Any]
) -> None:
    process = [
        {"whitespace_normalization_mapper": {}},
        *text_filters[:2],
        {"document_deduplicator": {"lowercase": True}},
        {"suffix_filter": {"suffixes": [".jsonl"]}},
        {"text_length_filter": {"max_len": 250}},
        {"text_length_filter": {"text_key": "meta.source", "min_len": 1}},
    ]
    path, metrics = execute(data, process, strict_preflight=False, np=1)
    same_files(path, peer_execute(data, process, strict_preflight=False, np=1))
    names = [name for name in metrics if name.startswith("after.")]
    assert names == [
        "after.whitespace_normalization_mapper",
        "after.text_length_filter",
        "after.alphanumeric_filter",
        "after.document_deduplicator",
        "after.suffix_filter",
        "after.text_length_filter_2",
        "after.text_length_filter_3",
    ]
    counts = [metrics[name] for name in names]
    assert counts == sorted(counts, reverse=True)


def test_statistics_that_the_data_has_are_kept(
    execute: Any, peer_execute: Any, make_data: Any
) -> None:
    rows = [{"text": "x" * number, "__dj__stats__": {"text_len": 50}} for number in range(1, 90)]
    data = make_data(rows)
    process = [{"text_length_filter": {"min_len": 40}}, {"alphanumeric_filter": {}}]
    path, metrics = execute(data, process, keep_stats_in_res_ds=True)
    same_files(path, peer_execute(data, process, keep_stats_in_res_ds=True))
    assert metrics["rows_kept"] == 89


def test_tracing_and_monitoring_still_see_each_operator(
    execute: Any, peer_execute: Any, data: Path, text_filters: list[Any], tmp_path: Path
) -> None:
    path, _ = execute(data, text_filters[:2], open_tracer=True)
    same_files(path, peer_execute(data, text_filters[:2]))
    traces = {file.name for file in (tmp_path / "job").rglob("*.jsonl") if "trace" in str(file)}
    assert any("alphanumeric_filter" in name for name in traces)


def test_gzipped_and_parquet_files(execute: Any, make_data: Any, tmp_path: Path) -> None:
    import pandas as pd

    plain = make_data([{"text": "long enough"}, {"text": "x"}])
    zipped = tmp_path / "rows.jsonl.gz"
    with plain.open("rb") as source, gzip.open(zipped, "wb") as target:
        shutil.copyfileobj(source, target)
    process = [{"text_length_filter": {"min_len": 5}}]
    path, _ = execute(zipped, process, export_path=tmp_path / "out.parquet")
    assert pd.read_parquet(path)["text"].tolist() == ["long enough"]


ODD_ROWS: list[dict[str, Any]] = [
    {"text": "plain words of a row", "meta": {"source": "a", "tags": ["x", None]}},
    {"text": "", "id": 2},
    {"text": None, "id": 3},
    {"text": "two\u2028lines\u0085of \t one row\r\n", "share": 0.1},
    {"text": "a date", "when": "2020-01-02 03:04:05", "meta": {"source": None}},
    {"text": "50% “off” 数据 \U0001f600", "id": 2**53 + 1, "share": None, "50%": {"a.b": True}},
]


def odd_folder(folder: Path) -> Path:
    """Write a folder with a plain, a gzipped and a zstd file, with rows of their own."""
    import zstandard

    lines = [json.dumps(row).encode() + b"\n" for row in ODD_ROWS]
    folder.mkdir()
    (folder / "a.jsonl").write_bytes(b"".join(lines))
    (folder / "b.jsonl.gz").write_bytes(gzip.compress(b"".join(lines[::-1])))
    (folder / "c.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(b"".join(lines)))
    return folder


def test_odd_rows_in_a_folder_of_files(execute: Any, peer_execute: Any, tmp_path: Path) -> None:
    data = odd_folder(tmp_path / "rows")
    process = [
        {"text_length_filter": {"min_len": 1}},
        {"alphanumeric_filter": {}},
        {"words_num_filter": {"min_num": 3}},
    ]
    path, metrics = execute(data, process, keep_stats_in_res_ds=True)
    same_files(path, peer_execute(data, process, keep_stats_in_res_ds=True))
    assert metrics["rows_in"] == 15
    assert 0 < metrics["rows_kept"] < 15


def test_several_sources(execute: Any, peer_execute: Any, make_data: Any) -> None:
    parts = [
        make_data([{"text": f"{name} {number}"} for number in range(40)], f"{name}.jsonl")
        for name in ("one", "two")
    ]
    dataset = {"configs": [{"type": "local", "path": str(part), "weight": 1} for part in parts]}
    process = [{"text_length_filter": {"min_len": 6}}]
    path, metrics = execute(None, process, dataset=dataset)
    same_files(path, peer_execute("", process, dataset=dataset))
    assert metrics["rows_kept"] == 60


def test_an_empty_recipe_copies(execute: Any, make_data: Any) -> None:
    path, metrics = execute(make_data([{"text": "a"}]), [])
    assert json.loads(path.read_text()) == {"text": "a"}
    assert metrics == {"rows_in": 1, "rows_kept": 1, "kept_ratio": 1.0}


def test_without_a_path_the_result_stays_with_the_job(make_data: Any, tmp_path: Path) -> None:
    config = DataJuicerExecutor.config_type(dataset_path=make_data([{"text": "a"}]))
    path = DataJuicerExecutor(config, Workspace(tmp_path / "job")).execute()
    assert path == tmp_path / "job" / "processed.jsonl"
    assert path.exists()


def test_shards_are_returned_in_order(make_data: Any, tmp_path: Path) -> None:
    config = DataJuicerExecutor.config_type(
        dataset_path=make_data([{"text": "a" * 2000} for _ in range(2000)]),
        export_path=tmp_path / "out.jsonl",
        export_shard_size=1_500_000,
    )
    paths = DataJuicerExecutor(config, Workspace(tmp_path / "job")).execute()
    assert not isinstance(paths, Path)
    assert len(paths) > 1
    assert sum(len(path.read_text().splitlines()) for path in paths) == 2000


def test_a_failure_leaves_an_old_result_alone(execute: Any, make_data: Any, tmp_path: Path) -> None:
    old = tmp_path / "out.jsonl"
    old.write_text("old\n")
    with pytest.raises(ComponentError):
        execute(make_data([{"text": "a"}]), [{"text_length_filter": {"min_len": 5}}])
    assert old.read_text() == "old\n"


def test_filtering_everything_out_names_the_operators(execute: Any, make_data: Any) -> None:
    rows = [{"text": "x" * number} for number in range(1, 11)]
    process = [
        {"text_length_filter": {"min_len": 5}},
        {"alphanumeric_filter": {"max_ratio": 0.5}},
        {"words_num_filter": {}},
    ]
    with pytest.raises(ComponentError) as caught:
        execute(make_data(rows), process)
    said = str(caught.value)
    assert "text_length_filter drops 4 of 10" in said
    assert "alphanumeric_filter drops 6 of 6" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the dataset is empty"),
        ("\n\n", "the dataset is empty"),
        ('{"text": "a"}\n{"text": "b"\n', "rows.jsonl:2: not JSON"),
        ('{"text": "a"}\n\n[1]\n', "rows.jsonl:3: a sample must be a JSON object, this is a list"),
        (
            '{"txt": "a", "id": 1}\n',
            "no row has the field 'text' that text_keys names; fields: id, txt",
        ),
        ('{"text": null}\n', "every row's 'text' is null"),
        ('{"text": "a"}\n{"text": "\\ud800"}\n', "rows.jsonl:2: half of a surrogate pair"),
        (
            '{"text": "a"}\n{"text": "b", "text": "c"}\n',
            "rows.jsonl:2: the field 'text' occurs twice",
        ),
        (
            f'{{"text": "a", "d": {"[" * 200}{"]" * 200}}}\n',
            "rows.jsonl:1: values nested too deeply",
        ),
        ('{"text": "a"}\n{"text": 5}\n\n', "rows.jsonl:3: a blank line"),
    ],
)
def test_bad_data_is_one_sentence(execute: Any, tmp_path: Path, content: str, said: str) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text(content)
    with pytest.raises(ComponentError) as caught:
        execute(data, ["text_length_filter"])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_data_set_that_vanished_is_named(make_data: Any, tmp_path: Path) -> None:
    data = make_data([{"text": "a"}])
    component = DataJuicerExecutor(
        DataJuicerExecutor.config_type(dataset_path=data), Workspace(tmp_path / "job")
    )
    data.unlink()
    with pytest.raises(ComponentError, match=r"rows\.jsonl: no such file or folder"):
        component.execute()


def test_text_keys_choose_the_text(execute: Any, make_data: Any) -> None:
    data = make_data([{"body": "long enough", "text": "x"}, {"body": "x", "text": "long enough"}])
    path, _ = execute(data, [{"text_length_filter": {"min_len": 5}}], text_keys=["body", "text"])
    assert json.loads(path.read_text())["body"] == "long enough"


def test_checkpoints_are_data_juicers_own(execute: Any, make_data: Any) -> None:
    data = make_data([{"text": "long enough"}, {"text": "x"}])
    path, metrics = execute(
        data, [{"text_length_filter": {"min_len": 5}}], use_checkpoint=True, use_cache=False
    )
    assert json.loads(path.read_text())["text"] == "long enough"
    assert metrics["kept_ratio"] == 0.5
    assert metrics["after.text_length_filter"] == 1


@pytest.mark.slow
def test_ray_runs_the_recipe(make_data: Any, tmp_path: Path) -> None:
    config = DataJuicerExecutor.config_type(
        dataset_path=make_data([{"text": "long enough"}, {"text": "x"}]),
        export_path=tmp_path / "out.jsonl",
        executor_type="ray",
        ray_address="local",
        process=[{"text_length_filter": {"min_len": 5}}],
    )
    watcher = RecordingWatcher()
    path = DataJuicerExecutor(config, Workspace(tmp_path / "job", watcher)).execute()
    assert isinstance(path, Path)
    rows = [
        json.loads(line) for part in path.rglob("*.json*") for line in part.read_text().splitlines()
    ]
    assert [row["text"] for row in rows] == ["long enough"]
    metrics = watcher.metrics[0][1]
    assert isinstance(metrics, dict)
    assert metrics["kept_ratio"] == 0.5
