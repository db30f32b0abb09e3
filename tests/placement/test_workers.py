"""Real processes: what a job can do to the one that runs it, and what the core makes of it."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from djsb.placement import worker_handle
from djsb.placement.workers import WorkerProcess
from djsb_core.errors import ComponentError, JobTimeoutError, RemoteError
from djsb_core.job.reports import Point

LAB = Path(__file__).parents[1] / "support" / "lab_files"
PATIENCE = 60  # seconds until something that must happen counts as not happening


def test_nothing_is_started_before_the_first_job(monkeypatch):
    monkeypatch.setattr(worker_handle.subprocess, "Popen", None)
    executor = WorkerProcess()
    executor.interrupt()
    executor.kill()
    executor.close()


def test_one_process_runs_job_after_job(bench):
    first = bench.result("pid")
    with pytest.raises(RemoteError):
        bench.run(hook="Echo", mode="raise")
    assert bench.result("pid") == first != os.getpid()


def test_a_dead_idle_process_is_replaced(bench):
    first = bench.result("pid")
    for _ in range(3):
        os.kill(first, signal.SIGKILL)
        second = bench.result("pid")
        assert second != first
        first = second


@pytest.mark.parametrize("which", ["bench", "here"])
def test_reports_arrive_whole_and_in_order(which, request):
    bench = request.getfixturevalue(which)
    assert math.isnan(bench.result("points", 50))
    names = [point.name for point in bench.sink.all]
    assert names == ["loss"] * 50 + ["end.a", "end.b.0", "end.b.1"]
    assert [point.step for point in bench.sink.all[:50]] == list(range(50))
    assert bench.sink.all[1].value == 0.5
    a, b, c = bench.sink.all[50:]
    assert math.isnan(a.value)
    assert (b.value, c.value, c.step) == (math.inf, "text", None)
    assert isinstance(c, Point)
    assert bench.sink.kept == {"loss": bench.folder / "samples.loss.json"}
    assert bench.sink.kept["loss"].is_file()


def test_many_points(bench):
    bench.result("points", 100_000)
    assert [point.step for point in bench.sink.all[:100_000]] == list(range(100_000))
    assert bench.sink.calls < 10_000


def test_a_huge_result(bench):
    assert bench.result("big", 25_000_000) == "ü" * 25_000_000


def test_what_a_job_prints_is_no_event(bench):
    assert bench.result("noise") == "quiet"
    assert bench.log.count('{"event": "done", "outputs": {}}\n') == 2
    assert "\\udcff\n" in bench.log
    assert bench.result("noise") == "quiet"


@pytest.mark.parametrize(
    ("mode", "kind", "message", "traced"),
    [
        ("raise", RemoteError, "ValueError: it broke", "ValueError: it broke"),
        ("exit", RemoteError, "SystemExit: 3", "SystemExit: 3"),
        (
            "bad_input",
            ComponentError,
            "data.jsonl:3: no field 'text'; fields: words",
            "Error: data",
        ),
        ("two_values", ComponentError, "Echo returned 2 values for 1 name result", "Error: E"),
        ("interrupt", KeyboardInterrupt, "", "KeyboardInterrupt"),
        ("raise_interrupt", RemoteError, "KeyboardInterrupt", "KeyboardInterrupt"),
    ],
)
def test_a_failure_is_told_and_traced(bench, mode, kind, message, traced):
    with pytest.raises(kind) as caught:
        bench.run(hook="Echo", mode=mode)
    assert (type(caught.value), str(caught.value)) == (kind, message)
    assert bench.log.startswith("\nTraceback")
    assert traced in bench.log.splitlines()[-1]


def test_a_result_that_is_no_json(bench):
    first = bench.result("pid")
    with pytest.raises(
        ComponentError, match=r"^its outputs cannot be stored as JSON: Exceeds the limit"
    ):
        bench.result("no_json")
    assert bench.result("pid") == first


def test_an_error_that_cannot_be_shown(bench):
    with pytest.raises(RemoteError, match="Odd: its message cannot be shown: ValueError"):
        bench.result("unprintable")


def test_a_request_that_cannot_be_fulfilled(bench):
    with pytest.raises(RemoteError, match=r"FileNotFoundError: .*none"):
        bench.executor.execute(bench.request(bench.folder / "none", act="pid"), bench.sink, None)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        ("segfault", r"segmentation fault \(SIGSEGV\)"),
        ("abort", r"aborted \(SIGABRT\)"),
        ("orphan", r"killed by SIGKILL \(out of memory\?\)"),
        ("forked", "exit code 3"),
    ],
)
def test_a_process_that_dies(bench, act, message):
    first = bench.result("pid")
    with pytest.raises(RemoteError, match=f"^the job's process died: {message}$"):
        bench.result(act)
    assert act not in ("orphan", "forked") or bench.are_gone(bench.pids())
    assert bench.result("pid") != first


def test_the_log_has_the_last_words_of_a_crash(bench):
    with pytest.raises(RemoteError):
        bench.result("segfault")
    assert bench.log.startswith("last words\n")
    assert "Fatal Python error: Segmentation fault" in bench.log


def test_what_a_failed_job_leaves_running_ends(bench):
    with pytest.raises(RemoteError, match="it broke"):
        bench.result("orphan_after_failure")
    assert bench.are_gone(bench.pids())


@pytest.mark.parametrize(
    "act", ["sleep", "beside", "two_sessions", "stop_early", "fail_late", "drop_the_interrupt"]
)
def test_an_interrupt_ends_the_job_and_its_processes(bench, act):
    with bench.running(act) as (pids, ends):
        bench.executor.interrupt()
        bench.executor.interrupt()
    assert [type(one) for one in ends] == [KeyboardInterrupt]
    assert bench.are_gone(pids)


def test_no_job_begins_after_an_interrupt(bench):
    bench.executor.interrupt()
    with pytest.raises(KeyboardInterrupt):
        bench.result("orphan_after_failure")
    assert not (bench.folder / "pids").exists()


def test_an_interrupt_before_the_job_has_begun_is_not_lost(bench):
    bench.result("pid")
    thread = threading.Timer(0.0, bench.executor.interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        bench.result("sleep")
    thread.join()


def test_a_job_that_ignores_the_interrupt_is_killed(bench):
    with bench.running("stubborn") as (pids, ends):
        bench.executor.interrupt()
        time.sleep(0.3)
        assert bench.is_alive(pids[0])
        bench.executor.kill()
    assert [type(one) for one in ends] == [KeyboardInterrupt]
    assert bench.are_gone(pids)


def test_an_interrupt_between_jobs_is_ignored(bench):
    first = bench.result("pid")
    os.kill(first, signal.SIGINT)
    assert bench.result("pid") == first


@pytest.mark.parametrize("act", ["sleep", "beside", "stop_early", "fail_late", "stubborn"])
def test_a_timeout(bench, act):
    bench.result("pid")  # the job itself must have begun before the time is over
    with pytest.raises(JobTimeoutError, match=r"^took longer than its timeout of 1.5 s$"):
        bench.run(1.5, act=act)
    assert bench.are_gone(bench.pids())
    assert bench.run(60.0, act="pid")["result"] != os.getpid()


def test_a_listener_that_fails_ends_the_job(bench):
    bench.sink.points = lambda points: Path("/dev/full").write_text("x")
    with pytest.raises(OSError, match="No space left"):
        bench.result("points", 1)
    bench.forget()
    assert bench.result("pid")


def test_a_full_disk_is_the_jobs_failure(bench):
    with pytest.raises(RemoteError, match=r"OSError: .*No space left on device"):
        bench.result("full_disk")


def test_the_job_finds_what_it_would_find_here(bench, monkeypatch):
    (folder,) = (str(bench.folder),)
    assert bench.result("surroundings") == [os.environ.get("PYTHONPATH"), "", folder]
    assert bench.result("surroundings")[2] == folder
    bench.executor.close()
    monkeypatch.setenv("PYTHONPATH", "/of/the/user")
    assert bench.result("surroundings") == ["/of/the/user", "", folder]


def test_a_module_in_the_working_folder_hides_no_other(bench):
    (bench.folder / "json.py").write_text("raise SystemExit('a file of the user')")
    assert bench.result("pid")


def test_only_the_jobs_own_process_reports(bench):
    assert bench.result("report_from_a_fork") == 7
    assert bench.sink.all == []


def test_a_thread_that_outlives_its_job_reports_to_nobody(bench):
    bench.result("report_late")
    bench.result("wait_for_the_late")
    assert bench.sink.all == []


def test_close_ends_the_process(bench):
    pid = bench.result("pid")
    bench.executor.close()
    assert not Path(f"/proc/{pid}").exists()  # not even a zombie
    assert bench.result("pid") != pid


def test_libraries_clean_up_when_the_process_is_closed(bench):
    bench.result("last_wish")
    assert not (bench.folder / "wish").exists()
    bench.executor.close()
    assert (bench.folder / "wish").exists()


def test_what_a_finished_job_leaves_running_ends_with_the_process(bench):
    bench.result("leave")
    pids = bench.pids()
    assert all(map(bench.is_alive, pids))
    bench.executor.close()
    assert bench.are_gone(pids)


def test_descriptors_and_processes_are_given_back(bench):
    def count():
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    before = count()
    pids = {bench.result("pid") for _ in range(50)}
    assert len(pids) == 1
    for _ in range(3):
        with pytest.raises(RemoteError):
            bench.result("forked")
    bench.executor.close()
    assert count() == before


def test_another_version(bench, monkeypatch):
    monkeypatch.setattr("djsb.placement.exchange.__version__", "0.0.1")
    with pytest.raises(
        RemoteError, match=r"^the worker process runs djsb-core .*, but this is 0.0.1; "
    ):
        bench.result("pid")


def test_a_process_that_cannot_start(bench, monkeypatch):
    monkeypatch.setattr(worker_handle, "_own_pythonpath", lambda _: ["", "too", "many"])
    variables = {**os.environ, "PYTHONPATH": str(bench.folder)}
    monkeypatch.setattr(worker_handle, "_variables", lambda _: variables)
    (bench.folder / "faulthandler.py").write_text("1")
    (bench.folder / "json.py").write_text("raise ImportError('no such thing')")
    with pytest.raises(RemoteError, match=r"^the worker process did not start: Im.*no such thing$"):
        bench.result("pid")


@pytest.mark.parametrize("here", [True, False])
def test_an_interrupt_ends_a_process_that_does_not_start(bench, monkeypatch, here):
    """One whose Python waits for a disk, for instance."""
    monkeypatch.setattr(
        worker_handle, "_command", lambda _: ["sh", "-c", "echo $$ > pid; sleep 300"]
    )
    monkeypatch.setattr("djsb.placement.exchange.START_SECONDS", 60.0 if here else 0.5)
    pid = bench.folder / "pid"

    def interrupt():
        bench.wait_until(pid.exists)
        bench.executor.interrupt()

    thread = threading.Thread(target=interrupt if here else bool)
    thread.start()
    with pytest.raises(KeyboardInterrupt if here else RemoteError):
        bench.result("pid")
    thread.join()
    assert bench.are_gone([int(pid.read_text())])


def test_many_at_once(bench):
    def work(number, results):
        folder = bench.folder / str(number)
        folder.mkdir()
        mine = type(bench)(WorkerProcess(), folder)
        pids = {mine.result("pid") for _ in range(3)}
        mine.result("points", 1000)
        results.append((pids, len(mine.sink.all)))
        mine.executor.close()

    results = []
    threads = [threading.Thread(target=work, args=(i, results)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [number for _, number in results] == [1003] * 4
    assert len(set().union(*(pids for pids, _ in results))) == 4


PARENT = """
import sys
from pathlib import Path
sys.path[:0] = [{tests!r}]
from tests.support.bench import Bench, WorkerProcess
Bench(WorkerProcess(), Path.cwd()).result(sys.argv[1])
"""


@pytest.mark.parametrize("act", ["two_sessions", "stubborn", "sleep"])
def test_nothing_survives_the_death_of_the_core(bench, act):
    tests = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(tests=tests), act],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    pids = bench.pids()
    assert all(map(bench.is_alive, pids))
    parent.kill()
    parent.wait()
    assert bench.are_gone(pids)


def test_here_runs_in_this_process(here):
    assert here.result("pid") == os.getpid()
    assert here.result("pid") == os.getpid()
    with pytest.raises(ValueError, match="it broke"):
        here.run(hook="Echo", mode="raise")
    assert here.log.endswith("ValueError: it broke\n")
    with pytest.raises(RemoteError, match="SystemExit: 3"):
        here.run(hook="Echo", mode="exit")


@pytest.mark.parametrize("act", ["sleep", "stop_early", "fail_late"])
def test_here_is_interrupted_from_a_thread(here, act):
    thread = threading.Thread(target=lambda: here.pids() and here.executor.interrupt())
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        here.result(act)
    thread.join()
    with pytest.raises(KeyboardInterrupt):
        here.result("pid")


def test_here_is_interrupted_from_a_signal_handler(here):
    before = signal.signal(signal.SIGALRM, lambda *_: here.executor.kill())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            here.result("sleep")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_here_outside_a_job_is_not_disturbed(here):
    here.executor.interrupt()
    here.executor.kill()
    here.executor.close()
