"""Code that changes between two jobs of one process: none runs the old code under a new key."""

import pytest

from djsb_core.errors import JobError

HOOK = """
    import os
    from pathlib import Path

    from djsb_core.api import ComponentConfig, Hook

    class TellConfig(ComponentConfig):
        act: str = ""
        wait: str = ""

    class Tell(Hook[TellConfig, object]):
        config_type = TellConfig
        output_names = ("told",)
        asks_for_metrics = False

        def run(self, context):
            import told_helper
            exec(self.config.act)
            return ({"word": told_helper.WORD, "pid": os.getpid()},)
"""
EXPERIMENT = """
work_dir: w
execution_job_configs:
- {hook: Tell, meta_name: first}
- {hook: Tell, meta_name: second, extra_configs: {act: "ACT"}}
- {hook: Tell, meta_name: third, extra_configs: {wait: x}}
"""


@pytest.fixture
def telling(lab, install, tmp_path):
    install("told_helper", "WORD = 'old'", "")
    install("telling", HOOK, "[djsb.hooks]\nTell = telling:Tell")
    lab.helper = tmp_path / "site-packages" / "told_helper.py"
    return lab


def told(lab, act, workers):
    run = lab.run(EXPERIMENT.replace("ACT", act), workers=workers)
    return [job.outputs["told"] for job in lab.jobs(run).values()]


def test_a_worker_with_old_code_is_replaced(telling):
    act = f"Path({str(telling.helper)!r}).write_text('WORD = 1 + 1')"
    first, second, third = told(telling, act, 1)
    assert [job["word"] for job in (first, second, third)] == ["old", "old", 2]
    assert first["pid"] == second["pid"] != third["pid"]


def test_a_worker_with_the_same_code_is_kept(telling):
    first, second, third = told(telling, "pass", 1)
    assert first["pid"] == second["pid"] == third["pid"]


def test_a_job_in_this_process_does_not_run_old_code(telling):
    act = f"Path({str(telling.helper)!r}).write_text('WORD = 1 + 1')"
    with pytest.raises(JobError, match=r"told_helper\.py has changed since this process imported"):
        told(telling, act, 0)
