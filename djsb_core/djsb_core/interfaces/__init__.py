"""What a plugin can provide: one base class a kind of component."""
