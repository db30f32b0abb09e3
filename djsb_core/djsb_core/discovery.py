"""Find what installed packages offer, importing as little as possible.

Components are looked up one by one, by name (stevedore); listeners are all registered (pluggy).
Both are announced as entry points, so installing a package is all it takes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from djsb_core.errors import PluginLoadError, RequestError, UnknownComponentError
from djsb_core.published import ENVIRONMENTS, advise

if TYPE_CHECKING:
    import pluggy

    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.interfaces.isolation import Isolation
    from djsb_core.interfaces.kinds import Kind

log = logging.getLogger(__name__)

LISTENERS = "djsb.listeners"
COMMANDS = "djsb.commands"
ISOLATIONS = "djsb.isolations"
ISOLATION = "environments"
"""The one name in the group of isolations."""


@dataclass(frozen=True)
class ComponentInfo:
    """One component as its package's metadata announces it."""

    name: str
    package: str
    version: str
    target: str
    """Where it lives: ``module:Class``."""
    extras: tuple[str, ...] = ()
    """Extras of its package that it needs: ``module:Class [extra]`` in the entry point."""


def list_components(group: str) -> list[ComponentInfo]:
    """List what installed packages announce in one entry-point group; imports no plugin code."""
    return [_info(entry) for entry in sorted(entry_points(group=group), key=_name)]


def find_component(kind: Kind, name: object) -> ComponentInfo:
    """Return the one offer of that kind and name.

    :raises UnknownComponentError: if no installed package makes it
    :raises PluginLoadError: if two packages make it
    """
    entries = entry_points(group=kind.group)
    found = [_info(entry) for entry in entries if entry.name == name]
    if not found:
        advice = advise(kind.group, name)
        raise UnknownComponentError(kind.label, name, map(_name, entries), advice)
    if len({info.package for info in found}) > 1:
        packages = " and ".join(sorted(info.package for info in found))
        raise PluginLoadError(
            f"{kind.label} '{name}'", f"{packages} both offer it; uninstall one of them"
        )
    return found[0]


@lru_cache(maxsize=256)
def load_component(kind: Kind, name: str) -> type[AnyComponent]:
    """Import one component by name.

    :raises UnknownComponentError: if no installed package offers it
    :raises PluginLoadError: if two packages offer it, or its package does not import
    """
    from stevedore.driver import DriverManager

    info = find_component(kind, name)
    what = f"{kind.label} '{name}' of {info.package} {info.version}"
    try:
        driver: DriverManager[Any] = DriverManager(
            kind.group, name, warn_on_missing_entrypoint=False
        )
    except (Exception, SystemExit) as cause:  # a plugin may raise anything at import
        raise PluginLoadError(what, _reason(cause)) from cause
    component = driver.extensions[0].plugin
    if not (isinstance(component, type) and issubclass(component, kind.interface)):
        raise PluginLoadError(what, f"{info.target} is not a {kind.interface.__name__}")
    return component


def load_isolation() -> Isolation:
    """Import what runs components in environments of their own.

    :raises RequestError: if no installed package provides it
    :raises PluginLoadError: if two packages provide it, or its package does not import
    """
    from djsb_core.interfaces.isolation import Isolation

    entries = list(entry_points(group=ISOLATIONS, name=ISOLATION))
    if not entries:
        raise RequestError(
            f"isolated environments come with {ENVIRONMENTS}, which is not installed: "
            f"pip install {ENVIRONMENTS}"
        )
    packages = sorted({_package(entry)[0] for entry in entries})
    if len(packages) > 1:
        what = f"{' and '.join(packages)} both offer it; uninstall one of them"
        raise PluginLoadError("what makes isolated environments", what)
    package, version = _package(entries[0])
    what = f"the isolated environments of {package} {version}"
    try:
        isolation: object = entries[0].load()()
    except (Exception, SystemExit) as cause:  # a plugin may raise anything at import
        raise PluginLoadError(what, _reason(cause)) from cause
    if not isinstance(isolation, Isolation):
        raise PluginLoadError(what, f"{entries[0].value} is not an Isolation")
    return isolation


def load_command(name: str) -> object | None:
    """Import the command that a package announces under ``djsb.commands``, if one does.

    :raises PluginLoadError: if its package does not import
    """
    for entry in entry_points(group=COMMANDS, name=name):
        try:
            command: object = entry.load()
        except (Exception, SystemExit) as cause:  # a plugin may raise anything at import
            package, version = _package(entry)
            raise PluginLoadError(
                f"command '{name}' of {package} {version}", _reason(cause)
            ) from cause
        return command
    return None


def create_listeners() -> pluggy.PluginManager:
    """Register every installed listener; a broken one is reported and skipped."""
    import pluggy

    from djsb_core import hookspecs

    manager = pluggy.PluginManager(hookspecs.NAMESPACE)
    manager.add_hookspecs(hookspecs)
    for entry in entry_points(group=LISTENERS):
        package, _ = _package(entry)
        name = f"{entry.name} of {package}"  # two packages may give a listener the same name
        try:
            manager.register(entry.load(), name=name)
            manager.check_pending()
        except (Exception, SystemExit) as cause:  # a plugin may raise anything at import
            manager.unregister(name=name)
            log.warning("skipped listener '%s' of %s: %s", entry.name, package, _reason(cause))
            log.debug("the skipped listener's traceback", exc_info=cause)
    return manager


def notify(listeners: pluggy.PluginManager, moment: str, **arguments: object) -> list[Any]:
    """Call one hookspec on every listener; one that fails is dropped with a warning.

    Each implementation is called on its own, so that a failing one silences no other.
    """
    results = []
    for implementation in reversed(getattr(listeners.hook, moment).get_hookimpls()):
        wanted = {name: arguments[name] for name in implementation.argnames}
        try:
            result = implementation.function(**wanted)
            if isinstance(result, Iterator):
                result = list(result)  # a generator that fails must fail here
        except (Exception, SystemExit) as cause:  # a listener never changes the outcome
            log.warning(
                "dropped listener '%s': %s: %s", implementation.plugin_name, moment, _reason(cause)
            )
            log.debug("the dropped listener's traceback", exc_info=cause)
            listeners.unregister(implementation.plugin)
        else:
            if result is not None:
                results.append(result)
    return results


def _name(entry: EntryPoint) -> str:
    return entry.name


def _info(entry: EntryPoint) -> ComponentInfo:
    target, extras = entry.value.partition("[")[0].strip(), tuple(entry.extras)
    return ComponentInfo(entry.name, *_package(entry), target, extras)


def _package(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else ("an unknown package", "")


def _reason(cause: BaseException) -> str:
    return f"{type(cause).__name__}: {cause}"
