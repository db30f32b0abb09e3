"""The JSON Schema of the experiment file, with the installed components in it."""

from __future__ import annotations

from typing import Any, cast

from djsb.config.schema import ExperimentSchema
from djsb_core.discovery import list_components, load_component
from djsb_core.errors import DjsbError
from djsb_core.interfaces.hook import Hook, Section
from djsb_core.interfaces.keys import ENVIRONMENT_KEYS
from djsb_core.interfaces.kinds import Kind

ENVIRONMENT = {key: {"$ref": f"#/$defs/{key}"} for key in sorted(ENVIRONMENT_KEYS)}


def json_schema() -> dict[str, Any]:
    """Describe the file as JSON Schema (2020-12): every key, hook and ``type`` with its settings.

    Components whose package does not import are left out.
    """
    schema = ExperimentSchema.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "djsb experiment"
    definitions = schema["$defs"]
    definitions |= _environment_definitions(definitions)
    job = definitions["JobSchema"]
    hooks = _load_all(Kind.HOOK)
    job["properties"]["hook"]["enum"] = sorted(hooks)
    job["allOf"] = [
        _when(
            {"hook": {"const": name}},
            _job_schema(cast("type[Hook[Any, Any]]", hook), definitions),
        )
        for name, hook in sorted(hooks.items())
    ]
    return schema


def _load_all(kind: Kind) -> dict[str, type[Any]]:
    components = {}
    for info in list_components(kind.group):
        try:
            components[info.name] = load_component(kind, info.name)
        except DjsbError:
            continue  # reported by list-components --check
    return components


def _job_schema(hook: type[Hook[Any, Any]], definitions: dict[str, Any]) -> dict[str, Any]:
    """Describe the sections of a job of one hook."""
    slot = hook.uses
    if slot is None:
        return {}
    kind = Kind.of(slot.interface)
    components = _load_all(kind)
    for name, component in components.items():
        definitions[f"{kind.value}.{name}"] = _config_schema(component, definitions)
    names = sorted(components)
    if not names:
        return {}
    type_of = {"type": "string", "enum": names}
    if slot.section is Section.DJ_CONFIGS:
        extra = {"type": "object", "properties": {"type": type_of, **ENVIRONMENT}}
        recipes = [{"$ref": f"#/$defs/{kind.value}.{name}"} for name in names]
        sections = _section(Section.DJ_CONFIGS, *recipes)
        sections["properties"] |= _section(Section.EXTRA_CONFIGS, extra)["properties"]
        return sections
    described: dict[str, Any] = {"type": "object", "properties": {"type": type_of}}
    described["allOf"] = [
        _when({"type": {"const": name}}, {"$ref": f"#/$defs/{kind.value}.{name}"}) for name in names
    ]
    if slot.default is None:
        described["required"] = ["type"]
    return _section(Section.EXTRA_CONFIGS, described)


def _config_schema(component: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Describe ``extra_configs``; no key is required, because ``input`` may set any of them."""
    schema = _settings_schema(component, definitions)
    schema["properties"] |= {"type": {"type": "string"}, **ENVIRONMENT}
    return schema


def _settings_schema(component: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    own = f"{component.__module__}."  # two plugins may both have a model `TrainConfig`
    schema: dict[str, Any] = component.config_type.model_json_schema(
        ref_template=f"#/$defs/{own}{{model}}", mode="validation"
    )
    definitions.update(
        {f"{own}{name}": definition for name, definition in schema.pop("$defs", {}).items()}
    )
    schema.pop("required", None)
    schema.setdefault("properties", {})
    return schema


def _environment_definitions(definitions: dict[str, Any]) -> dict[str, Any]:
    """Describe the keys of ``extra_configs`` that define where a component runs."""
    managers = _load_all(Kind.ENVIRONMENT)
    names = {"type": "string", "enum": sorted(managers), "description": "Environment manager."}
    forms = {}
    for name, manager in managers.items():
        forms[f"{Kind.ENVIRONMENT.value}.{name}"] = form = _settings_schema(manager, definitions)
        form["properties"]["manager"] = names
    best: dict[str, Any] = {"type": "object", "properties": {"manager": names}}
    best["allOf"] = [
        _when({"manager": {"const": name}}, {"$ref": f"#/$defs/{Kind.ENVIRONMENT.value}.{name}"})
        for name in sorted(managers)
    ]
    version = {"type": ["string", "number"], "description": "Python version."}
    file = {"type": "string", "description": "File that lists what to install."}
    params = {"env_py_version": version, "env_config_path": file}
    return forms | {
        "env": {
            "description": "Where the component runs: `auto`, the current environment if it has "
            "what the component needs, else one created from its recipe; or a mapping that names "
            "or describes an environment.",
            "anyOf": [{"const": "auto"}, best, {"type": "null"}],
        },
        "env_name": {
            "description": "Published form: name of an environment, created if it does not exist.",
            "type": ["string", "null"],
        },
        "env_manager": {
            "description": "Published form: environment manager; default `conda`.",
            "enum": [*sorted(managers), None],
        },
        "env_params": {
            "description": "Published form: how it is created.",
            "type": ["object", "null"],
            "properties": params,
            "additionalProperties": False,
        },
    }


def _section(section: Section, *mappings: dict[str, Any]) -> dict[str, Any]:
    path = {"type": "string", "description": "Path of a YAML or JSON file."}
    return {"properties": {section.value: {"anyOf": [*mappings, path, {"type": "null"}]}}}


def _when(condition: dict[str, Any], then: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"properties": condition, "required": list(condition)}, "then": then}
