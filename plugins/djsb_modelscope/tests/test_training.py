import pytest

from djsb_core.api import ComponentError
from djsb_core.testing import RecordingWatcher
from djsb_modelscope import training
from djsb_modelscope.training import describe


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


@pytest.mark.parametrize(
    ("happens", "kind", "said"),
    [
        (RuntimeError("no such thing"), ComponentError, "training failed: RuntimeError: no such"),
        (ComponentError("the loss is nan"), ComponentError, "^the loss is nan$"),
        (KeyboardInterrupt(), KeyboardInterrupt, "^$"),
    ],
)
def test_what_ends_a_training(job, monkeypatch, happens, kind, said):
    def fail(*_):
        raise happens

    monkeypatch.setattr(training, "_train", fail)
    with pytest.raises(kind, match=said):
        training.run(job, RecordingWatcher())
