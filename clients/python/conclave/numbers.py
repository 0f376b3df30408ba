"""Numbers of calls that change something. Thread-safe."""
import threading


class CallNumbers:
    def __init__(self):
        self._lock = threading.Lock()
        self._last = 0
        self._unanswered = set()

    def take(self):
        with self._lock:
            self._last += 1
            self._unanswered.add(self._last)
            return self._last

    def answered(self, number):
        with self._lock:
            self._unanswered.discard(number)

    def answered_below(self):
        with self._lock:
            return min(self._unanswered, default=self._last + 1)
