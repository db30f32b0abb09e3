"""Choose where jobs run, by the name of a placement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from pydantic import ValidationError

from djsb_core.discovery import load_component
from djsb_core.errors import RequestError
from djsb_core.interfaces.kinds import Kind

if TYPE_CHECKING:
    from djsb_core.interfaces.placement import Placement

LOCAL = "local"


def create_placement(choice: str = LOCAL, workers: int = 1) -> Placement[Any]:
    """Create the placement of ``--on NAME`` or ``--on NAME:ADDRESS``.

    :param workers: how many jobs run at a time; 0: in this process
    :raises TypeError: if an argument is of a wrong type
    :raises RequestError: if no installed package provides it, or it cannot be used
    """
    if not isinstance(choice, str):
        raise TypeError(f"placement: needs NAME or NAME:ADDRESS, not {choice!r}")
    if not isinstance(workers, int) or isinstance(workers, bool):
        raise TypeError(f"workers: needs a whole number, 0 or more, not {workers!r}")
    if workers < 0:
        raise RequestError(f"workers: needs 0 or more, not {workers}")
    name, _, address = choice.partition(":")
    component = cast("type[Placement[Any]]", load_component(Kind.PLACEMENT, name))
    try:
        config = component.config_type.model_validate(
            {"address": address or None, "workers": workers}
        )
    except ValidationError as error:
        reasons = "; ".join(
            problem["msg"].removeprefix("Value error, ") for problem in error.errors()
        )
        raise RequestError(f"placement {choice}: {reasons}") from error
    placement = component(config)
    problems = placement.check()
    if problems:
        raise RequestError(f"placement {choice}: {'; '.join(problems)}")
    return placement
