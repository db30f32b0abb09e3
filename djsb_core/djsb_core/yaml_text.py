"""Write YAML that djsb parses back to the same values."""

from __future__ import annotations

import re

import yaml

FLOAT_WITHOUT_DOT = (
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9][0-9_]*)(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)
"""A resolver for numbers such as ``3e-4``, which YAML 1.1 parses as strings, unlike JSON."""


class _Dumper(yaml.SafeDumper):
    """Quotes strings that the loader would parse as numbers."""


_Dumper.add_implicit_resolver(*FLOAT_WITHOUT_DOT)


def dump_yaml(value: object) -> str:
    """Write plain mappings, lists and scalars as YAML, with keys in their order."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
