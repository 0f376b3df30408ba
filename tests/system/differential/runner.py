"""Runs a script against one ensemble and writes down everything the server said.

One step at a time, so that the order of effects is that of the script. Before a session acts it sends a `sync` if another
session has written since: it then has seen every earlier write, and the watch events of those writes have arrived. What
arrives is written down in the order of arrival, so the place of events among replies is part of the result.
"""
import dataclasses
import re
import time

import protocol
from connection import Closed, Connection
from protocol import Zxid
from script import SLOTS, SUPER

SESSION_MS = 40000
PING_EVERY_S = 6
SYNC_DEADLINE_S = 10
SETTLE_S = 0.03  # a server that will close after its reply has closed by then


@dataclasses.dataclass
class Frame:
    """Something the server said: "event", "reply", "hello" or "closed"."""

    kind: str
    operation: str = ""
    zxid: int = 0
    error: int = 0
    value: object = None


@dataclasses.dataclass
class Entry:
    step: int
    text: str
    operation: str
    frames: list
    closes_session: bool = False  # earlier events may stem from the end of a session, whose order is free


class Slot:
    def __init__(self, number, replica):
        self.number, self.replica = number, replica
        self.connection = None
        self.session, self.password = 0, b"\0" * 16
        self.behind = False  # another session may have written since this one looked
        self.after_close = False  # ... or ended
        self.heard = 0.0


class Runner:
    def __init__(self, ensemble, steps):
        self.ports = [r.client_port for r in ensemble.replicas.values()]
        self.steps = steps
        self.slots = [Slot(n, n % len(self.ports)) for n in range(SLOTS)]
        self.sessions = {}  # id -> name
        self.trace = []
        self.last_zxid = 0
        self.weak_syncs = 0  # how often a sync did not show what another session had been told already
        self.zxid_at_step = {}
        self.frames = []
        self.step = -1

    # ---- connections

    def open(self, slot, **kwargs):
        """Connects with the session of the slot; says what the server answered."""
        slot.connection = None
        options = {"timeout_ms": SESSION_MS, "session": slot.session, "password": slot.password} | kwargs
        try:
            connection = Connection(self.ports[slot.replica % len(self.ports)], **options)
        except Closed as e:
            self.frames.append(Frame("closed", value=str(e)))
            return None
        hello = connection.hello
        asked = options["session"]
        self.frames.append(Frame("hello", value={
            "version": hello["version"], "timeout_ms": hello["timeout_ms"],
            "session": "same" if hello["session"] == asked and asked else "none" if not hello["session"] else "new",
            "password": "same" if hello["password"] == options["password"] else f"{len(hello['password'] or b'')} bytes",
            "rest": hello["rest"]}))
        slot.heard = time.monotonic()
        if hello["timeout_ms"] <= 0 or not hello["session"]:
            connection.close()
            return None
        slot.connection = connection
        if hello["session"] != slot.session:
            slot.session, slot.password = hello["session"], hello["password"]
            self.sessions[slot.session] = f"s{slot.number}.{len(self.sessions)}"
        return connection

    def ensure(self, slot):
        """A connection of the slot's session; a new session when the old one has ended. Three tries."""
        for _ in range(3):
            if slot.connection or self.open(slot):
                return slot.connection
            slot.session, slot.password = 0, b"\0" * 16
        raise Closed(f"slot {slot.number} cannot connect")

    def lose(self, slot, why):
        if slot.connection:
            slot.connection.close()
        slot.connection = None
        slot.behind = True
        self.frames.append(Frame("closed", value=why))

    # ---- requests

    def receive(self, slot, xid, operation):
        """Frames up to the reply to `xid`, all written down. Returns the reply."""
        while True:
            got, zxid, error, body = slot.connection.receive()
            slot.heard = time.monotonic()
            if got == -1 and operation != "notification":
                self.frames.append(Frame("event", zxid=zxid, error=error, value=protocol.decode_event(body)))
                continue
            frame = Frame("reply", operation, Zxid(zxid), error, protocol.decode(operation, error, body))
            if got != xid:
                frame.value["xid"] = f"{got} instead of {xid}"
            if zxid > 0:
                self.last_zxid = max(self.last_zxid, zxid)
            self.frames.append(frame)
            return frame

    def send(self, slot, operation, values):
        return slot.connection.send(
            protocol.OPCODES[operation], protocol.encode(operation, self.resolved(operation, values)), protocol.XIDS.get(operation))

    def resolved(self, operation, values):
        """Zxids are named symbolically in the script."""
        if operation not in ("setWatches", "setWatches2"):
            return values
        zxid = values["zxid"]
        if zxid == "now":
            zxid = self.last_zxid
        elif isinstance(zxid, tuple):
            zxid = self.zxid_at_step.get(zxid[1], 0)
        return values | {"zxid": zxid}

    def call(self, slot, operation, values):
        return self.receive(slot, self.send(slot, operation, values), operation)

    def catch_up(self, slot):
        self.ensure(slot)
        if slot.behind:
            try:
                # ZooKeeper's leader answers a sync at once, even before it has applied what followers already acknowledged.
                deadline = time.monotonic() + SYNC_DEADLINE_S
                while self.call(slot, "sync", {"path": "/"}).zxid < self.last_zxid and time.monotonic() < deadline:
                    self.frames.pop()
                    self.weak_syncs += 1
                slot.behind = False
            except Closed as e:
                self.lose(slot, str(e))
                self.ensure(slot)

    def still_open(self, slot):
        """After something that may have made the server hang up: does it still answer a ping?"""
        time.sleep(SETTLE_S)
        try:
            self.call(slot, "ping", {})
        except Closed as e:
            self.lose(slot, "closed" if str(e) in ("reset", "closed") or str(e).startswith("send") else str(e))

    def wrote(self, writer, closed_session=False):
        for slot in self.slots:
            if slot is not writer:
                slot.behind = True
                slot.after_close |= closed_session

    # ---- steps

    def run_step(self, step):
        slot = self.slots[step.slot]
        if step.kind == "request":
            self.call(slot, step.operation, step.values)
            if step.operation in protocol.WRITES or step.operation in ("reconfig", "deleteContainer"):
                self.wrote(slot)
            if step.operation in ("auth", "sasl", "deleteContainer", "reconfig"):
                self.still_open(slot)
        elif step.kind == "batch":
            xids = [self.send(slot, operation, values) for operation, values in step.requests]
            for xid, (operation, _) in zip(xids, step.requests):
                self.receive(slot, xid, operation)
            self.wrote(slot)
        elif step.kind == "raw":
            xid = slot.connection.send(step.values["opcode"], step.values["body"])
            self.wrote(slot)
            self.receive(slot, xid, step.operation)
            self.still_open(slot)
        elif step.kind == "reconnect":
            self.reconnect(slot, **step.values)
        elif step.kind == "close":
            self.call(slot, "closeSession", {})
            self.wrote(slot, closed_session=True)
            time.sleep(SETTLE_S)
            try:
                while True:
                    slot.connection.receive()
                    self.frames.append(Frame("reply", "after closeSession"))
            except Closed as e:
                self.frames.append(Frame("closed", value="closed" if str(e) == "reset" else str(e)))
            slot.connection.close()
            self.frames.append(Frame("gone"))
            self.open(slot)  # the session is over: this must say so
            slot.session, slot.password, slot.replica = 0, b"\0" * 16, step.values["replica"]
            self.open(slot)
            slot.behind = True

    def reconnect(self, slot, how, replica, timeout_ms=None):
        slot.connection.close()
        slot.connection = None
        slot.replica = replica
        slot.behind = True
        if how == "right":
            self.open(slot)
        elif how == "wrong password":
            self.open(slot, password=b"x" * 16)
        elif how == "unknown session":
            self.open(slot, session=0x1234567, password=b"y" * 16)
        elif how == "future zxid":
            self.open(slot, last_zxid=2**62)
        elif how == "old client":
            self.open(slot, read_only=None)
        elif how == "timeout":
            # Another session asks for it and goes, so that a short one does not expire under the script.
            spare = Slot("spare", replica)
            if self.open(spare, timeout_ms=timeout_ms):
                self.call(spare, "closeSession", {})
                spare.connection.close()
                self.wrote(None)

    def keep_alive(self):
        now = time.monotonic()
        for slot in self.slots:
            if slot.connection and now - slot.heard > PING_EVERY_S:
                kept, self.frames = self.frames, []
                try:
                    self.call(slot, "ping", {})
                except Closed as e:
                    self.lose(slot, str(e))
                # Events that came with the pong belong to the next step of this session.
                slot.pending = [f for f in self.frames if f.kind == "event"]
                self.frames = kept
                slot.heard = now

    def entry(self, number, text, operation, slot, action):
        self.frames = getattr(slot, "pending", [])
        slot.pending = []
        self.step = number
        after_close, slot.after_close = slot.after_close, False
        try:
            self.catch_up(slot)
            self.frames.append(Frame("step"))
            action()
        except Closed as e:
            self.lose(slot, str(e))
            self.wrote(slot)
        self.zxid_at_step[number] = self.last_zxid
        self.trace.append(Entry(number, text, operation, self.frames, after_close))
        self.keep_alive()

    def run(self):
        for slot in self.slots:
            self.entry(-1, f"session {slot.number} connects", "connect", slot, lambda: None)
        for number, step in enumerate(self.steps):
            self.entry(number, str(step), step.operation or "batch", self.slots[step.slot], lambda step=step: self.run_step(step))
        for slot in self.slots:
            self.entry(len(self.steps), f"session {slot.number}: last events", "events", slot, lambda: None)
        self.walk("/", len(self.steps) + 1)
        for slot in self.slots:
            if slot.connection:
                slot.connection.close()
        return self.trace

    def walk(self, path, number):
        """The whole tree as super sees it, one entry a node."""
        slot = self.slots[SUPER]
        names = []

        def look():
            self.call(slot, "getData", {"path": path, "watch": False})
            self.call(slot, "getACL", {"path": path})
            self.call(slot, "getAllChildrenNumber", {"path": path})
            reply = self.call(slot, "getChildren2", {"path": path, "watch": False})
            names.extend(reply.value.get("children") or [])

        self.entry(number, f"tree {path!r}", "tree", slot, look)
        for name in sorted(names):
            self.walk(("" if path == "/" else path) + "/" + name, number)


def hide_ports(text):
    return re.sub(rb"\d+", b"N", text)
