"""The Data-Juicer Sandbox core. Plugin authors import from :mod:`djsb_core.api` alone."""

__version__ = "0.1.0"
