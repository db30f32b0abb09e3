"""The hooks that ship with djsb: each runs one job with the component chosen in its settings."""
