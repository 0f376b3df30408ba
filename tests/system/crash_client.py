"""A small asyncio client of ZooKeeper's protocol for the tests that kill servers.

Unlike a user's library it hides nothing: a request whose reply did not come raises ConnectionLoss and counts as unknown,
reconnecting is a step the caller takes, and it knows when each server last answered. It checks on the way that replies
come in the order of requests and that zxids never go back (ZK-11).

One event loop, no threads.
"""
import asyncio
import collections
import random
import struct
import time

CREATE, DELETE, EXISTS, GET_DATA, SET_DATA, GET_CHILDREN, SYNC, PING, GET_CHILDREN2, CLOSE = 1, 2, 3, 4, 5, 8, 9, 11, 12, -11
PERSISTENT, EPHEMERAL, SEQUENTIAL = 0, 1, 2
NO_NODE, BAD_VERSION, NODE_EXISTS = -101, -103, -110

Stat = collections.namedtuple(
    "Stat", "czxid mzxid ctime mtime version cversion aversion owner data_length children pzxid"
)
_STAT = struct.Struct(">qqqqiiiqiiq")
_HEADER = struct.Struct(">iqi")
OPEN_ACL = struct.pack(">ii", 1, 31) + struct.pack(">i5si6s", 5, b"world", 6, b"anyone")


class ZooError(Exception):
    """The server answered with an error code: the request had no effect."""

    def __init__(self, code):
        super().__init__(f"error {code}")
        self.code = code


class ConnectionLoss(Exception):
    """The connection broke before the reply: nobody here knows whether the request had an effect."""


class SessionExpired(Exception):
    """The server does not know the session any more."""


class ProtocolBreach(Exception):
    """A reply that must not be: out of order, with a zxid that went back, or unreadable."""


def _string(text):
    raw = text.encode() if isinstance(text, str) else text
    return struct.pack(">i", len(raw)) + raw


def _take_buffer(body, at=0):
    (size,) = struct.unpack_from(">i", body, at)
    size = max(size, 0)
    if at + 4 + size > len(body):
        raise ProtocolBreach("a buffer longer than its frame")
    return body[at + 4 : at + 4 + size], at + 4 + size


def _take_stat(body, at=0):
    return Stat(*_STAT.unpack_from(body, at))


class Client(asyncio.Protocol):
    """One session. `servers` is a list of (host, port)."""

    def __init__(self, servers, timeout_ms=10000, name="client"):
        self.servers = list(servers)
        self.name = name
        self.wanted_timeout_ms = timeout_ms
        self.timeout_ms = timeout_ms
        self.session = 0
        self.password = b"\0" * 16
        self.zxid_seen = 0
        self.last_heard = 0.0  # when the last answered request was sent: the server heard us at or after that
        self.connections = 0
        self.breaches = []
        self._next_server = random.randrange(len(self.servers))
        self._transport = None
        self._buffer = bytearray()
        self._pending = collections.deque()  # (xid, future, decode, sent at)
        self._pings = collections.deque()
        self._xid = 0
        self._hello = None
        self._pinger = None

    # ---- connecting

    @property
    def connected(self):
        return self._transport is not None and self._hello is None

    async def connect(self, deadline_s=30.0):
        """Connects to any of the servers, going round, and resumes or opens the session. SessionExpired is final."""
        deadline = time.monotonic() + deadline_s
        loop = asyncio.get_running_loop()
        reason = "no try"
        tries = 0
        while time.monotonic() < deadline:
            host, port = self.servers[self._next_server % len(self.servers)]
            self._next_server += 1
            tries += 1
            try:
                await self._connect_once(loop, host, port)
                return
            except SessionExpired:
                raise
            except (OSError, asyncio.TimeoutError, ConnectionLoss) as e:
                reason = f"{host}:{port}: {e!r}"
                self._drop()
            if tries % len(self.servers) == 0:
                await asyncio.sleep(0.01)
        raise ConnectionLoss(f"{self.name}: no server within {deadline_s:g} s; last {reason}")

    async def _connect_once(self, loop, host, port):
        self._drop()
        self._hello = loop.create_future()
        self._buffer.clear()
        sent = time.monotonic()
        hello = self._hello
        await asyncio.wait_for(loop.create_connection(lambda: self, host, port), 2)
        self._write(struct.pack(">iqiq", 0, self.zxid_seen, self.wanted_timeout_ms, self.session) + _string(self.password) + b"\0")
        body = await asyncio.wait_for(hello, 3)
        _, timeout_ms, session = struct.unpack_from(">iiq", body)
        if timeout_ms <= 0 or session == 0:
            self._drop()
            raise SessionExpired(f"{self.name}: session {self.session:#x} expired")
        if self.session not in (0, session):
            self.breaches.append(f"{self.name}: session {self.session:#x} resumed as {session:#x}")
        self.password, _ = _take_buffer(body, 16)
        self.session = session
        self.timeout_ms = timeout_ms
        self.last_heard = max(self.last_heard, sent)
        self.connections += 1
        self._hello = None
        self._pinger = asyncio.ensure_future(self._ping())

    def abort(self):
        """Cuts the connection without closing the session, as a client that died."""
        self._drop()

    def _drop(self):
        if self._pinger:
            self._pinger.cancel()
            self._pinger = None
        transport, self._transport = self._transport, None
        if transport:
            transport.abort()
        self._lose()

    def _lose(self):
        pending, self._pending = self._pending, collections.deque()
        self._pings.clear()
        for _, future, _, _ in pending:
            if not future.done():
                future.set_exception(ConnectionLoss(self.name))
                future.exception()  # a caller that went away need not look
        if self._hello and not self._hello.done():
            self._hello.set_exception(ConnectionLoss(f"{self.name}: closed during the connect"))
            self._hello.exception()

    async def _ping(self):
        while True:
            await asyncio.sleep(self.timeout_ms / 3000)
            self._pings.append(time.monotonic())
            self._write(struct.pack(">ii", -2, PING))

    # ---- asyncio.Protocol

    def connection_made(self, transport):
        self._transport = transport

    def connection_lost(self, exc):
        # A transport dropped earlier reports late; only the present one matters.
        if self._transport is not None and self._transport.is_closing():
            self._drop()

    def data_received(self, data):
        self._buffer += data
        at = 0
        while len(self._buffer) - at >= 4:
            (size,) = struct.unpack_from(">i", self._buffer, at)
            if size < 0 or size > 1 << 24:
                self._breach(f"a frame of {size} bytes")
                return
            if len(self._buffer) - at - 4 < size:
                break
            frame = bytes(self._buffer[at + 4 : at + 4 + size])
            at += 4 + size
            self._on_frame(frame)
            if self._transport is None:
                return
        del self._buffer[:at]

    def _breach(self, text):
        self.breaches.append(f"{self.name}: {text}")
        self._drop()

    def _on_frame(self, frame):
        if self._hello is not None:
            if not self._hello.done():
                self._hello.set_result(frame)
            return
        xid, zxid, error = _HEADER.unpack_from(frame)
        if xid == -2:
            if self._pings:
                self.last_heard = max(self.last_heard, self._pings.popleft())
            return
        if xid == -1:
            return  # a watch event
        if not self._pending:
            return self._breach(f"a reply to xid {xid} without a request")
        expected, future, decode, sent = self._pending.popleft()
        if xid != expected:
            return self._breach(f"a reply to xid {xid} when {expected} was due")
        if zxid > 0:
            if zxid < self.zxid_seen:
                return self._breach(f"zxid went back from {self.zxid_seen:#x} to {zxid:#x}")
            self.zxid_seen = zxid
        self.last_heard = max(self.last_heard, sent)
        if future.done():
            return
        if error:
            future.set_exception(ZooError(error))
            future.exception()
        else:
            try:
                future.set_result(decode(frame[16:], zxid))
            except (struct.error, ProtocolBreach) as e:
                future.set_exception(ConnectionLoss(str(e)))
                self._breach(f"an unreadable reply to xid {xid}: {e}")

    def _write(self, body):
        if self._transport is not None:
            self._transport.write(struct.pack(">i", len(body)) + body)

    # ---- requests; each returns a future

    def request(self, opcode, body, decode):
        future = asyncio.get_running_loop().create_future()
        if not self.connected or self._transport.is_closing():
            future.set_exception(ConnectionLoss(self.name))
            future.exception()
            return future
        self._xid += 1
        self._pending.append((self._xid, future, decode, time.monotonic()))
        self._write(struct.pack(">ii", self._xid, opcode) + body)
        return future

    def create(self, path, data=b"", flags=PERSISTENT):
        """-> (path made, zxid)"""
        return self.request(
            CREATE,
            _string(path) + _string(data) + OPEN_ACL + struct.pack(">i", flags),
            lambda body, zxid: (_take_buffer(body)[0].decode(), zxid),
        )

    def delete(self, path, version=-1):
        return self.request(DELETE, _string(path) + struct.pack(">i", version), lambda body, zxid: zxid)

    def set(self, path, data, version=-1):
        """-> (stat, zxid)"""
        return self.request(
            SET_DATA,
            _string(path) + _string(data) + struct.pack(">i", version),
            lambda body, zxid: (_take_stat(body), zxid),
        )

    def get(self, path):
        """-> (data, stat)"""

        def decode(body, zxid):
            data, at = _take_buffer(body)
            return data, _take_stat(body, at)

        return self.request(GET_DATA, _string(path) + b"\0", decode)

    def exists(self, path):
        """-> stat; ZooError(NO_NODE) when it is not there"""
        return self.request(EXISTS, _string(path) + b"\0", lambda body, zxid: _take_stat(body))

    def children(self, path):
        """-> list of names"""

        def decode(body, zxid):
            (count,) = struct.unpack_from(">i", body)
            at, names = 4, []
            for _ in range(max(count, 0)):
                name, at = _take_buffer(body, at)
                names.append(name.decode())
            return names

        return self.request(GET_CHILDREN, _string(path) + b"\0", decode)

    def sync(self, path="/"):
        return self.request(SYNC, _string(path), lambda body, zxid: zxid)

    async def close(self):
        """Closes the session if the server is there, and the connection in any case."""
        if self.connected:
            try:
                await asyncio.wait_for(self.request(CLOSE, b"", lambda body, zxid: zxid), 3)
            except (ConnectionLoss, ZooError, asyncio.TimeoutError):
                pass
        self._drop()

    # ---- helpers over several requests

    async def tree(self, root="/", skip=("/zookeeper",), window=256):
        """Everything below `root` as this server sees it: {path: (data, stat)}. Nodes that go meanwhile are left out."""
        found = {}
        frontier = [root]
        while frontier:
            following = []
            for start in range(0, len(frontier), window):
                paths = frontier[start : start + window]
                nodes = await asyncio.gather(*(self.get(p) for p in paths), return_exceptions=True)
                parents = []
                for path, node in zip(paths, nodes):
                    if isinstance(node, ZooError) and node.code == NO_NODE:
                        continue
                    if isinstance(node, BaseException):
                        raise node
                    found[path] = node
                    if node[1].children:
                        parents.append(path)
                lists = await asyncio.gather(*(self.children(p) for p in parents), return_exceptions=True)
                for path, names in zip(parents, lists):
                    if isinstance(names, ZooError) and names.code == NO_NODE:
                        continue
                    if isinstance(names, BaseException):
                        raise names
                    prefix = "" if path == "/" else path
                    following += [c for c in (f"{prefix}/{name}" for name in names) if c not in skip]
            frontier = following
        return found


async def open_client(servers, **kwargs):
    client = Client(servers, **kwargs)
    await client.connect()
    return client


def addresses(ensemble, *numbers):
    """[(host, port)] of the named replicas of an ensemble (all when none is named)."""
    return [("127.0.0.1", ensemble.replicas[n].client_port) for n in (numbers or ensemble.replicas)]
