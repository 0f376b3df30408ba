"""A session with the cell, through the gateway: its lease, its end, and the calls."""
import enum
import os
import queue
import sys
import threading
import time
from typing import Callable, Dict, List, Optional

import grpc

from .errors import GONE, CallError, Code, SessionExpired, code_of
from .handle import Event, EventKind, Handle
from .lease import LocalLease
from .lock import Lock
from .numbers import CallNumbers
from .v1 import lock_service_pb2 as pb
from .v1 import lock_service_pb2_grpc as rpc

ASK_AT_LEAST_S = 0.05   # between two KeepAlives
ASK_IN_JEOPARDY_S = 0.2
RETRY_S = 0.1           # after a call or a stream was lost
BEGIN_DEADLINE_S = 10.0
EARLY_EVENTS_MAX = 1000


def now_s():
    """Goes on while the machine sleeps, so that a lease does not outlive a suspend."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class State(enum.Enum):
    SAFE = "safe"          # a lease runs: locks are held
    JEOPARDY = "jeopardy"  # it has ended: calls block, nothing is certain
    EXPIRED = "expired"    # handles and locks are lost


class Session:
    """Opens at once; raises CallError, or grpc.RpcError if there is no gateway within `timeout_s`.

    target       HOST:PORT of a gateway
    users        "user:password" whose rights the session has
    credentials  of the channel, e.g. grpc.ssl_channel_credentials(...); None: not encrypted
    on_state     is told each new State, on a thread of its own: it may block and may call the session

    Methods may be called from any thread. They block in jeopardy, and raise SessionExpired after the end.
    """

    def __init__(self, target: str, users: List[str] = (), credentials: Optional[grpc.ChannelCredentials] = None,
                 on_state: Optional[Callable[[State], None]] = None, timeout_s: float = BEGIN_DEADLINE_S):
        options = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 1000),
                   ("grpc.keepalive_time_ms", 5000), ("grpc.keepalive_timeout_ms", 5000)]
        if credentials is None:
            self._channel = grpc.insecure_channel(target, options)
        else:
            self._channel = grpc.secure_channel(target, credentials, options)
        self._stub = rpc.LockServiceStub(self._channel)
        self._on_state = on_state
        self._changed = threading.Condition()  # guards what follows
        self._told = State.JEOPARDY
        self._lease = LocalLease()
        self._grace_s = 0.0
        self._next_ask_s = 0.0
        self._over: Optional[SessionExpired] = None
        self._token = ""
        self._stream: Optional["_Stream"] = None
        self._acknowledged = 0
        self._handles: Dict[int, Handle] = {}
        self._early: List[Event] = []
        self._numbers = CallNumbers()
        self._calls = set()  # under way
        self._callbacks: "queue.SimpleQueue[Optional[Callable[[], None]]]" = queue.SimpleQueue()
        self._owner = os.getpid()
        begin = pb.Begin(credentials=[pb.Credential(scheme="digest", secret=user.encode()) for user in users])
        try:
            self._open(begin, timeout_s)
        except BaseException:
            self._channel.close()
            raise
        for work in (self._keep, self._run_callbacks):
            threading.Thread(target=work, daemon=True, name="conclave" + work.__name__).start()

    # ---- what it is now

    @property
    def state(self) -> State:
        """By the clock of now, so that it is right even after this process stood still."""
        with self._changed:
            return self._state()

    @property
    def safe(self) -> bool:
        """Is every lock that was acquired, and not released nor lost by its file, still ours?"""
        return self.state == State.SAFE

    @property
    def lease_left_s(self) -> float:
        with self._changed:
            return 0.0 if self._over else max(0.0, self._lease.end_s - now_s())

    def _state(self):
        if self._over:
            return State.EXPIRED
        now = now_s()
        if self._lease.runs(now):
            return State.SAFE
        if now >= self._lease.end_s + self._grace_s:
            self._end(SessionExpired("no lease was granted for the grace period"))
            return State.EXPIRED
        return State.JEOPARDY

    # ---- files and locks

    def open(self, name: str, *, read: bool = True, write: bool = False, change_acl: bool = False, create: bool = False,
             exclusive_create: bool = False, directory: bool = False, ephemeral: bool = False, contents: bytes = b"",
             lock_delay_s: float = 0.0, contents_events: bool = False, child_events: bool = False, lock_events: bool = False,
             conflict_events: bool = False, parent: Optional[Handle] = None,
             on_event: Optional[Callable[[Event], None]] = None) -> Handle:
        """A handle on a node. `write` allows locks too. `on_event` is called in order, on a thread of its own."""
        request = pb.OpenRequest(
            name=name, parent=parent.id if parent else 0, read=read, write=write, change_acl=change_acl,
            creation=pb.OpenRequest.MUST if exclusive_create else pb.OpenRequest.IF_MISSING if create else pb.OpenRequest.NEVER,
            directory=directory, ephemeral=ephemeral, contents=contents, lock_delay_ms=round(lock_delay_s * 1000),
            contents_events=contents_events, child_events=child_events, lock_events=lock_events,
            conflict_events=conflict_events)
        reply = self.change("Open", request)
        handle = Handle(self, reply.handle, name, reply.created, on_event)
        with self._changed:
            self._handles[handle.id] = handle
            early = [event for event in self._early if event.handle == handle.id]
            self._early = [event for event in self._early if event.handle != handle.id]
            for event in early:
                self._dispatch(handle, event)
        return handle

    def lock(self, name: str, *, shared: bool = False, timeout_s: Optional[float] = None, lock_delay_s: float = 0.0) -> Lock:
        """The lock of a file, which is made if there is none: `with session.lock("/x") as lock:`."""
        return Lock(self, name, shared=shared, timeout_s=timeout_s, lock_delay_s=lock_delay_s)

    def check_sequencer(self, sequencer: str) -> bool:
        """Is it valid as of now (CH-38)?"""
        return self.read("CheckSequencer", pb.CheckSequencerRequest(sequencer=sequencer)).valid

    def close(self) -> None:
        """Ends the session in order: its locks are free at once."""
        with self._changed:
            stream = self._stream
            if not self._over and stream is not None:
                stream.send(pb.SessionRequest(end=pb.End()))
                self._changed.wait_for(lambda: self._over is not None, timeout=5.0)
            self._end(SessionExpired("the session was closed"))
        self._channel.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    # ---- calls

    def read(self, method: str, request, timeout_s: Optional[float] = None):
        """A call that may be done twice."""
        return self._call(method, request, 0, timeout_s)

    def change(self, method: str, request, timeout_s: Optional[float] = None):
        """A call that is done once, however often it is sent. One that waits is given up after `timeout_s`: TimeoutError."""
        number = self._numbers.take()
        try:
            return self._call(method, request, number, timeout_s)
        except TimeoutError:
            # It may have been granted just now: only after this is it certain that it is not.
            self._call("Cancel", pb.CancelRequest(cancelled=number), 0, None)
            raise
        finally:
            self._numbers.answered(number)

    def _call(self, method, request, number, timeout_s):
        deadline_s = None if timeout_s is None else now_s() + timeout_s
        while True:
            self._wait_safe(deadline_s)
            request.call.session = self._token
            request.call.number = number
            request.call.answered_below = self._numbers.answered_below()
            left_s = None if deadline_s is None else max(0.001, deadline_s - now_s())
            call = getattr(self._stub, method).future(request, timeout=left_s)
            with self._changed:
                self._calls.add(call)
            try:
                return call.result()
            except grpc.FutureCancelledError:
                with self._changed:
                    raise self._over or SessionExpired("the session is over") from None
            except grpc.RpcError as error:
                code = code_of(error)
                if code in GONE:
                    with self._changed:
                        self._end(SessionExpired(error.details(), code))
                    raise self._over from None
                if error.code() == grpc.StatusCode.DEADLINE_EXCEEDED and timeout_s is not None:
                    raise TimeoutError(f"{method}: not within {timeout_s:g} s") from None
                # The gateway says a code with all that it refuses; without one it is not known what was done.
                if code != Code.CODE_UNKNOWN or error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
                    raise CallError(code, error.details()) from None
                time.sleep(RETRY_S)
            finally:
                call.cancel()  # of one that was interrupted
                with self._changed:
                    self._calls.discard(call)

    def _wait_safe(self, deadline_s):
        if os.getpid() != self._owner:
            raise RuntimeError("a session does not live on in a forked process")
        with self._changed:
            while True:
                state = self._state()
                if state == State.EXPIRED:
                    raise self._over
                if state == State.SAFE:
                    return
                left_s = None if deadline_s is None else deadline_s - now_s()
                if left_s is not None and left_s <= 0:
                    raise TimeoutError("in jeopardy")
                self._changed.wait(left_s if left_s is not None else 1.0)

    # ---- the stream

    def _open(self, begin, timeout_s):
        deadline_s = now_s() + timeout_s
        with self._changed:
            self._stream = _Stream(self, begin)
            while not self._lease.runs(now_s()):
                if self._over:
                    raise self._over
                if self._stream.error is not None:
                    error = self._stream.error
                    code = code_of(error)
                    if code != Code.CODE_UNKNOWN:
                        raise CallError(code, error.details()) from None
                    if now_s() + RETRY_S > deadline_s:
                        raise error
                    self._changed.wait(RETRY_S)
                    self._stream = _Stream(self, pb.Begin(session=self._token) if self._token else begin)
                elif self._stream.begun and now_s() >= self._next_ask_s:
                    self._ask()
                if now_s() > deadline_s:
                    self._stream.cancel()
                    raise CallError(Code.CELL_UNREACHABLE, f"no session within {timeout_s:g} s")
                self._changed.wait(0.05)
            self._tell_state()

    def _ask(self):
        """With the lock. The next one is due after a third of what is left then."""
        now = now_s()
        number = self._lease.asked(now)
        self._next_ask_s = now + ASK_IN_JEOPARDY_S
        self._stream.send(pb.SessionRequest(keep_alive=pb.KeepAlive(number=number, acknowledged_event=self._acknowledged)))

    def _keep(self):
        """Asks for leases, watches ours end, and brings the stream back."""
        retry_at_s = 0.0
        with self._changed:
            while self._tell_state() != State.EXPIRED:
                now = now_s()
                if self._stream.error is not None and now >= retry_at_s:
                    self._lease.stream_lost()
                    self._stream = _Stream(self, pb.Begin(session=self._token))
                    self._next_ask_s = now
                    retry_at_s = now + RETRY_S
                elif self._stream.begun and now >= self._next_ask_s:
                    self._ask()
                self._changed.wait(max(0.005, self._due_s(now, retry_at_s) - now))
            self._end(self._over)

    def _due_s(self, now, retry_at_s):
        """When the keeper has something to do, if nothing is heard before."""
        ends_s = self._lease.end_s + (0 if self._told == State.SAFE else self._grace_s)
        if self._stream.error is not None:
            return min(ends_s, retry_at_s)
        return min(ends_s, self._next_ask_s if self._stream.begun else now + 1.0)

    def _tell_state(self):
        """With the lock. Tells the application if it is another one than before."""
        state = self._state()
        if state != self._told:
            self._told = state
            self._changed.notify_all()
            if self._on_state:
                self._callbacks.put(lambda: self._on_state(state))
        return state

    def _end(self, why):
        """With the lock. Only the first reason counts."""
        if self._over is None:
            self._over = why
        if self._stream is not None:
            self._stream.cancel()
        for call in list(self._calls):
            call.cancel()
        if self._told != State.EXPIRED:
            self._told = State.EXPIRED
            if self._on_state:
                self._callbacks.put(lambda: self._on_state(State.EXPIRED))
            self._callbacks.put(None)
        self._changed.notify_all()

    def _on_reply(self, stream, reply):
        with self._changed:
            if stream is not self._stream or self._over:
                return
            kind = reply.WhichOneof("message")
            if kind == "begun":
                stream.begun = True
                self._token = reply.begun.session
                self._grace_s = reply.begun.grace_us / 1e6
                self._next_ask_s = now_s()
                if self._lease.end_s == 0.0:
                    self._lease.end_s = now_s()  # the grace period of one that was never safe counts from now
            elif kind == "lease":
                if self._lease.granted(reply.lease.number, reply.lease.lease_us / 1e6):
                    left_s = self._lease.end_s - now_s()
                    pause_s = left_s / 3 if reply.lease.lease_us else ASK_IN_JEOPARDY_S
                    self._next_ask_s = now_s() + max(ASK_AT_LEAST_S, pause_s)
                    self._tell_state()
            elif kind == "event":
                self._on_event(reply.event)
            elif kind == "ended":
                self._end(SessionExpired(reply.ended.message or "as was asked for"))
            self._changed.notify_all()

    def _on_event(self, message):
        if message.sequence <= self._acknowledged:
            return  # told again after a lost stream
        self._acknowledged = message.sequence
        event = Event(message.handle, EventKind(message.kind), message.child)
        if event.handle == 0:
            for handle in self._handles.values():
                self._dispatch(handle, event)
        elif event.handle in self._handles:
            self._dispatch(self._handles[event.handle], event)
        elif len(self._early) < EARLY_EVENTS_MAX:
            self._early.append(event)  # the answer of its Open is on its way

    def _dispatch(self, handle, event):
        if event.kind == EventKind.HANDLE_INVALID:
            handle.invalid = True
        if handle.on_event:
            self._callbacks.put(lambda: handle.on_event(event))

    def _on_stream_end(self, stream, error):
        with self._changed:
            stream.error = error
            stream.begun = False
            if stream is not self._stream or self._over:
                return
            if self._token and code_of(error) in GONE | {Code.TAKEN_OVER}:
                self._end(SessionExpired(error.details(), code_of(error)))
            self._changed.notify_all()

    def _forget(self, handle):
        with self._changed:
            self._handles.pop(handle.id, None)

    def _run_callbacks(self):
        while (callback := self._callbacks.get()) is not None:
            try:
                callback()
            except Exception:  # of the application: it must not end the thread
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))


class _Stream:
    """One stream Session. `error` is set when it has ended."""

    def __init__(self, session, begin):
        self.begun = False
        self.error = None
        self._session = session
        self._requests = queue.SimpleQueue()
        self.send(pb.SessionRequest(begin=begin))
        self._call = session._stub.Session(iter(self._requests.get, None))
        threading.Thread(target=self._read, daemon=True, name="conclave_read").start()

    def send(self, request):
        self._requests.put(request)

    def cancel(self):
        self._requests.put(None)
        self._call.cancel()

    def _read(self):
        try:
            for reply in self._call:
                self._session._on_reply(self, reply)
        except grpc.RpcError:
            pass  # it is the call's own status, told below
        self._requests.put(None)
        self._session._on_stream_end(self, self._call)
