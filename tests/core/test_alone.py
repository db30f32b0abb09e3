"""djsb-core installed alone, on every Python that it says it runs with."""

import json
import os
import subprocess

from djsb.placement.workers import WorkerProcess
from djsb_core.interfaces.interpreter import Interpreter
from djsb_core.interfaces.placement import NullSink, ProcessSpec
from djsb_core.job.log_client import log_client
from djsb_core.job.request import JobRequest

PACKAGES = {"djsb-core", "packaging", "pluggy", "pydantic", "stevedore"}
OF_PYDANTIC = {"annotated-types", "pydantic-core", "typing-extensions", "typing-inspection"}
LIST = """
import json
from importlib.metadata import distributions
print(json.dumps([d.metadata["Name"].lower().replace("_", "-") for d in distributions()]))
"""
IMPORT = """
import pkgutil, sys
import djsb_core
OTHERS = {  # for tests, with pytest; with an extra
    f"djsb_core.{name}"
    for name in ("testing", "environment_rules", "placement_rules", "tracker_rules", "yaml_text")
}
for module in pkgutil.walk_packages(djsb_core.__path__, "djsb_core."):
    if module.name not in OTHERS:
        __import__(module.name)
print(sorted({name.partition(".")[0] for name in sys.modules if name.startswith("djsb")}))
"""


def ask(python, code):
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [python, "-s", "-c", code], capture_output=True, text=True, env=clean, cwd="/"
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def test_it_needs_few_packages(alone):
    assert set(json.loads(ask(alone, LIST))) == PACKAGES | OF_PYDANTIC


def test_each_of_its_modules_can_be_imported(alone):
    assert ask(alone, IMPORT) == "['djsb_core']"


def test_its_worker_runs_a_job(alone, request_of_mse, tmp_path):
    events, write_end = os.pipe()
    logs = log_client().connect()
    process = subprocess.Popen(
        [alone, "-m", "djsb_core.job.worker", str(write_end), str(logs.fileno())],
        stdin=subprocess.PIPE,
        pass_fds=(write_end, logs.fileno()),
        cwd=tmp_path,
    )
    os.close(write_end)
    logs.close()
    process.stdin.write(json.dumps({"request": request_of_mse}).encode() + b"\n")
    process.stdin.flush()
    said = []
    with os.fdopen(events) as lines:
        while not said or said[-1]["event"] not in ("done", "failed"):
            said += [json.loads(line) for line in [next(lines)] if line.strip()]
    process.stdin.write(json.dumps({"close": True}).encode() + b"\n")
    process.stdin.close()
    assert process.wait() == 0
    assert (said[0]["event"], said[-1]["event"]) == ("hello", "done"), said
    assert said[-1]["outputs"]["mse"] == 4.0


def test_djsb_runs_a_job_there(alone, request_of_mse, tmp_path):
    """Without what lies in the working directory, though ``-P`` came with Python 3.11 only."""
    (tmp_path / "json.py").write_text("raise SystemExit('the working directory is seen')")
    (tmp_path / "seen").mkdir()
    interpreter = Interpreter(alone, tmp_path / "seen", "alone")
    executor = WorkerProcess()
    here = os.getcwd()  # noqa: PTH109 (a text)
    os.chdir(tmp_path)
    try:
        outputs = executor.execute(
            JobRequest.from_json(request_of_mse), NullSink(), None, ProcessSpec(interpreter)
        )
    finally:
        os.chdir(here)
        executor.close()
    assert outputs["mse"] == 4.0
