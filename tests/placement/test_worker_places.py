"""Jobs with a process of their own, unresponsive processes, and inspections before a job."""

import os
import signal
import threading

import pytest

from djsb.placement import exchange
from djsb.placement.workers import InProcessExecutor, WorkerProcess
from djsb_core.errors import ComponentError, RemoteError
from djsb_core.interfaces.placement import ANY_PROCESS, ProcessSpec

ALONE = ProcessSpec(alone=True)


def test_a_job_alone_shares_its_process_with_none(bench):
    shared = bench.result("pid")
    first, second = (bench.result("pid", process=ALONE) for _ in range(2))
    assert len({shared, first, second, os.getpid()}) == 4
    assert bench.are_gone([first, second])
    assert bench.result("pid") == shared


def test_a_job_alone_gets_a_process_also_here(here):
    alone = here.result("pid", process=ALONE)
    assert alone != os.getpid() == here.result("pid")
    assert here.are_gone([alone])


@pytest.mark.parametrize("kind", [InProcessExecutor, WorkerProcess])
def test_a_job_alone_is_interrupted(bench, kind):
    executor = bench.executor = kind()
    thread = threading.Thread(target=lambda: bench.pids() and executor.interrupt())
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        bench.result("sleep", process=ALONE)
    thread.join()
    executor.close()


def test_inspecting_runs_nothing(bench):
    request = bench.request(bench.folder, act="pid")
    assert bench.executor.inspect(request, ANY_PROCESS, whole=True) == []
    assert not (bench.folder / "pids").exists()
    assert bench.sink.all == []


def test_an_inspected_process_is_as_good_as_new(bench, monkeypatch):
    started = []
    start = exchange.Exchange._await_hello
    monkeypatch.setattr(
        exchange.Exchange, "_await_hello", lambda self: (started.append(1), start(self))[1]
    )
    for process in (ANY_PROCESS, ALONE):
        for _ in range(2):
            request = bench.request(bench.folder, act="pid")
            assert bench.executor.inspect(request, process, whole=False) == []
    assert len(started) == 1
    first = bench.result("pid", process=ALONE)
    assert len(started) == 1
    assert bench.result("pid", process=ALONE) != first
    assert len(started) == 2


def test_what_a_component_lacks_is_told(bench, install):
    install("needy", NEEDY, "[djsb.hooks]\nNeedy = needy:Needy")
    request = bench.request(bench.folder, hook="Needy")
    assert bench.executor.inspect(request, ANY_PROCESS, whole=True) == [
        "model.bin: not here; put it there"
    ]
    assert bench.executor.inspect(request, ANY_PROCESS, whole=False) == []


NEEDY = """
    from djsb_core.api import DoctorCheck, Hook

    class Needy(Hook):
        def run(self, context):
            return (None,)

        def needs(self):
            yield DoctorCheck("here", ok=True, finding="here")
            yield DoctorCheck("model.bin", ok=False, finding="not here", remedy="put it there")
            yield DoctorCheck("nice.txt", ok=False, finding="not here", required=False)
"""


def test_code_that_cannot_be_imported_is_told(bench, install):
    install("broken", "import no_such_module", "[djsb.hooks]\nBroken = broken:Broken")
    request = bench.request(bench.folder, hook="Broken")
    with pytest.raises(ComponentError, match="No module named 'no_such_module'"):
        bench.executor.inspect(request, ANY_PROCESS, whole=False)


def test_a_silent_process_is_reported_once(bench, monkeypatch):
    bench.result("pid")  # it is silent, too, while it imports
    monkeypatch.setattr(exchange, "SILENT_SECONDS", 0.2)
    with bench.running("stop_itself") as (pids, ends):
        bench.wait_until(lambda: bench.sink.silences)
        threading.Event().wait(0.5)
        os.kill(pids[0], signal.SIGCONT)
    assert ends == [{"result": "went on"}]
    (seconds,) = bench.sink.silences
    assert seconds >= 0.2


@pytest.mark.parametrize("mode", ["raise", "bad_input"])
def test_a_traceback_travels_along(bench, mode):
    with pytest.raises((RemoteError, ComponentError)) as caught:
        bench.run(hook="Echo", mode=mode)
    text = str(caught.value.__cause__)
    assert text.startswith("\nTraceback (most recent call last):\n")
    assert text.splitlines()[-3:] == bench.log.splitlines()[-3:]
