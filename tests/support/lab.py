"""A folder to run experiments in, and packages that are installed for one test."""

import os
import signal
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pluggy
import pytest
from stevedore.extension import ExtensionManager

from djsb.config.reader import read_experiment
from djsb.planner.plan import plan
from djsb.runner.options import RunOptions
from djsb.runner.session import Session
from djsb.store.store import Store
from djsb_core import hookspecs
from djsb_core.discovery import load_component
from djsb_core.errors import ConfigError

# A shell starts what runs in its background with Ctrl-C ignored; the tests interrupt processes.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_environments(tmp_path_factory, monkeypatch):
    """Keep the environments of the tests away from those of whoever runs them."""
    folder = tmp_path_factory.getbasetemp() / "environments"
    monkeypatch.setenv("DJSB_ENV_DIR", str(folder))


@pytest.fixture
def write_metadata():
    """Return a function that writes the ``*.dist-info`` which announces a package."""

    def write(folder, distribution, entry_points):
        metadata = folder / f"{distribution.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir()
        header = f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        (metadata / "METADATA").write_text(header)
        (metadata / "entry_points.txt").write_text(textwrap.dedent(entry_points))

    return write


@pytest.fixture
def install(tmp_path, monkeypatch, write_metadata):
    """Make packages importable and announced, as pip would: a module and its metadata.

    ``install("goodpkg", source, "[djsb.data_evaluators]\\ngood = goodpkg:Good")``
    """
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})
    installed = []

    def install_package(name, source, entry_points):
        (folder / f"{name}.py").write_text(textwrap.dedent(source))
        write_metadata(folder, name, entry_points)
        installed.append(name)
        _forget(name)

    yield install_package
    _forget(*installed)


def _forget(*modules):
    for name in modules:
        sys.modules.pop(name, None)
    load_component.cache_clear()


@pytest.fixture
def lab(install, tmp_path, monkeypatch):
    """Install the components of ``lab_files`` and work in a new folder that has its data."""
    source = (LAB / "components.py").read_text()
    install("djsb_lab", source, (LAB / "entry_points.txt").read_text())
    folder = tmp_path / "lab"
    folder.mkdir()
    monkeypatch.chdir(folder)
    lab = Lab(folder)
    lab.write("data.jsonl", "".join(f'{{"text": "{"x" * n}"}}\n' for n in (1, 2, 3, 4, 10)))
    lab.write("sandbox.yaml", (LAB / "sandbox.yaml").read_text())
    lab.write("configs/process.yaml", RECIPE)
    lab.write("configs/train.json", '{\n\t"type": "lab_trainer",\n\t"train": {"max_epochs": 2}\n}')
    lab.write("configs/eval.yaml", "type: lab_lengths\ndataset_path: data.jsonl\n")
    return lab


LAB = Path(__file__).with_name("lab_files")
RECIPE = """\
project_name: demo-process
dataset_path: ./data.jsonl
np: 4
process:
  - length_filter:
      min_len: 0
"""


SCORES = """
evaluation_job_configs:
- hook: GeneralProbeHook
  meta_name: probe
  extra_configs: {type: lab_findings}
- hook: Echo
  meta_name: echo
  input: {extra_configs.number: anonymous.probe.output.nested.list.1}
- hook: Ask
  meta_name: ask
  extra_configs: {text: probe}
"""


class Lab:
    """A folder to run experiments in."""

    SCORES = SCORES

    def __init__(self, folder):
        self.folder = folder
        self.listeners = pluggy.PluginManager(hookspecs.NAMESPACE)
        self.listeners.add_hookspecs(hookspecs)

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def plan(self, text=None, *overrides):
        """Plan an experiment given as text, or the file ``sandbox.yaml`` that is there."""
        if text is not None:
            self.write("sandbox.yaml", text)
        return plan(read_experiment(Path("sandbox.yaml"), overrides))

    def all_problems(self, text=None, *overrides):
        with pytest.raises(ConfigError) as caught:
            self.plan(text, *overrides)
        return caught.value.problems

    def problems(self, text=None, *overrides):
        """Return the problems that a plan finds as they are shown, one per line."""
        return list(map(str, self.all_problems(text, *overrides)))

    def problem(self, text=None, *overrides):
        """Return the only problem that a plan finds as it is shown."""
        (problem,) = self.problems(text, *overrides)
        return problem

    def run(self, text=None, *overrides, **options):
        """Run an experiment in this process; ``options`` are those of RunOptions."""
        with Session(options.pop("workers", 0), self.listeners) as session:
            return session.run(self.plan(text, *overrides), RunOptions(**options))

    @staticmethod
    def echo(*jobs):
        """Write an experiment of ``Echo`` jobs, each given by its settings."""
        return "work_dir: w\nexecution_job_configs:\n" + "".join(
            f"- {{hook: Echo, meta_name: j{i}, extra_configs: {{{job}}}}}\n"
            for i, job in enumerate(jobs)
        )

    @staticmethod
    def echo_jobs(*jobs):
        """Write an experiment of ``Echo`` jobs, each given by its other keys."""
        return "execution_job_configs:\n" + "".join(f"- {{hook: Echo, {job}}}\n" for job in jobs)

    def statuses(self, run):
        return [job.status for job in self.jobs(run).values()]

    def jobs(self, run):
        """Return the recorded jobs of a run by ``meta_name``."""
        with closing(self.store(run)) as store:
            return {job.meta_name: job for job in store.jobs(run.id)}

    def store(self, run):
        return Store(run.folder.parents[1], create=False)

    def djsb(self, *arguments, **options):
        """Run the command line in a process of its own."""
        return subprocess.run(
            [sys.executable, "-c", "from djsb.cli import main; main()", *map(str, arguments)],
            env={
                **os.environ,
                "PWD": str(self.folder),  # as a shell sets it
                "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                "XDG_CACHE_HOME": str(self.folder / ".cache"),
            },
            capture_output=True,
            text=True,
            check=False,
            **options,
        )
