"""Run a job in this process, from its request to its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from djsb_core.discovery import load_component
from djsb_core.errors import ComponentError
from djsb_core.interfaces.component import ComponentConfig, Workspace
from djsb_core.interfaces.hook import Hook, JobContext, Section
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.kinds import Kind
from djsb_core.job.reports import plain
from djsb_core.text import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from djsb_core.interfaces.component import AnyComponent, Watcher
    from djsb_core.interfaces.paths import PathContext
    from djsb_core.job.request import JobRequest

AnyHook = Hook[Any, Any]


def perform(request: JobRequest, watcher: Watcher) -> dict[str, Any]:
    """Run a job and return its outputs by name, as plain data.

    :raises ComponentError: if the number of outputs differs from that of its output names
    """
    workspace = Workspace(request.folder, watcher)
    hook_type = cast("type[AnyHook]", load_component(Kind.HOOK, request.hook))
    component_type = load_slot(hook_type, request.component)
    hook, component = build(
        hook_type,
        component_type,
        (request.dj_configs, request.extra_configs),
        workspace,
        request.context,
    )
    context: JobContext[Any] = JobContext(
        meta_name=request.id.meta_name,
        pipeline=request.id.pipeline,
        stage=request.id.stage,
        component=component,
        workspace=workspace,
        dj_configs=request.dj_configs or {},
        query=lambda name: _metrics_of(request, name),
    )
    returned = hook.run(context)
    names = request.output_names
    if len(returned) != len(names):
        raise ComponentError(
            f"{request.hook} returned {counted(len(returned), 'value')} for "
            f"{counted(len(names), 'name')} " + ", ".join(names)
        )
    # As a later run would read them: reusing a job changes nothing downstream.
    outputs: dict[str, Any] = plain(dict(zip(names, returned, strict=True)))
    return outputs


def inspect(request: JobRequest, depth: str) -> dict[str, Any]:
    """Return the ``problems`` that would prevent a job from running in this process.

    :param depth: ``code`` to import hook and component only; ``component`` to check them too
    """
    hook_type = cast("type[AnyHook]", load_component(Kind.HOOK, request.hook))
    component_type = load_slot(hook_type, request.component)
    if depth == "code":
        return {"problems": []}
    sections = request.dj_configs, request.extra_configs
    hook, component = build(hook_type, component_type, sections, Workspace(), request.context)
    return {"problems": [*hook.check(), *(component.check() if component else ())]}


def modules_of(request: Any) -> list[str]:  # noqa: ANN401 (of any form)
    """Return the modules of the hook and component that a request names, as far as it is valid."""
    try:
        hook = cast("type[AnyHook]", load_component(Kind.HOOK, request["hook"]))
        component = load_slot(hook, request["component"])
    except Exception:  # noqa: BLE001 (the job has failed for the same reason)
        return []
    return [kind.__module__ for kind in (hook, component) if kind is not None]


def load_slot(hook: type[AnyHook], name: str | None) -> type[AnyComponent] | None:
    """Load the component of that name, of the kind that a hook uses."""
    if hook.uses is None or name is None:
        return None
    return load_component(Kind.of(hook.uses.interface), name)


def split_settings(
    hook: type[AnyHook], dj_configs: dict[str, Any] | None, extra_configs: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a job's sections into the settings of its component and those of its hook."""
    items = (extra_configs or {}).items()
    extra = {k: v for k, v in items if k != "type" and k not in ENVIRONMENT_KEYS}
    if hook.uses is None:
        return {}, extra
    if hook.uses.section is Section.DJ_CONFIGS:
        return dj_configs or {}, extra
    return extra, {}


def build(
    hook_type: type[AnyHook],
    component_type: type[AnyComponent] | None,
    sections: tuple[dict[str, Any] | None, dict[str, Any] | None],
    workspace: Workspace,
    context: PathContext,
) -> tuple[AnyHook, AnyComponent | None]:
    """Build a job's hook and component from its sections (``dj_configs``, ``extra_configs``).

    :raises pydantic.ValidationError: if a setting is invalid
    """
    values, hook_values = split_settings(hook_type, *sections)
    slot = hook_type.uses
    alone = slot is None or slot.section is Section.DJ_CONFIGS
    hook_config = hook_type.config_type if alone else ComponentConfig
    hook = hook_type(hook_config.model_validate(hook_values, context=context), workspace)
    if component_type is None:
        return hook, None
    config = component_type.config_type.model_validate(values, context=context)
    return hook, component_type(config, workspace)


def _metrics_of(request: JobRequest, name: str) -> Mapping[str, Any]:
    if name not in request.metrics:
        raise KeyError(f"no earlier job '{name}'")
    return request.metrics[name]
