"""Where jobs run: worker processes, or this process."""
