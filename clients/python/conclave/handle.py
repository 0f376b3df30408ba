"""Handles on nodes, and their events."""
import dataclasses
import enum
from typing import Callable, List, Optional, Tuple

from .v1 import lock_service_pb2 as pb

EventKind = enum.IntEnum("EventKind", pb.Event.Kind.items())


@dataclasses.dataclass(frozen=True)
class Event:
    handle: int
    kind: EventKind
    child: str  # its name, of the three kinds that tell of one


class Handle:
    """A node as it was opened. It belongs to one instance: when the node is deleted the handle is invalid for good."""

    def __init__(self, session, handle_id: int, name: str, created: bool, on_event: Optional[Callable[[Event], None]]):
        self.id = handle_id
        self.name = name
        self.created = created
        self.on_event = on_event
        self.invalid = False  # HANDLE_INVALID was told
        self._session = session

    def contents(self) -> bytes:
        return self.contents_and_stat()[0]

    def contents_and_stat(self) -> Tuple[bytes, pb.Stat]:
        """Of one moment (CH-47)."""
        reply = self._session.read("GetContents", pb.GetContentsRequest(handle=self.id))
        return reply.contents, reply.stat

    def stat(self) -> pb.Stat:
        return self._session.read("GetStat", pb.GetStatRequest(handle=self.id)).stat

    def children(self) -> List[Tuple[str, pb.Stat]]:
        reply = self._session.read("ReadDirectory", pb.ReadDirectoryRequest(handle=self.id))
        return [(entry.name, entry.stat) for entry in reply.entries]

    def write(self, contents: bytes, generation: Optional[int] = None) -> pb.Stat:
        """The whole file. With a generation: only over contents of it, GENERATION_MISMATCH otherwise (CH-48)."""
        request = pb.SetContentsRequest(handle=self.id, contents=contents, generation=generation)
        return self._session.change("SetContents", request).stat

    def set_acl(self, read: str = "", write: str = "", change_acl: str = "", generation: Optional[int] = None) -> pb.Stat:
        """Names of files in /acl; an empty one: everybody."""
        acl = pb.AclNames(read=read, write=write, change_acl=change_acl)
        return self._session.change("SetAcl", pb.SetAclRequest(handle=self.id, acl=acl, generation=generation)).stat

    def delete(self) -> None:
        self._session.change("Delete", pb.DeleteRequest(handle=self.id))

    def acquire(self, *, shared: bool = False, timeout_s: Optional[float] = None) -> pb.AcquireReply:
        """Waits for its turn; TimeoutError after `timeout_s`, and then it is not held."""
        return self._session.change("Acquire", pb.AcquireRequest(handle=self.id, shared=shared), timeout_s)

    def try_acquire(self, *, shared: bool = False) -> pb.AcquireReply:
        """LOCK_HELD or LOCK_DELAYED if it is not free."""
        return self._session.change("TryAcquire", pb.TryAcquireRequest(handle=self.id, shared=shared))

    def release(self) -> None:
        self._session.change("Release", pb.ReleaseRequest(handle=self.id))

    def sequencer(self) -> str:
        return self._session.read("GetSequencer", pb.GetSequencerRequest(handle=self.id)).sequencer

    def set_sequencer(self, sequencer: str) -> None:
        """From now on every call on the handle first checks it; empty: none."""
        self._session.read("SetSequencer", pb.SetSequencerRequest(handle=self.id, sequencer=sequencer))

    def poison(self) -> None:
        """Calls on it fail from now on, those under way too."""
        self._session.read("Poison", pb.PoisonRequest(handle=self.id))

    def close(self) -> None:
        """Releases its lock."""
        self._session.change("Close", pb.CloseRequest(handle=self.id))
        self._session._forget(self)

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *_) -> None:
        from .errors import SessionExpired
        try:
            self.close()
        except SessionExpired:
            pass  # closed by that
