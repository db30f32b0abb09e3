"""What Ctrl-C does to a run: the first ends the running jobs cleanly, the second kills them.

A third one ends the run itself.
"""

from __future__ import annotations

import logging
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """Counts how often the user (or a batch system, by SIGTERM) asked the run to end."""

    def __init__(self, ask: Callable[[], None], kill: Callable[[], None]) -> None:
        """Prepare to end a run.

        :param ask: asks the running jobs to end
        :param kill: kills them with all their processes
        """
        self._ask = ask
        self._kill = kill
        self._asked = threading.Event()
        self._killed = False

    @property
    def asked(self) -> bool:
        """Whether the run is to end."""
        return self._asked.is_set()

    def press(self) -> None:
        """Take one request to end."""
        if self.asked:
            self._killed = True
            self._kill()
            return
        self._asked.set()
        log.warning("ending the running jobs; press Ctrl-C again to kill them")
        self._ask()

    def _on_signal(self, number: int, _: object) -> None:
        if self._killed:
            # The run itself may be reading or copying a file of many gigabytes: nothing else ends
            # that, and what is finished is kept in any case.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.press()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM while the block runs, where this is the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self._on_signal) for one in SIGNALS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
