"""What a plugin can provide: one base class per kind of component."""
