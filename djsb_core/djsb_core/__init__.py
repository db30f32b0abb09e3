"""The Data-Juicer Sandbox core. Plugins import only from :mod:`djsb_core.api`."""

__version__ = "0.1.0"
