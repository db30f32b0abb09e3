"""Whole runs of the command line, each in a process of its own."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

PRINTED = (
    "python speaks",
    "python complains",
    "the descriptor speaks",
    "a process speaks",
    "C speaks",
)


def runs(lab, where="outputs/lab"):
    return json.loads(lab.djsb("runs", where, "--json").stdout)


def jobs(lab, where="outputs/lab"):
    shown = json.loads(lab.djsb("show", "last", where, "--json").stdout)
    return {job["meta_name"]: job for job in shown["jobs"]}


def test_a_run_answers_the_question(lab):
    ran = lab.djsb("run", "sandbox.yaml")
    assert ran.returncode == 0
    (row,) = [line for line in ran.stdout.splitlines() if "eval_before → eval_data" in line]
    assert row.split()[3:8] == ["mean_len", "4", "7", "+3", "±"]
    assert row.endswith("no clear difference")  # of two and of five other texts
    plain = [line for line in ran.stderr.splitlines() if line.startswith("[")]
    assert len(plain) == 16
    assert plain[0] == "[1/8] probe: analysis_ori_data (lab_analyzer) …"
    assert re.fullmatch(
        r"\[8/8\] evaluation: eval_model \(lab_score\) finished in \S+ s", plain[-1]
    )
    assert not any(line in ran.stdout + ran.stderr for line in PRINTED)
    log = (Path(jobs(lab)["train_model"]["folder"]) / "log.txt").read_text()
    assert [log.count(line) for line in PRINTED] == [1] * len(PRINTED)
    assert [run["status"] for run in runs(lab)] == ["finished"]


def test_a_failed_run_goes_on_where_it_stopped(lab):
    train = lab.folder / "configs" / "train.json"
    right = train.read_text()
    text = (lab.folder / "sandbox.yaml").read_text()
    failing = (
        "  - {hook: Echo, meta_name: gate, extra_configs: {file: gate.txt, mode: bad_input}}\n"
    )
    lab.write("gate.txt", "closed")
    lab.write(
        "sandbox.yaml",
        text.replace(
            "  - hook: 'TrainModelHook'\n", failing + "  - hook: 'TrainModelHook'\n"
        ).replace("'-1.processed", "'-2.processed"),
    )
    failed = lab.djsb("run", "sandbox.yaml")
    assert failed.returncode == 1
    assert failed.stdout == ""
    message, log, hint = failed.stderr.splitlines()[-3:]
    assert message == "Error: job 'gate' failed: data.jsonl:3: no field 'text'; fields: words"
    assert Path(log.removeprefix("  its log: ")).read_text().count("Traceback") >= 1
    assert hint == "Finished jobs are kept; resume with: djsb run sandbox.yaml"
    assert "Traceback" not in failed.stderr
    assert [job["status"] for job in jobs(lab).values()][-1] == "failed"

    went_on = lab.djsb(
        "run",
        "sandbox.yaml",
        "--resume",
        "--set",
        "execution_job_configs.1.extra_configs.mode=echo",
    )
    assert went_on.returncode == 0
    statuses = {name: job["status"] for name, job in jobs(lab).items()}
    assert statuses["process_data_with_refined_recipe"] == "cached"
    assert statuses["gate"] == statuses["train_model"] == "finished"
    assert [run["status"] for run in runs(lab)] == ["finished", "failed"]
    assert train.read_text() == right


def test_a_terminal_shows_one_live_line_a_job(lab):
    lab.write("sandbox.yaml", "work_dir: w\nprobe_job_configs: [{hook: Echo, meta_name: one}]\n")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "from djsb.cli import main; main()", "run", "sandbox.yaml"],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "TERM": "xterm",
            "COLUMNS": "100",
        },
        stdout=subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not chunk:
            break
        shown += chunk
    process.communicate()
    os.close(ours)
    assert process.returncode == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert re.search(r"✓ \[1/1\] probe: one \(Echo\)  finished in ", text)
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h")  # the cursor is given back


BAD = {
    "empty": (b"", "an experiment is a mapping of keys"),
    "binary": (bytes(range(256)), "not UTF-8 text"),
    "no yaml": (b"a: [", "not plain YAML"),
    "python": (b"a: !!python/object/apply:os.system ['touch pwned']", "not plain YAML"),
    "deep": (b"[" * 100_000, "nested deeper than"),
    "loop": (b"probe_job_configs: &a [*a]", "an alias refers to a value that contains it"),
    "job is a number": (b"probe_job_configs: [3]", "probe_job_configs[0]"),
    "hook is a list": (b"probe_job_configs: [{hook: [a]}]", "probe_job_configs[0].hook"),
    "nul in a path": (b'probe_job_configs: [{hook: Echo, dj_configs: "a\\0b"}]', "no such file"),
    "long path": (
        b"probe_job_configs: [{hook: Echo, dj_configs: " + b"x" * 5000 + b"}]",
        "no such file",
    ),
    "work_dir is a file": (
        b"work_dir: data.jsonl\nprobe_job_configs: [{hook: Echo}]",
        "cannot use ",
    ),
    "nul in work_dir": (b'work_dir: "a\\0b"\nprobe_job_configs: [{hook: Echo}]', "Error: "),
    "long work_dir": (
        b"work_dir: " + b"x" * 300 + b"\nprobe_job_configs: [{hook: Echo}]",
        "work_dir: a name in this path has 300 bytes",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_message_and_nothing_half_written(lab, case):
    content, message = BAD[case]
    (lab.folder / "sandbox.yaml").write_bytes(content)
    before = sorted(path for path in lab.folder.rglob("*") if ".cache" not in path.parts)
    ran = lab.djsb("run", "sandbox.yaml")
    assert ran.returncode == 2, ran.stderr
    assert message in ran.stderr
    assert ran.stderr.count("Error: ") == 1
    assert "Traceback" not in ran.stderr
    assert len(ran.stderr) < 16_000
    assert ran.stdout == ""
    assert sorted(path for path in lab.folder.rglob("*") if ".cache" not in path.parts) == before


def test_the_file_may_ask_for_the_traceback_of_a_failed_job(lab):
    failing = "execution_job_configs:\n- hook: Echo\n  extra_configs: {mode: raise}\n"
    for debug, shown in (("false", False), ("true", True)):
        lab.write("sandbox.yaml", f"debug: {debug}\n{failing}")
        ran = lab.djsb("run", "sandbox.yaml")
        assert ran.returncode == 1
        assert ("Traceback" in ran.stderr) is shown
        assert "ValueError: it broke" in ran.stderr
