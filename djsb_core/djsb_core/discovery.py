"""Find what installed packages offer, importing as little as possible.

Components, commands and reporters are loaded one by one, by name; checks are loaded for the
packages in use; listeners are all registered. All are announced as entry points, so installing a
package is all it takes.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from inspect import signature
from typing import TYPE_CHECKING, Any

from djsb_core.announced import Announcement, ComponentInfo, announced, package_of
from djsb_core.errors import (
    DjsbError,
    PluginLoadError,
    RequestError,
    UnknownComponentError,
    suggest,
)
from djsb_core.foreign import PluginFault, contained, contained_import
from djsb_core.interfaces.kinds import Kind
from djsb_core.published import ENVIRONMENTS, advise

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import pluggy

    from djsb_core.interfaces.component import AnyComponent
    from djsb_core.interfaces.isolation import Isolation


log = logging.getLogger(__name__)

LISTENERS = "djsb.listeners"
"""Modules or objects that are notified of the events of every run."""
COMMANDS = "djsb.commands"
"""Commands of ``djsb``, each a ``click.Command``."""
REPORTERS = "djsb.reporters"
"""Report formats."""
CHECKS = "djsb.checks"
"""Functions that list what their package needs, for ``djsb doctor`` and before a run."""
ISOLATIONS = "djsb.isolations"
"""What runs components in environments of their own."""
ISOLATION = "environments"
"""The only name in the isolation group."""


def list_components(group: str) -> list[ComponentInfo]:
    """List what installed packages announce in one entry-point group; imports no plugin code."""
    return [_info(entry) for entry in sorted(announced(group), key=_name)]


def find_component(kind: Kind, name: object) -> ComponentInfo:
    """Return the component of that kind and name.

    :raises UnknownComponentError: if no installed package provides it
    :raises PluginLoadError: if two packages provide it
    """
    entries = announced(kind.group)
    infos = [_info(entry) for entry in entries if entry.name == name]
    if not infos:
        advice = advise(kind.group, name)
        raise UnknownComponentError(kind.label, name, map(_name, entries), advice)
    if len({info.package for info in infos}) > 1:
        packages = " and ".join(sorted(info.package for info in infos))
        raise PluginLoadError(
            f"{kind.label} '{name}'", f"{packages} both provide it; uninstall one of them"
        )
    return infos[0]


@lru_cache(maxsize=256)
def load_component(kind: Kind, name: str) -> type[AnyComponent]:
    """Import one component by name.

    :raises UnknownComponentError: if no installed package provides it
    :raises PluginLoadError: if two packages provide it, or its package cannot be imported
    """
    info = find_component(kind, name)
    what = f"{kind.label} '{name}' of {info.package} {info.version}"
    try:
        with contained_import(what):
            component = _import_component(kind, name)
    except PluginFault as fault:
        raise PluginLoadError(what, str(fault)) from fault.__cause__
    if not (isinstance(component, type) and issubclass(component, kind.interface)):
        raise PluginLoadError(what, f"{info.target} is not a {kind.interface.__name__}")
    from djsb_core.interfaces.component import ComponentConfig

    config = getattr(component, "config_type", None)
    if not (isinstance(config, type) and issubclass(config, ComponentConfig)):
        text = f"{info.target} has no config_type; set it to its ComponentConfig"
        raise PluginLoadError(what, text)
    return component


def _import_component(kind: Kind, name: str) -> Any:  # noqa: ANN401 (what a package announces)
    from stevedore.driver import DriverManager

    try:
        driver: DriverManager[Any] = DriverManager(
            kind.group, name, warn_on_missing_entrypoint=False
        )
    except UnicodeEncodeError:  # stevedore digests the path, in which not every name is text
        return next(entry for entry in announced(kind.group) if entry.name == name).load()
    return driver.extensions[0].plugin


def load_isolation() -> Isolation:
    """Import the implementation of isolated environments.

    :raises RequestError: if no installed package provides it
    :raises PluginLoadError: if two packages provide it, or its package cannot be imported
    """
    from djsb_core.interfaces.isolation import Isolation

    entries = [entry for entry in announced(ISOLATIONS) if entry.name == ISOLATION]
    if not entries:
        raise RequestError(
            f"isolated environments need {ENVIRONMENTS}, which is not installed: "
            f"pip install {ENVIRONMENTS}"
        )
    packages = sorted({package_of(entry)[0] for entry in entries})
    if len(packages) > 1:
        reason = f"{' and '.join(packages)} both provide them; uninstall one of them"
        raise PluginLoadError("isolated environments", reason)
    package, version = package_of(entries[0])
    what = f"the isolated environments of {package} {version}"
    try:
        with contained_import(what):
            isolation: object = entries[0].load()()
    except PluginFault as fault:
        raise PluginLoadError(what, str(fault)) from fault.__cause__
    if not isinstance(isolation, Isolation):
        raise PluginLoadError(what, f"{entries[0].value} is not an Isolation")
    return isolation


def load_command(name: str) -> object | None:
    """Import the command that a package announces under ``djsb.commands``, if any.

    :raises PluginLoadError: if its package cannot be imported
    """
    for entry in announced(COMMANDS):
        if entry.name == name:
            return _load(entry, "command")
    return None


def load_reporter(name: str) -> object:
    """Import a reporter that a package announces under ``djsb.reporters``.

    :raises UnknownComponentError: if no installed package provides that name
    :raises PluginLoadError: if its package cannot be imported
    """
    entries = announced(REPORTERS)
    for entry in entries:
        if entry.name == name:
            return _load(entry, "reporter")
    advice = advise(REPORTERS, name)
    raise UnknownComponentError("reporter", name, map(_name, entries), advice)


def load_checks(packages: Collection[str]) -> Iterator[tuple[str, object]]:
    """Import what packages announce under ``djsb.checks``; yield each with its package's name.

    Yields the :class:`PluginLoadError` in place of one that cannot be imported.
    """
    for entry in _entries_of(CHECKS, packages):
        try:
            yield package_of(entry)[0], _load(entry, "checks")
        except PluginLoadError as error:
            yield package_of(entry)[0], error


def create_listeners() -> pluggy.PluginManager:
    """Register every installed listener; a broken one is reported and skipped."""
    manager = new_listeners()
    for entry, fault in _register_all(manager, announced(LISTENERS)):
        package, _ = package_of(entry)
        reason = " ".join(str(fault).split())
        remedy = f"mend or uninstall {package}"
        log.warning("skipped listener '%s' of %s: %s; %s", entry.name, package, reason, remedy)
        log.debug("the skipped listener's traceback", exc_info=fault)
    return manager


def find_broken_listeners(packages: Collection[str]) -> list[tuple[str, PluginLoadError]]:
    """Return the errors of listeners that cannot be used, each with the name of its package."""
    entries = _entries_of(LISTENERS, packages)
    return [
        (package_of(entry)[0], PluginLoadError(_describe(entry, "listener"), str(fault)))
        for entry, fault in _register_all(new_listeners(), entries)
    ]


def add_trackers(manager: pluggy.PluginManager, trackers: Iterable[str]) -> pluggy.PluginManager:
    """Register the trackers that a run is mirrored to; return the manager.

    A tracker that cannot be used is reported and skipped: it never prevents a run.
    """
    for name in trackers:
        try:
            tracker = load_component(Kind.TRACKER, name)
            with contained(f"tracker '{name}'"):
                _register(manager, tracker(tracker.config_type()), f"{name} (tracker)")
        except (DjsbError, PluginFault) as cause:
            log.warning("skipped tracker '%s': %s", name, cause)
            log.debug("the skipped tracker's traceback", exc_info=cause)
    return manager


def notify(listeners: pluggy.PluginManager, moment: str, **arguments: object) -> None:
    """Call one hookspec on every listener; one that fails is dropped with a warning.

    Implementations are called separately, so a failing one does not silence the others.
    """
    for implementation in reversed(getattr(listeners.hook, moment).get_hookimpls()):
        accepted = {name: arguments[name] for name in implementation.argnames}
        listener = _name_of(implementation)
        try:
            with contained(f"listener '{listener}'"):
                implementation.function(**accepted)
        except (DjsbError, PluginFault) as fault:
            warn_of_dropped(listener, moment, fault)
            log.debug("the dropped listener's traceback", exc_info=fault)
            listeners.unregister(implementation.plugin)


def warn_of_dropped(name: str, moment: str, fault: PluginFault | DjsbError) -> None:
    """Log that a listener failed and is not called again, and where it raised."""
    import traceback

    cause = fault.__cause__ if isinstance(fault, PluginFault) else fault
    frames = traceback.extract_tb(cause.__traceback__) if cause else ()
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    log.warning("dropped listener '%s': %s: %s%s", name, moment, fault, place)


def new_listeners(listeners: Iterable[object] = ()) -> pluggy.PluginManager:
    """Create a manager with only these listeners."""
    import pluggy

    from djsb_core import hookspecs

    manager = pluggy.PluginManager(hookspecs.NAMESPACE)
    manager.add_hookspecs(hookspecs)
    for listener in listeners:
        manager.register(listener)
    return manager


def _register_all(
    manager: pluggy.PluginManager, entries: Iterable[Announcement]
) -> Iterator[tuple[Announcement, PluginFault | DjsbError]]:
    """Import and register listeners; yield those that cannot be used, with the reason."""
    for entry in entries:
        name = f"{entry.name} of {package_of(entry)[0]}"  # two packages may use the same name
        try:
            with contained_import(f"listener '{name}'"):
                _register(manager, entry.load(), name)
        except (PluginFault, DjsbError) as fault:
            yield entry, fault


def _register(manager: pluggy.PluginManager, listener: object, name: str) -> None:
    """Add a listener; drop it again if one of its implementations matches no hookspec."""
    from pluggy import PluginValidationError

    try:
        manager.register(listener, name)
        manager.check_pending()
    except Exception as error:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        mismatch = _find_mismatch(manager, listener)
        if isinstance(error, PluginValidationError) and mismatch:
            raise PluginFault(mismatch) from error
        raise


def _find_mismatch(manager: pluggy.PluginManager, listener: object) -> str:
    """Say which of a listener's implementations matches no hookspec; empty if all do."""
    from djsb_core import hookspecs

    moments = [name for name in vars(hookspecs) if name.startswith("djsb_")]
    for name in dir(listener):
        options = manager.parse_hookimpl_opts(listener, name)
        if options is None:
            continue
        moment = options.get("specname") or name
        if moment not in moments:
            return f"{moment} is no hookspec; {suggest(moment, moments)}"
        known = signature(getattr(hookspecs, moment)).parameters
        wrong = [
            each
            for each in signature(getattr(listener, name)).parameters
            if each not in {*known, "self"}
        ]
        if wrong:
            return f"{moment} takes {', '.join(wrong)}; its hookspec has only: {', '.join(known)}"
    return ""


def _name_of(implementation: pluggy.HookImpl) -> str:
    """Name a listener; one registered without a name by its class."""
    plugin = implementation.plugin
    anonymous = implementation.plugin_name == str(id(plugin))
    return type(plugin).__qualname__ if anonymous else implementation.plugin_name


def _load(entry: Announcement, label: str) -> object:
    """Import the object that an entry point names.

    :raises PluginLoadError: if its package cannot be imported
    """
    what = _describe(entry, label)
    try:
        with contained_import(what):
            loaded: object = entry.load()
    except PluginFault as fault:
        raise PluginLoadError(what, str(fault)) from fault.__cause__
    return loaded


def _entries_of(group: str, packages: Collection[str]) -> list[Announcement]:
    return [entry for entry in announced(group) if package_of(entry)[0] in packages]


def _describe(entry: Announcement, label: str) -> str:
    package, version = package_of(entry)
    return f"{label} '{entry.name}' of {package} {version}"


def _name(entry: Announcement) -> str:
    return entry.name


def _info(entry: Announcement) -> ComponentInfo:
    return ComponentInfo(entry.name, *package_of(entry), entry.target, entry.extras)
