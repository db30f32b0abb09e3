"""What is read from the sources is what Data-Juicer itself says when it is imported."""

from __future__ import annotations

import pytest

from djsb_datajuicer.operators import operator_of
from djsb_datajuicer.options import options
from djsb_datajuicer.sources import operator_files


def test_operators_are_those_that_data_juicer_registers() -> None:
    import data_juicer.config  # noqa: F401 (registers general_fused_op)
    from data_juicer.ops import OPERATORS

    assert set(operator_files()) == set(OPERATORS.modules)


def test_arguments_are_those_that_data_juicer_accepts() -> None:
    from data_juicer.core.preflight import _get_valid_params
    from data_juicer.ops import OPERATORS

    for name, kind in OPERATORS.modules.items():
        operator = operator_of(name, {})
        assert operator is not None
        assert set(operator.parameters) == set(_get_valid_params(kind)), name


def test_keys_are_those_that_data_juicers_parser_knows() -> None:
    from data_juicer.config.config import build_base_parser

    actions = build_base_parser()._actions
    known = {action.dest for action in actions} - {"config", "auto", "help"}
    found = {
        f"{name}.{part}" if part else name
        for name, option in options().items()
        for part in option.parts or [""]
    }
    assert found == known


def test_an_operator_inherits_statistics() -> None:
    raft = operator_of("video_motion_score_raft_filter", {})
    assert raft is not None
    assert raft.statistics == {"video_motion_score"}


@pytest.mark.parametrize("name", ["no_such_filter", ""])
def test_unknown_operators_are_none(name: str) -> None:
    assert operator_of(name, {}) is None
