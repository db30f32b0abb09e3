"""Fixtures shared by the core's tests."""

import sys
import textwrap

import pytest
from stevedore.extension import ExtensionManager

from djsb_core.discovery import load_component


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
