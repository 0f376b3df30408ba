"""The lock service of a Conclave cell, through its gRPC gateway. docs/gateway.md is the manual.

    with conclave.Session("127.0.0.1:2290") as session:
        with session.lock("/jobs/nightly") as lock:
            work(lock.sequencer)
"""
from .errors import CallError, Code, SessionExpired
from .handle import Event, EventKind, Handle
from .lock import Lock
from .session import Session, State

__all__ = ["CallError", "Code", "Event", "EventKind", "Handle", "Lock", "Session", "SessionExpired", "State"]
