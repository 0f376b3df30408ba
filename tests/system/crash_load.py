"""The load of the crash test: clients that write, write down what came of it, and come back after every crash.

Every worker is one session with four lanes at once: sequential creates, versioned appends to a log of its own, plain sets
of a counter of its own, and local reads of that log. Everything goes into a crash_checker.History.
"""
import asyncio
import itertools
import time

from crash_checker import FAILED, OK, Ephemeral, Op, Read, SessionLoss, Sight
from crash_client import (BAD_VERSION, EPHEMERAL, NO_NODE, NODE_EXISTS, SEQUENTIAL, Client, ConnectionLoss, SessionExpired,
                          ZooError)

BASE = "/crash"
LOG_ENTRIES = 300  # then the next log node begins


class Shared:
    """What all workers have in common."""

    def __init__(self, history, servers):
        self.history = history
        self.servers = servers
        self.numbers = itertools.count(1)
        self.queue = None  # parent of the sequential creates of the present cycle
        self.last_ack = None  # (when sent, when acknowledged) of the newest acknowledged write
        self.stopping = False

    def begin(self, client, kind, target):
        op = Op(next(self.numbers), client, kind, target, sent=time.monotonic())
        self.history.ops.append(op)
        return op

    def acknowledge(self, op, zxid, version=None, path=None):
        op.done = time.monotonic()
        op.outcome, op.zxid, op.version, op.path = OK, zxid, version, path
        if self.last_ack is None or op.sent > self.last_ack[0]:
            self.last_ack = (op.sent, op.done)


def refuse(op):
    op.done = time.monotonic()
    op.outcome = FAILED


class Worker:
    def __init__(self, shared, name, timeout_ms, pause_s):
        self.shared = shared
        self.name = name
        self.timeout_ms = timeout_ms
        self.pause_s = pause_s
        self.client = None
        self.ephemeral = None
        self.reconnects = 0
        self.sessions = 0
        self.log_number = 0
        self.log_version = 0
        self.log_entries = []
        self._connecting = asyncio.Lock()

    # ---- the session

    async def connected(self):
        """Returns when there is a connection, after reconnecting if it broke."""
        async with self._connecting:
            if self.client and self.client.connected:
                return
            if self.client is None:
                await self._new_session()
                return
            try:
                await self.client.connect()
                self.reconnects += 1
                await self._look_at_ephemeral()
            except SessionExpired:
                now = time.monotonic()
                c = self.client
                self.shared.history.losses.append(
                    SessionLoss(self.name, c.session, c.timeout_ms / 1000, c.last_heard, now))
                self.ephemeral.died = c.last_heard
                self.ephemeral.last_traffic = now
                self.shared.history.breaches += c.breaches
                self.client = None
                await self._new_session()

    async def _new_session(self):
        client = Client(self.shared.servers, self.timeout_ms, self.name)
        await client.connect()
        path = f"{BASE}/live/{self.name}-{client.session:x}"
        try:
            await make(client, path, b"", EPHEMERAL)
        except ConnectionLoss:
            client.abort()  # nobody counts on this session yet; the next try opens another
            raise
        self.client = client
        self.sessions += 1
        self.ephemeral = Ephemeral(path, client.session, client.timeout_ms / 1000)
        self.shared.history.ephemerals.append(self.ephemeral)

    async def _look_at_ephemeral(self):
        """After a reconnection: the session is the same and still owns its node (C7)."""
        try:
            self.shared.history.sights.append(await look(self.client, self.ephemeral.path))
        except ConnectionLoss:
            pass

    # ---- lanes

    async def run(self):
        await make_until_done(self, self.counter)
        await make_until_done(self, self.log)
        await asyncio.gather(*(self._lane(step) for step in (self.create, self.create, self.append, self.set, self.read)))

    async def _lane(self, step):
        while not self.shared.stopping:
            try:
                await self.connected()
                await step()
            except ConnectionLoss:
                await asyncio.sleep(0.005)
                continue
            await asyncio.sleep(self.pause_s)

    @property
    def log(self):
        return f"{BASE}/log/{self.name}-{self.log_number:04}"

    @property
    def counter(self):
        return f"{BASE}/counter/{self.name}"

    async def create(self):
        op = self.shared.begin(self.name, "create", self.shared.queue)
        try:
            path, zxid = await self.client.create(f"{op.target}/n-", b"%d" % op.number, SEQUENTIAL)
            self.shared.acknowledge(op, zxid, path=path)
        except ZooError:
            refuse(op)

    async def set(self):
        op = self.shared.begin(self.name, "set", self.counter)
        try:
            stat, zxid = await self.client.set(self.counter, b"%d" % op.number)
            self.shared.acknowledge(op, zxid, stat.version)
        except ZooError:
            refuse(op)

    async def append(self):
        path, version = self.log, self.log_version
        op = self.shared.begin(self.name, "append", path)
        entries = self.log_entries + [op.number]
        try:
            stat, zxid = await self.client.set(path, " ".join(map(str, entries)).encode(), version)
            self.shared.acknowledge(op, zxid, stat.version)
            self.log_entries, self.log_version = entries, stat.version
        except ZooError as e:
            refuse(op)
            if e.code != BAD_VERSION:
                self.shared.history.breaches.append(f"{self.name}: append to {path} answered error {e.code}")
            await self._learn_log()
        except ConnectionLoss:
            await self.connected()
            await self._learn_log()
        if self.log_version >= LOG_ENTRIES:
            number = self.log_number + 1
            await make_until_done(self, f"{BASE}/log/{self.name}-{number:04}")
            self.log_number, self.log_version, self.log_entries = number, 0, []

    async def _learn_log(self):
        """What the log holds now, after an append with an unknown outcome."""
        while True:
            try:
                await self.connected()
                await self.client.sync(self.log)
                data, stat = await self.client.get(self.log)
                self.log_entries, self.log_version = [int(part) for part in data.split()], stat.version
                return
            except ConnectionLoss:
                await asyncio.sleep(0.005)

    async def read(self):
        """A local read on whichever server this session is connected to: never older than what it was told (C10)."""
        path, known = self.log, self.log_version
        _, stat = await self.client.get(path)
        self.shared.history.reads.append(Read(self.name, path, known, stat.version))


class IdleSession:
    """A session that only pings: its ephemeral must outlive every crash."""

    def __init__(self, shared, timeout_ms):
        self.worker = Worker(shared, "idle", timeout_ms, 0)

    async def run(self):
        while not self.worker.shared.stopping:
            try:
                await self.worker.connected()
            except ConnectionLoss:
                pass
            await asyncio.sleep(0.05)


async def make(client, path, data, flags=0):
    """Creates a node; one that is there already is as good."""
    try:
        await client.create(path, data, flags)
    except ZooError as e:
        if e.code != NODE_EXISTS:
            raise


async def make_until_done(worker, path):
    while True:
        try:
            await worker.connected()
            return await make(worker.client, path, b"")
        except ConnectionLoss:
            await asyncio.sleep(0.005)


async def look(client, path):
    """A synchronised look at an ephemeral node."""
    sent = time.monotonic()
    await client.sync(path)
    try:
        owner = (await client.exists(path)).owner
        return Sight(path, sent, time.monotonic(), True, owner)
    except ZooError as e:
        if e.code != NO_NODE:
            raise
        return Sight(path, sent, time.monotonic(), False)


async def leave_dead_session(shared, number, timeout_ms):
    """Opens a session, makes an ephemeral in it, and goes away without a word."""
    client = Client(shared.servers, timeout_ms, f"dead-{number}")
    try:
        await client.connect()
        path = f"{BASE}/dead/{number:04}-{client.session:x}"
        await client.create(path, b"", EPHEMERAL)
    except (ConnectionLoss, SessionExpired):
        client.abort()
        return None
    client.abort()
    ephemeral = Ephemeral(path, client.session, client.timeout_ms / 1000, died=client.last_heard,
                          last_traffic=time.monotonic())
    shared.history.ephemerals.append(ephemeral)
    return ephemeral
