"""What a run lost stands on its page."""

from djsb_core.api import DroppedRows, DropReason, DropStep, Flow, JobWatcher, Metric


def test_lost_rows_are_counted_and_named(new_run):
    run = new_run()
    lost = Metric("rows_failed", "rows", flow=Flow.LOST)
    metrics = {"rows_in": 10, "rows_kept": 8, "rows_failed": 2}
    files = run.add("clean", "ProcessDataHook", "execution", metrics=metrics, declared=[lost])

    def keep(artifact):
        run.store.add_artifact(run.last_id, artifact)

    step = DropStep("press", DropReason.FAILED, [1, 4], errors=["ValueError: <odd>"])
    watcher = JobWatcher(files, lambda _: None, keep)
    watcher.watch_dropped(DroppedRows([("/data/a.jsonl", 10)], [step]))
    run.end()
    page = run.page()
    assert "Lost rows" in page.text
    assert "rows failed: 2 of 10 rows" in page.text
    assert "/data/a.jsonl, row 2: press: ValueError: <odd>" in page.text


def test_without_losses_there_is_no_section(new_run):
    run = new_run()
    run.add("clean", "ProcessDataHook", "execution", metrics={"rows_in": 10, "rows_kept": 8})
    run.end()
    assert "Lost rows" not in run.page().text
