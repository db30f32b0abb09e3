"""The settings of a job that choose the environment of its component."""

ENVIRONMENT_KEYS = frozenset({"env", "env_name", "env_manager", "env_params"})
"""Keys of ``extra_configs`` that no component receives; the last three: published format."""
