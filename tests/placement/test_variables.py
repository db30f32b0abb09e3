"""Which job sees which GPUs, in which process."""

import os

import pytest

from djsb_core.interfaces.placement import ProcessSpec

GPU = "CUDA_VISIBLE_DEVICES"
ALONE = ProcessSpec(alone=True)


def see(bench, gpus, process=ProcessSpec()):  # noqa: B008 (it is frozen)
    return bench.result("pid", process=process, variables={GPU: gpus})


@pytest.mark.parametrize("which", ["bench", "here"])
def test_variables_are_set_for_the_job_alone(which, request, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv(GPU, raising=False)
    bench = request.getfixturevalue(which)
    found = bench.result("variables", variables={GPU: "1", "OMP_NUM_THREADS": "2"})
    assert (found[GPU], found["OMP_NUM_THREADS"]) == ("1", "2")
    found = bench.result("variables")
    assert (found[GPU], found["OMP_NUM_THREADS"]) == (None, "7")
    assert GPU not in os.environ
    bench.executor.close()


def test_they_are_set_before_the_component_is_imported(bench, install):
    install("early", EARLY, "[djsb.hooks]\nEarly = early:Early")
    assert bench.run(hook="Early", variables={GPU: "3"}) == {"result": "3"}


EARLY = """
    import os
    from djsb_core.api import Hook

    SEEN = os.environ.get("CUDA_VISIBLE_DEVICES")  # as torch does when it is imported

    class Early(Hook):
        def run(self, context):
            return (SEEN,)
"""


def test_another_assignment_gets_another_process(bench):
    first = see(bench, "0")
    assert see(bench, "0") == first
    other = see(bench, "1")
    assert other != first
    assert see(bench, "0") == first  # it has kept what it imported
    assert bench.result("pid") not in (first, other)


def test_idle_processes_give_their_gpus_back(bench):
    """What is left in the memory of a GPU would be shared with whom it is given to next."""
    both, other, hidden = see(bench, "0,1"), see(bench, "2"), see(bench, "")
    assert bench.is_alive(both)
    whole = see(bench, "1")
    assert bench.are_gone([both])
    assert (see(bench, "1"), see(bench, "2"), see(bench, "")) == (whole, other, hidden)
    bench.executor.release_gpus(["1"])
    assert bench.are_gone([whole])
    assert see(bench, "2") == other


def test_a_process_that_sees_all_gpus_ends_before_one_is_assigned(bench):
    unbound = bench.result("pid")
    see(bench, "0")
    assert bench.are_gone([unbound])


def test_a_job_alone_has_its_gpu_alone(bench):
    shared = see(bench, "0")
    alone = see(bench, "0", ALONE)
    assert alone != shared
    assert bench.are_gone([shared, alone])
