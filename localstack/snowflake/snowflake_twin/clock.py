"""The twin's only clock. Runs with the machine's time, or stands still until it is advanced.

Must not know who asks. Nothing else in the package may ask the machine for the time of day.
"""

import threading
import time


class Clock:
    """Seconds since the epoch; `manual` stands still, `real` runs on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.manual = False
        self._offset_s = 0.0
        self._stands_at = 0.0

    def now(self) -> float:
        """The time, rounded to what the wire carries."""
        with self._lock:
            return round(self._stands_at if self.manual else time.time() + self._offset_s, 3)

    def stand_still(self) -> None:
        """From now on only `advance` moves the time."""
        now = self.now()
        with self._lock:
            self.manual, self._stands_at = True, now

    def run(self) -> None:
        """Follows the machine's time again, from wherever it stands; never backwards."""
        now = self.now()
        with self._lock:
            self.manual, self._offset_s = False, max(now - time.time(), 0.0)

    def advance(self, seconds: float) -> None:
        """Moves the time forward."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        with self._lock:
            if self.manual:
                self._stands_at += seconds
            else:
                self._offset_s += seconds
