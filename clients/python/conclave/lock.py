"""The lock of a file as a context manager."""
from typing import Optional

from .errors import SessionExpired


class Lock:
    """Acquired on entry, released on exit. While in there, ask `held` before anything that only a holder may do, and give
    `sequencer` or `generation` to whoever carries it out: what was paused after asking is refused there (CH-38).
    """

    def __init__(self, session, name: str, *, shared: bool, timeout_s: Optional[float], lock_delay_s: float):
        self.name = name
        self.sequencer = ""
        self.generation = 0  # grows with every holder: a fencing token
        self.file = None     # the handle that holds it, open for reading and writing
        self._session = session
        self._shared = shared
        self._timeout_s = timeout_s
        self._lock_delay_s = lock_delay_s

    @property
    def held(self) -> bool:
        """As far as we can know without asking: false as soon as it may be lost."""
        return bool(self.sequencer) and not self.file.invalid and self._session.safe

    def __enter__(self) -> "Lock":
        self.file = self._session.open(self.name, write=True, create=True, lock_delay_s=self._lock_delay_s)
        try:
            acquired = self.file.acquire(shared=self._shared, timeout_s=self._timeout_s)
        except BaseException:
            self._close()
            raise
        self.sequencer, self.generation = acquired.sequencer, acquired.generation
        return self

    def __exit__(self, *_) -> None:
        self.sequencer = ""
        self._close()

    def _close(self):
        try:
            self.file.close()  # releases it
        except SessionExpired:
            pass  # it is lost already
