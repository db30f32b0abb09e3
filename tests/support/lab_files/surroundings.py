"""A hook and a trainer that tell where they run, for the tests of isolated environments."""

import os
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import Field

from djsb_core.api import ComponentConfig, DoctorCheck, Hook, ModelTrainExecutor, OutputPath


class WhereConfig(ComponentConfig):
    """Settings of the hook."""

    package: str = Field("iniconfig", description="What to import.")
    act: str = Field("tell", description="Name of a method.")


class Where(Hook[WhereConfig, object]):
    """Tell the version of a package, where Python is, and what it finds."""

    config_type = WhereConfig
    output_names = ("found",)

    def run(self, context):
        return (getattr(self, self.config.act)(),)

    def tell(self):
        print("hello from", sys.prefix)  # noqa: T201
        self.workspace.watcher.watch({"major": int(version(self.config.package)[0])}, "", 1)
        __import__(self.config.package)
        return version(self.config.package)

    def surroundings(self):
        names = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME", "CONDA_PREFIX")
        code = "import djsb_surroundings, sys; print(sys.prefix)"
        said = subprocess.run(["python", "-c", code], capture_output=True, text=True)
        return {
            "prefix": sys.prefix,
            "variables": {name: os.environ.get(name) for name in names},
            "child": said.stdout.strip() or said.stderr,
            "pluggy": _version("pluggy"),
            "pytest": _version("pytest"),
        }

    def nan(self):
        self.workspace.watcher.watch({"loss": [float("nan"), float("inf")]}, "")
        return [float("nan"), "ü" * 3_000_000]

    def garbage(self):
        os.write(1, b"\xff\xfe{\n" * 1000)
        print("x" * 10_000_000)  # noqa: T201
        return "done"

    def leave(self):
        os._exit(3)

    def sleep(self):
        Path("new").write_text(f"{os.getpid()}")
        Path("new").rename("pid")
        time.sleep(300)


def _version(package):
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class LearnerConfig(ComponentConfig):
    """Settings of the trainer."""

    work_dir: OutputPath | None = Field(None, description="The model.")


class Learner(ModelTrainExecutor[LearnerConfig]):
    """Write the version of a package as the model; it needs another one than djsb's tests have."""

    config_type = LearnerConfig
    own_process = True
    isolated = {"manager": "uv", "requirements": ["iniconfig==1.1.1"]}  # noqa: RUF012

    def needs(self):
        found = _version("iniconfig")
        yield DoctorCheck("iniconfig", found == "1.1.1", f"found {found}", "get 1.1.1")

    def train(self):
        folder = self.config.work_dir or self.workspace.folder / "model"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "version.txt").write_text(f"{version('iniconfig')} {os.getpid()}")
        self.workspace.watcher.watch(0.5, "loss", 1)
        return folder
