"""Fixtures for the tests of the lab, the core and the plugins."""

pytest_plugins = [
    "tests.support.lab",
    "tests.support.bench",
    "tests.support.history",
    "tests.support.interpreters",
]
