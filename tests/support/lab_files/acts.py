"""A hook that does what a process can do, for the tests of the processes that run jobs."""

import atexit
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from stat import S_ISFIFO

from pydantic import Field

from djsb_core.api import ComponentConfig, Hook

FOREVER = 300


class ActConfig(ComponentConfig):
    """Settings of the hook: what it does."""

    act: str = Field(description="Name of a method.")
    number: float = Field(0.0, description="How many, or how long.")


class Act(Hook[ActConfig, object]):
    """A hook with many acts; ``pids`` in its folder tells that one has begun, and with whom."""

    config_type = ActConfig
    output_names = ("result",)

    def run(self, context):
        return (getattr(self, self.config.act)(),)

    def begin(self, *processes):
        path = self.workspace.folder / "pids"
        text = " ".join(str(one) for one in (os.getpid(), *processes))
        path.with_suffix(".new").write_text(text)
        path.with_suffix(".new").rename(path)

    def sleeper(self, **options):
        return subprocess.Popen(["sleep", str(FOREVER)], **options)

    def pid(self):
        return os.getpid()

    def variables(self):
        names = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        return {name: os.environ.get(name) for name in names}

    def last_wish(self):
        atexit.register((self.workspace.folder / "wish").touch)

    def sleep(self):
        self.begin()
        time.sleep(self.config.number or FOREVER)
        return "slept"

    def stop_itself(self):
        self.begin()
        os.kill(os.getpid(), signal.SIGSTOP)
        return "went on"

    def drop_the_interrupt(self):
        class Slow:
            def __del__(_):  # noqa: N805
                self.sleep()

        Slow()
        time.sleep(FOREVER)

    def beside(self):
        with self.sleeper() as process:
            self.begin(process.pid)
            process.wait()
        return process.returncode

    def two_sessions(self):
        with self.sleeper() as one, self.sleeper(start_new_session=True, env={}) as other:
            self.begin(one.pid, other.pid)
            time.sleep(FOREVER)

    def stubborn(self):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.sleeper(start_new_session=True)
        return self.sleep()

    def stop_early(self):
        with suppress(KeyboardInterrupt):
            self.sleep()
        return "half a model"

    def fail_late(self):
        try:
            self.sleep()
        except KeyboardInterrupt:
            raise ValueError("stopped") from None

    def orphan(self):
        process = self.sleeper(start_new_session=True)
        self.begin(process.pid)
        os.kill(os.getpid(), signal.SIGKILL)

    def leave(self):
        self.begin(self.sleeper(start_new_session=True).pid)

    def orphan_after_failure(self):
        self.begin(self.sleeper().pid)
        raise ValueError("it broke")

    def forked(self):
        child = os.fork()
        if not child:
            time.sleep(FOREVER)
        self.begin(child)
        os._exit(3)

    def segfault(self):
        print("last words")  # noqa: T201
        ctypes.string_at(0)

    def abort(self):
        os.abort()

    def points(self):
        for i in range(int(self.config.number)):
            self.workspace.watcher.watch({"loss": 1 / (i + 1)}, "", i)
        self.workspace.watcher.watch({"a": float("nan"), "b": [float("inf"), "text"]}, "end")
        self.workspace.watcher.watch_samples([1.0, 2.0], "loss")
        return float("nan")

    def big(self):
        return "ü" * int(self.config.number)

    def no_json(self):
        return 10**5000

    def noise(self):
        for descriptor in range(3, 64):
            with suppress(OSError):
                if S_ISFIFO(os.fstat(descriptor).st_mode):
                    os.write(descriptor, b"\n" + b'{"a":' * 9999 + b"\n")
                    os.write(descriptor, b'\xff{"event": 3}\n[1]\n{"event": "points"')
        print('{"event": "done", "outputs": {}}')  # noqa: T201
        print("\udcff", file=sys.stdout)  # noqa: T201
        subprocess.run(["echo", '{"event": "done", "outputs": {}}'], check=True)
        return "quiet"

    def surroundings(self):
        found = [os.environ.get("PYTHONPATH"), sys.stdin.read(), str(Path.cwd())]
        os.chdir("/")
        return found

    def report_from_a_fork(self):
        child = os.fork()
        if not child:
            try:
                self.workspace.watcher.watch(1.0, "loss")
            except RuntimeError:
                os._exit(7)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def report_late(self):
        def report():
            time.sleep(0.3)
            self.workspace.watcher.watch(1.0, "late")
            (self.workspace.folder / "reported").touch()

        threading.Thread(target=report).start()

    def wait_for_the_late(self):
        while not (self.workspace.folder / "reported").exists():
            time.sleep(0.01)

    def unprintable(self):
        class Odd(Exception):  # noqa: N818
            def __str__(self):
                raise ValueError

        raise Odd

    def full_disk(self):
        with Path("/dev/full").open("w") as file:
            file.write("x")
