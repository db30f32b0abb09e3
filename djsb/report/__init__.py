"""Plans and finished runs as text that a person reads."""
