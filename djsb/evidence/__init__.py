"""How much two measurements differ, and with what certainty: the one place that says "better".

Bottom up: ``linearized`` and ``bootstrap`` are the statistics, ``difference`` gives an estimate
with its interval, ``verdict`` the word for it. ``alignment`` decides which jobs made the same
measurement, ``pairing`` whether they made it on the same samples, ``contrast`` compares one metric
of two such jobs. ``changes`` applies that within a run, ``comparison`` to several runs or parts.
"""
