"""What preparing a job needs of a run."""

from types import SimpleNamespace

from djsb_core.masking import Masker


def state_of(plan, digests, seal=None, secrets=()):
    """Return the state of a run that has not begun."""
    cache = SimpleNamespace(digests=digests, seal=seal)
    return SimpleNamespace(plan=plan, cache=cache, masker=Masker(secrets))
