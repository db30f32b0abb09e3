"""How much two measurements differ, and how sure that is: the one place that says "better".

From the ground up: ``linearized`` and ``bootstrap`` are the statistics, ``difference`` gives an
estimate with its interval, ``verdict`` the word for it. ``alignment`` decides which jobs made the
same measurement, ``pairing`` whether they made it on the same samples, ``contrast`` compares one
metric of two such jobs. ``changes`` asks that of one run, ``comparison`` of several runs or parts.
"""
