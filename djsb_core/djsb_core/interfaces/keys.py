"""The settings of a job that say where its component runs."""

ENVIRONMENT_KEYS = frozenset({"env", "env_name", "env_manager", "env_params"})
"""Keys of ``extra_configs``; no component gets them. The last three are the published form."""
