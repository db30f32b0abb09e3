"""A job gives the same bits as the first and as the tenth of its process, whatever ran before."""

import os
import random
from pathlib import Path

import pytest

COMPONENTS = """
    import os
    import random
    import signal
    import sys
    import warnings
    from pathlib import Path

    from djsb_core.api import ComponentConfig, Hook

    class DrawConfig(ComponentConfig):
        act: str = ""
        number: int = 0

    class Draw(Hook[DrawConfig, object]):
        config_type = DrawConfig
        output_names = ("drawn",)
        asks_for_metrics = False

        def run(self, context):
            if self.config.act:
                exec(self.config.act)
                return (None,)
            import numpy
            import torch
            layer = torch.nn.Linear(64, 64)
            return ({
                "pid": os.getpid(),
                "random": [random.random() for _ in range(3)],
                "numpy": numpy.random.rand(3).tolist(),
                "torch": layer(torch.rand(8, 64)).sum().item().hex(),
                "dtype": str(torch.ones(1).dtype),
                "threads": torch.get_num_threads(),
                "grad": torch.is_grad_enabled(),
                "strict": torch.are_deterministic_algorithms_enabled(),
                "precision": torch.get_float32_matmul_precision(),
                "errors": numpy.geterr(),
                "folder": os.getcwd(),
                "path": list(sys.path),
                "environment": {k: v for k, v in os.environ.items() if k != "DJSB_WORKER"},
                "signals": [type(signal.getsignal(s)).__name__ for s in (2, 10, 12, 14, 15)],
                "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
                "timer": signal.getitimer(signal.ITIMER_REAL)[0] > 900,
                "recursion": sys.getrecursionlimit(),
                "warnings": [f for f in warnings.filters if f[0] == "error"],
                "umask": Path("/proc/self/status").read_text().split("Umask:")[1].split()[0],
                "stdout": type(sys.stdout).__name__,
            },)
"""
HOSTILE = """
random.seed(1)
import numpy; numpy.random.seed(1); numpy.seterr(all='ignore')
import torch; torch.manual_seed(1); torch.set_num_threads(1); torch.rand(9)
import torch; torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False)
import torch; torch.use_deterministic_algorithms(True); torch.set_default_device('meta')
import torch; torch.set_float32_matmul_precision('medium')
os.environ.update(HOME='/nowhere', OMP_NUM_THREADS='7', NEW='1'); del os.environ['PATH']
os.chdir('/'); sys.path.insert(0, '/x'); sys.path = ['/y']; os.umask(0o77)
signal.signal(10, lambda *_: None); signal.signal(15, signal.SIG_IGN); signal.alarm(1000)
signal.pthread_sigmask(signal.SIG_BLOCK, [12]); sys.setrecursionlimit(5000)
import io; sys.stdout = io.StringIO(); warnings.simplefilter('error'); print('lost')
"""
DRAW = "- {hook: Draw, meta_name: drawn, extra_configs: {number: 5}, cache: false}\n"


@pytest.fixture
def drawing(lab, install):
    install("drawing", COMPONENTS, "[djsb.hooks]\nDraw = drawing:Draw")
    return lab


def drawn(lab, acts, workers):
    jobs = "".join(
        f"- {{hook: Draw, meta_name: h{i}, extra_configs: {{act: {act!r}}}, cache: false}}\n"
        for i, act in enumerate(acts)
    )
    text = f"work_dir: w{len(acts)}\nexecution_job_configs:\n{jobs}{DRAW}"
    outputs = lab.jobs(lab.run(text, workers=workers))["drawn"].outputs["drawn"]
    return {name: value for name, value in outputs.items() if name != "pid"}, outputs["pid"]


@pytest.mark.parametrize("workers", [1, 0])
def test_a_job_is_the_same_as_first_and_as_tenth(drawing, workers):
    before = dict(os.environ), Path.cwd()
    first, _ = drawn(drawing, [], workers)
    tenth, process = drawn(drawing, HOSTILE.strip().splitlines(), workers)
    assert (process == os.getpid()) == (workers == 0)
    assert tenth == first
    assert (dict(os.environ), Path.cwd()) == before


def test_other_settings_draw_other_numbers(drawing):
    first, _ = drawn(drawing, [], 0)
    drawing.folder.joinpath("w0").rename("old")
    state = random.getstate()
    other = drawing.run(
        "work_dir: v\nexecution_job_configs:\n" + DRAW.replace("number: 5", "number: 6")
    )
    assert drawing.jobs(other)["drawn"].outputs["drawn"]["random"] != first["random"]
    assert random.getstate() == state
