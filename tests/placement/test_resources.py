"""The broker: jobs side by side never have more than the machine, and each gets its turn."""

import threading
import time
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from djsb.placement.resources import Allocation, ResourceBroker, broker_of
from djsb_core.errors import RequestError
from djsb_core.interfaces.placement import Placement, PlacementConfig
from djsb_core.interfaces.resources import Resources

GIB = 2**30
LONG = 30


class Machine(Placement[PlacementConfig]):
    """A machine of any size."""

    def __init__(self, cpus=4.0, gpus=2, memory=8 * GIB):
        super().__init__(PlacementConfig())
        self._capacity = Resources(cpus, 0, memory)
        self._names = [str(i) for i in range(gpus)]
        self.asked = 0

    def capacity(self):
        return self._capacity

    def gpus(self):
        self.asked += 1
        return self._names

    def create_executors(self):
        return []


def never():
    """Keep waiting."""


def want(cpus=0.0, gpus=0.0, memory=0):
    return Resources(cpus, gpus, memory)


@pytest.fixture
def broker():
    return ResourceBroker(Machine())


class Ledger:
    """Counts, by itself, what jobs have at a time."""

    def __init__(self, machine):
        self.machine = machine
        self.lock = threading.Lock()
        self.have = []
        self.wrong = []

    def enter(self, allocation):
        with self.lock:
            self.have.append(allocation)
            self.check()

    def leave(self, allocation):
        with self.lock:
            self.have.remove(allocation)

    def check(self):
        capacity = self.machine.capacity()
        if sum(one.resources.cpus for one in self.have) > capacity.cpus + 1e-6:
            self.wrong.append("cpus")
        if sum(one.resources.memory for one in self.have) > capacity.memory:
            self.wrong.append("memory")
        for name in self.machine.gpus():
            users = [one.resources.gpus for one in self.have if name in one.gpus]
            if sum(min(1.0, one) for one in users) > 1 + 1e-6:
                self.wrong.append(f"gpu {name}: {users}")


shares = st.sampled_from([0.0, 0.1, 0.25, 1 / 3, 0.5, 0.7, 1.0, 2.0, 3.0])
claims = st.builds(
    Resources,
    cpus=st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.5, 2.0, 4.0]),
    gpus=shares,
    memory=st.integers(0, 8) | st.just(0),
)


@given(
    wanted=st.lists(claims, max_size=20),
    cpus=st.sampled_from([0.5, 1.0, 2.0, 4.0]),
    gpus=st.integers(0, 4),
)
@settings(max_examples=40, deadline=None)
def test_never_more_than_there_is_and_all_finish(wanted, cpus, gpus):
    machine = Machine(cpus, gpus, 8)
    broker, ledger = ResourceBroker(machine), Ledger(machine)
    refused, done = [], []

    def run(claim):
        try:
            with broker.claim(claim, never) as allocation:
                ledger.enter(allocation)
                time.sleep(0.0005)
                ledger.leave(allocation)
        except RequestError:
            refused.append(claim)
        else:
            done.append(allocation)

    threads = [threading.Thread(target=run, args=(claim,)) for claim in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
        assert not thread.is_alive()
    assert ledger.wrong == []
    too_large = [c for c in wanted if c.cpus > cpus or c.gpus > gpus or c.memory > 8]
    assert sorted(refused, key=repr) == sorted(too_large, key=repr)
    assert len(done) + len(refused) == len(wanted)
    for allocation in done:
        asked = allocation.resources.gpus
        assert len(set(allocation.gpus)) == len(allocation.gpus) == (1 if 0 < asked < 1 else asked)
    with broker.claim(want(cpus, gpus, 8), never):  # all of it has come back
        pass


def begin(broker, wanted, started, release=None):
    """Claim in a thread; note the claim's name when it is granted."""

    def run():
        with broker.claim(wanted, never):
            started.append(wanted)
            if release is not None:
                release.wait(LONG)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def wait_for(condition):
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_large_job_is_not_starved_by_small_ones(broker):
    """Small jobs keep coming; the large one gets its turn as soon as those before it end."""
    started, first = [], threading.Event()
    small, large = want(cpus=1), want(cpus=4)
    begin(broker, small, started, first)
    wait_for(lambda: started)
    begin(broker, large, started)
    wait_for(lambda: len(broker._queue) == 1)
    later = [begin(broker, small, started) for _ in range(5)]
    time.sleep(0.1)
    assert started == [small]
    first.set()
    for thread in later:
        thread.join(LONG)
    assert started == [small, large, *[small] * 5]


def test_a_job_overtakes_with_what_nobody_waits_for(broker):
    started, release = [], threading.Event()
    begin(broker, want(cpus=1, gpus=2), started, release)
    wait_for(lambda: started)
    waiting = want(cpus=1, gpus=1)
    begin(broker, waiting, started)
    wait_for(lambda: broker._queue)
    with broker.claim(want(cpus=2), never):  # one CPU is left for the one that waits
        assert waiting not in started
        begin(broker, want(cpus=1), started)
        wait_for(lambda: len(broker._queue) == 2)
    wait_for(lambda: want(cpus=1) in started)
    assert waiting not in started
    release.set()
    wait_for(lambda: waiting in started)


def test_gpus_are_not_shared_unless_asked(broker):
    with ExitStack() as stack:
        take = lambda gpus: stack.enter_context(broker.claim(want(gpus=gpus), never)).gpus  # noqa: E731
        assert (take(1), take(0.5), take(0.25)) == (("0",), ("1",), ("1",))
        with pytest.raises(TimeoutError), broker.claim(want(gpus=0.5), run_out_of_patience):
            pass
        assert take(0.25) == ("1",)
    with broker.claim(want(gpus=2), never) as allocation:
        assert allocation.gpus == ("0", "1")


def run_out_of_patience():
    raise TimeoutError


def test_a_job_gets_the_gpu_that_it_prefers(broker):
    with broker.claim(want(gpus=1), never, ("1",)) as allocation:
        assert allocation.gpus == ("1",)
        with broker.claim(want(gpus=1), never, ("1",)) as other:
            assert other.gpus == ("0",)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_what_a_job_had_comes_back_whatever_ends_it(broker, error):
    everything = want(4, 2, 8 * GIB)
    with pytest.raises(error), broker.claim(everything, never):
        raise error
    with broker.claim(everything, never):
        with pytest.raises(error), broker.claim(want(cpus=1), raising(error)):
            pytest.fail("there is nothing left")
        assert broker._queue == []
    with broker.claim(everything, never):
        pass


def raising(error):
    def check():
        raise error

    return check


def test_the_end_of_a_waiting_job_lets_others_pass(broker):
    stop, started = threading.Event(), []

    def check():
        if stop.is_set():
            raise KeyboardInterrupt

    def wait_in_vain():
        with pytest.raises(KeyboardInterrupt), broker.claim(want(cpus=4), check):
            pass

    with broker.claim(want(cpus=1), never):
        thread = threading.Thread(target=wait_in_vain)
        thread.start()
        wait_for(lambda: broker._queue)
        begin(broker, want(cpus=2), started)
        time.sleep(0.05)
        assert started == []
        stop.set()
        thread.join(LONG)
        wait_for(lambda: started)


@pytest.mark.parametrize(
    ("wanted", "problems"),
    [
        (want(gpus=3), {"gpus": "asks for 3 GPUs, this machine has 2"}),
        (want(cpus=4.5), {"cpus": "asks for 4.5 CPUs, this machine has 4"}),
        (
            want(memory=9 * GIB),
            {"memory": "asks for 9.0 GiB of memory, this machine has 8.0 GiB"},
        ),
        (want(4, 2, 8 * GIB), {}),
        (want(), {}),
    ],
)
def test_what_a_machine_cannot_give_is_said_not_waited_for(broker, wanted, problems):
    assert broker.problems(wanted) == problems
    if problems:
        with pytest.raises(RequestError, match="asks for"), broker.claim(wanted, never):
            pass


def test_a_machine_without_gpus():
    broker = ResourceBroker(Machine(gpus=0))
    assert broker.problems(want(gpus=1)) == {"gpus": "asks for 1 GPU, this machine has 0"}
    assert broker.problems(want(gpus=0.5)) == {"gpus": "asks for 0.5 GPUs, this machine has 0"}


def test_a_default_is_cut_to_what_there_is():
    broker = ResourceBroker(Machine(cpus=0.5, gpus=0, memory=100))
    assert broker.limit(Resources(cpus=1, gpus=1, memory=200)) == Resources(0.5, 0, 100)


def test_gpus_are_looked_for_only_when_one_is_wanted(broker):
    with broker.claim(broker.limit(Resources()), never):
        pass
    assert broker.placement.asked == 0


def test_sessions_at_the_same_time_share_the_machine():
    one, other = broker_of(Machine()), broker_of(Machine(cpus=1.0))
    assert one is other
    del one, other
    assert broker_of(Machine(cpus=1.0)).problems(want(cpus=2))


@pytest.mark.parametrize(
    ("gpus", "cpus", "hide", "variables"),
    [
        ((), None, False, {}),
        ((), None, True, {"CUDA_VISIBLE_DEVICES": ""}),
        (("0", "3"), None, False, {"CUDA_VISIBLE_DEVICES": "0,3"}),
        (("GPU-1",), None, True, {"CUDA_VISIBLE_DEVICES": "GPU-1"}),
    ],
)
def test_what_a_job_sees(gpus, cpus, hide, variables):
    assert Allocation(want(), gpus).variables(cpus, hide_gpus=hide) == variables


@pytest.mark.parametrize(("cpus", "threads"), [(2, "2"), (2.5, "2"), (0.5, "1"), (0, "1")])
def test_stated_cpus_are_the_number_of_threads(cpus, threads):
    found = Allocation(want()).variables(cpus, hide_gpus=False)
    assert found["OMP_NUM_THREADS"] == threads
    assert set(found.values()) == {threads}
