"""Mirror the runs of djsb to experiment trackers in real time."""
