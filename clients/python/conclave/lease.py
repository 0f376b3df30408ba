"""The client's own view of its lease (CH-70, CH-71). No threads, no clock of its own.

The end of a lease is never later than the gateway's, nor, by the same rule at the gateway, the cell's: it counts from when
the KeepAlive was *sent*, and our clock may be slow by RATE_MAX.
"""

RATE_MAX = 0.01  # two clocks differ by no more than this


class LocalLease:
    def __init__(self):
        self.end_s = 0.0
        self._sent = {}  # when, by number
        self._last = 0

    def asked(self, now_s):
        """A KeepAlive is about to be sent; returns its number."""
        self._last += 1
        self._sent[self._last] = now_s
        return self._last

    def granted(self, number, lease_s):
        """True if the answer is to a KeepAlive that we sent and that was not answered yet. The end only moves later."""
        sent_s = self._sent.pop(number, None)
        if sent_s is None:
            return False
        for older in [n for n in self._sent if n < number]:
            del self._sent[older]
        if lease_s > 0:
            self.end_s = max(self.end_s, sent_s + lease_s * (1 - RATE_MAX))
        return True

    def stream_lost(self):
        """What was not answered on the stream never will be."""
        self._sent.clear()

    def runs(self, now_s):
        return now_s < self.end_s
