import json
import os
import signal
import subprocess
import sys

from djsb_modelscope.events import Channel
from djsb_modelscope.worker import describe

CHILD = (
    "import sys, time; from djsb_modelscope.events import die_with_parent; die_with_parent();"
    "print('ready', flush=True); time.sleep(120)"
)
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=subprocess.PIPE,
                         start_new_session=True)
time.sleep(120)
"""


def test_training_ends_when_its_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE)
    assert parent.stdout.readline() == b"ready\n"
    parent.send_signal(signal.SIGKILL)
    # The child shares this pipe: it ends only when the child is gone too.
    rest, _ = parent.communicate(timeout=60)
    assert rest == b""


def test_events_are_lines_of_json():
    source, sink = os.pipe()
    channel = Channel(sink)
    channel.report({"loss": 1.5}, 3)
    channel.fail("broken")
    lines = os.read(source, 1000).decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"metrics": {"loss": 1.5}, "step": 3},
        {"error": "broken"},
    ]
    channel._stream.close()
    os.close(source)


def raised(cause, error):
    try:
        try:
            raise cause
        except type(cause) as first:
            raise error from first
    except type(error) as caught:
        return caught


def test_an_error_is_told_with_its_first_cause():
    error = raised(OSError("disk\nis full"), ValueError("cannot save"))
    assert describe(error) == (
        "training failed: ValueError: cannot save (caused by OSError: is full)"
    )


def test_running_out_of_memory_is_told():
    said = describe(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert said.endswith("use a smaller batch_size_per_gpu or max_length")


def test_a_model_that_transformers_broke_is_told():
    cause = ImportError("cannot import name 'Gone' from 'transformers.generation'")
    assert "does not work with transformers" in describe(raised(cause, RuntimeError("x")))
    missing = ModuleNotFoundError("No module named 'megatron_util'")
    assert "needs megatron_util" in describe(raised(missing, RuntimeError("x")))
