"""Inputs and code that change while a job runs: its result is kept for its run, and not filed."""

import textwrap
from pathlib import Path

import pytest

from djsb_core.api import hookimpl

SOURCE = """
    import os
    from pathlib import Path
    from djsb_core.api import ComponentConfig, Hook, InputPath, OutputPath

    class ChangeConfig(ComponentConfig):
        file: InputPath
        act: str = ""

    class Change(Hook[ChangeConfig, object]):
        config_type = ChangeConfig
        output_names = ("text",)
        asks_for_metrics = False

        def run(self, context):
            path, state = self.config.file, self.config.file.stat()
            text = path.read_text() if path.is_file() else "a folder"
            exec(Path("act.py").read_text()) if Path("act.py").exists() else None
            return (text,)
"""
EXPERIMENT = """
work_dir: w
execution_job_configs:
- {hook: Change, meta_name: first, extra_configs: {file: FILE}}
"""
REWRITE = "path.write_text('two')"
SAME_TIME = "path.write_text('two'); os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))"
REPLACE = "Path('new').write_text('two'); os.replace('new', path)"
REMOVE = "path.unlink()"
ADD = "(path / 'more.txt').write_text('new')"


class Ear:
    def __init__(self):
        self.heard = []

    @hookimpl
    def djsb_job_warned(self, job, text):
        self.heard.append((job.meta_name, text))


@pytest.fixture
def changing(lab, install):
    install("changing", SOURCE, "[djsb.hooks]\nChange = changing:Change")
    lab.write("in.txt", "one")
    (lab.folder / "folder").mkdir()
    lab.write("folder/a.txt", "a")
    lab.ear = Ear()
    lab.listeners.register(lab.ear)
    return lab


def run(lab, file="in.txt"):
    return lab.statuses(lab.run(EXPERIMENT.replace("FILE", file)))


@pytest.mark.parametrize(
    ("file", "act"),
    [("in.txt", REWRITE), ("in.txt", SAME_TIME), ("in.txt", REPLACE), ("folder", ADD)],
)
def test_a_changed_input_is_noticed(changing, file, act):
    changing.write("act.py", act)
    assert run(changing, file) == ["finished"]
    ((name, text),) = changing.ear.heard
    assert name == "first"
    assert "this result will not be reused: changed while it ran: extra_configs.file" in text
    log = next(Path("w/runs").glob("*/*/log.txt")).read_text()
    assert "will not be reused" in log
    changing.write("act.py", "")
    changing.write("in.txt", "one")
    (changing.folder / "folder" / "more.txt").unlink(missing_ok=True)
    assert run(changing, file) == ["finished"]  # not the result of another input
    assert run(changing, file) == ["cached"]
    assert len(changing.ear.heard) == 1


def test_a_removed_input_is_noticed(changing):
    changing.write("act.py", REMOVE)
    assert run(changing) == ["finished"]
    assert len(changing.ear.heard) == 1


def test_changed_code_is_noticed(changing):
    module = changing.folder.parent / "site-packages" / "changing.py"
    changing.write("act.py", f"Path({str(module)!r}).open('a').write('# changed')")
    assert run(changing) == ["finished"]
    assert "the code of changing changed" in changing.ear.heard[0][1]
    module.write_text(textwrap.dedent(SOURCE))


def test_what_stays_the_same_is_reused(changing):
    changing.write("act.py", "path.write_text('one')")  # the same bytes, at another time
    assert [run(changing), run(changing)] == [["finished"], ["cached"]]
    assert changing.ear.heard == []


def test_the_run_itself_has_its_result(changing):
    changing.write("act.py", REWRITE)
    jobs = changing.jobs(changing.run(EXPERIMENT.replace("FILE", "in.txt")))
    assert jobs["first"].outputs == {"text": "one"}
    assert jobs["first"].files.is_dir()
