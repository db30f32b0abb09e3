"""The surroundings of a run, as its report shows them."""

from djsb.store.environment import write_environment

FACTS = {
    "djsb": "9.8.7",
    "python": "3.99.1",
    "distribution": "Some Linux 7",
    "system": "Linux 6.6",
    "machine": "riscv64",
    "cpu": "Chip <b>",
    "cpu_count": 12,
    "memory": 64 * 2**30,
    "gpus": ["H200", "H200"],
    "command": ["djsb", "run", "my file.yaml", "--set", "key=env-secret-1"],
    "working_directory": "/somewhere/else",
    "git_commit": "0123abcd",
    "packages": {"numpy": "0.0.1", "djsb-core": "9.8.7"},
}


def test_facts_are_those_of_the_run(new_run, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "env-secret-1")
    run = new_run()
    run.train("train")
    run.end()
    write_environment(run.record.folder, FACTS)
    page = run.page()
    for text in (
        "Versions djsb 9.8.7, Python 3.99.1",
        "System Some Linux 7, Linux 6.6, riscv64",
        "Machine Chip <b>, 12 CPU cores, 64.0 GiB of memory",
        "GPUs H200, H200",
        "Command djsb run 'my file.yaml' --set key=***",
        "Working directory /somewhere/else",
        "Git commit 0123abcd",
        "Packages at the start of the run numpy 0.0.1, djsb-core 9.8.7",
        f"Experiment file {run.store.work_dir}/sandbox.yaml",
    ):
        assert text in page.text
    assert "<b>" not in page.source


def test_facts_that_are_not_known_are_left_out(new_run):
    run = new_run()
    run.train("train")
    run.end()
    write_environment(run.record.folder, {"python": "3.11", "gpus": "odd", "packages": None})
    page = run.page()
    assert "Versions Python 3.11" in page.text
    assert "Machine" not in page.text
    assert "Packages when" not in page.text


def test_runs_of_early_versions_have_none(new_run):
    run = new_run()
    run.train("train")
    run.end()
    assert "not recorded: this run is from an earlier version of djsb" in run.page().text
