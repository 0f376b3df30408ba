"""Makes the operation script: a list of steps drawn from a seed, the same for both servers.

A step names a session slot and what it does; nothing in it depends on what a server answers. So that most operations hit
something, a rough model of the tree runs along; it need not be right, only often right.

Kinds of step: "request" (one operation), "batch" (several sent before the first reply is read), "raw" (an opcode with bytes that
may be no record), "reconnect" (`how` says with which credentials), "close" (closeSession, then a new session).
"""
import base64
import copy
import dataclasses
import hashlib
import random

SLOTS = 6
SUPER = 0  # the slot that authenticates as super at the start; it never touches /zookeeper
OPEN = [(31, "world", "anyone")]
PERSISTENT_SLOT, RECURSIVE_SLOT = 4, 5  # sessions with one kind of watch only, the others have one-shot ones: see README.md
SUPER_PASSWORD = "super:secret"

TOPS = ["/a", "/b", "/c", "/acl", "/\u00e9\u65e5"]
NAMES = ["x", "y", "z", "w", "long-name-0123456789"]
INVALID_PATHS = ["", "a", "/a/", "//a", "/a//b", "/a/./b", "/a/../b", "/..", "/.", "/a/b\0", "/\x01", "/a\x7f", "/a/\x9f",
                 "/\uffff", "/\ue000", "/a/.hidden", "/a/b.", "/a b", "relative/x", None]
SYSTEM_PATHS = ["/zookeeper", "/zookeeper/config", "/zookeeper/quota", "/zookeeper/quota/a", "/zookeeper/nothing"]
QUOTA_PATHS = ["/zookeeper/quota/a", "/zookeeper/quota/a/zookeeper_limits", "/zookeeper/quota/a/zookeeper_stats"]
USERS = [b"alice:pw", b"bob:pw", b"carol:", b"dave", b":", b""]
BAD_SCHEMES = ["world", "auth", "x509", "sasl", "", "nothing", None]


def digest(user_and_password):
    user = user_and_password.split(":", 1)[0]
    return user + ":" + base64.b64encode(hashlib.sha1(user_and_password.encode()).digest()).decode()


ALICE, BOB = digest("alice:pw"), digest("bob:pw")


@dataclasses.dataclass
class Step:
    slot: int
    kind: str
    operation: str = ""
    values: dict = dataclasses.field(default_factory=dict)
    requests: list = dataclasses.field(default_factory=list)  # of a batch: (operation, values)

    @property
    def count(self):
        return len(self.requests) if self.kind == "batch" else 1

    def __str__(self):
        what = "; ".join(f"{o} {v}" for o, v in self.requests) if self.kind == "batch" else f"{self.operation} {self.values}"
        return f"session {self.slot} {self.kind} {what}"


class Model:
    """Which nodes are probably there."""

    def __init__(self):
        self.nodes = {"/": self.fresh()}

    @staticmethod
    def fresh(slot=None):
        return {"version": 0, "aversion": 0, "made": 0, "slot": slot}

    @staticmethod
    def parent(path):
        return path.rsplit("/", 1)[0] or "/"

    def create(self, path, flags, slot):
        if not path or not path.startswith("/") or path in INVALID_PATHS:
            return
        parent = self.nodes.get(self.parent(path))
        if parent is None or parent["slot"] is not None:
            return
        if flags in (2, 3, 6):
            path += f"{parent['made']:010d}"
        if path not in self.nodes:
            parent["made"] += 1
            self.nodes[path] = self.fresh(slot if flags in (1, 3) else None)

    def delete(self, path):
        if path in self.nodes and path != "/" and not any(p.startswith(path + "/") for p in self.nodes):
            del self.nodes[path]
            self.nodes[self.parent(path)]["made"] += 1

    def close(self, slot):
        for path in [p for p, node in self.nodes.items() if node["slot"] == slot]:
            del self.nodes[path]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.model = Model()
        self.slot = 1
        self.steps = []
        self.requests = 0

    # ---- arguments

    def pick(self, *choices):
        """One of (weight, value)s; a callable value is called."""
        value = self.random.choices([v for _, v in choices], [w for w, _ in choices])[0]
        return value() if callable(value) else value

    def some_path(self):
        path = self.random.choice(TOPS)
        while path.count("/") < 4 and self.random.random() < 0.55:
            path += "/" + self.random.choice(NAMES)
        return path

    def known_path(self):
        return self.random.choice(list(self.model.nodes))

    def child_path(self):
        parent = self.known_path()
        return ("" if parent == "/" else parent) + "/" + self.random.choice(NAMES) if parent.count("/") < 4 else self.some_path()

    def path(self, system=True):
        return self.pick(
            (70, self.known_path), (22, self.some_path), (4, lambda: self.random.choice(INVALID_PATHS)),
            (3 if system and self.slot != SUPER else 0, lambda: self.random.choice(SYSTEM_PATHS)), (1, "/"))

    def new_path(self):
        return self.pick(
            (50, self.child_path), (30, lambda: self.random.choice(TOPS)), (20, self.some_path), (10, self.known_path),
            (4, lambda: self.random.choice(INVALID_PATHS)),
            (2 if self.slot != SUPER else 0, lambda: self.random.choice(QUOTA_PATHS + SYSTEM_PATHS)))

    def version(self, path, field="version"):
        guess = self.model.nodes.get(path, {field: 0})[field]
        return self.pick((45, -1), (40, guess), (10, lambda: self.random.randrange(5)), (2, -2), (2, 2**31 - 1), (1, -(2**31)))

    def data(self, path=None):
        if path and path.endswith("zookeeper_limits"):
            return self.random.choice([b"count=5,bytes=100", b"count=-1,bytes=-1", b"rubbish", b"count=2,bytes=50;byteHardLimit=60"])
        if path and path.endswith("zookeeper_stats"):
            return b"count=0,bytes=0"
        return self.pick((20, b""), (10, None), (60, lambda: self.random.randbytes(self.random.randrange(1, 40))),
                         (2, lambda: self.random.randbytes(5000)))

    def acl(self):
        permissions = self.pick((50, 31), (30, lambda: self.random.randrange(32)), (2, 0), (2, 63), (2, -1))
        other = self.random.randrange(1, 32)
        return self.pick(
            (25, lambda: [(permissions, "digest", ALICE), (1, "world", "anyone")]), (10, lambda: [(permissions, "digest", BOB)]),
            (12, lambda: [(permissions, "auth", "")]), (4, lambda: [(permissions, "auth", "ignored"), (other, "world", "anyone")]),
            (10, lambda: [(permissions, "world", "anyone")]), (5, lambda: [(permissions, "ip", "127.0.0.1")]),
            (4, lambda: [(permissions, "ip", "127.0.0.0/8"), (other, "digest", BOB)]), (3, lambda: [(permissions, "ip", "10.1.2.3/16")]),
            (2, lambda: [(permissions, "ip", self.random.choice(["nonsense", "1.2.3", "127.0.0.1/99", "::1", "", "300.1.1.1"]))]),
            (2, lambda: [(permissions, "digest", self.random.choice(["nobody", "a:b:c", "", ":"]))]),
            (2, lambda: [(permissions, "world", self.random.choice(["everyone", ""]))]),
            (2, lambda: [(permissions, self.random.choice(["nothing", "", "super", "x509"]), "id")]),
            (2, []), (1, None), (2, lambda: [(31, "world", "anyone"), (31, "world", "anyone")]),
            (1, lambda: [(31, None, None)]), (2, lambda: [(31, "digest", ALICE), (31, "auth", "")]))

    def create_acl(self, path):
        return self.acl() if (path or "").startswith("/acl/") or self.random.random() < 0.05 else OPEN

    # ---- operations: each returns (operation, values) and moves the model

    def create(self):
        operation = self.pick((40, "create"), (30, "create2"), (6, "createContainer"), (10, "createTTL"))
        plain = self.pick((50, 0), (14, 1), (14, 2), (10, 3), (3, 4), (1, 5), (1, 6), (1, -1), (1, 7), (1, 99))
        flags = {"createContainer": self.pick((90, 4), (10, plain)), "createTTL": self.pick((45, 5), (45, 6), (10, plain))}.get(
            operation, plain)
        path = self.new_path()
        if flags in (2, 3, 6) and path and self.random.random() < 0.8:
            path = self.random.choice([path + "-", path + "/", path])
        values = {"path": path, "data": self.data(path), "acl": self.create_acl(path), "flags": flags}
        if operation == "createTTL":
            values["ttl"] = self.pick((60, 3_600_000), (10, 10**10), (5, 0), (5, -1), (5, 0xFFFFFFFFFF), (5, 0x10000000000), (3, 2**62))
            if flags not in (5, 6):
                values["ttl"] = 1000  # a plain mode with a negative TTL passes ZooKeeper's checks and then stops its leader
        if values["acl"] is OPEN and operation != "createTTL" or values.get("ttl", 0) == 3_600_000:
            self.model.create(path, flags, self.slot)
        return operation, values

    def delete(self):
        path = self.path()
        values = {"path": path, "version": self.version(path)}
        self.model.delete(path)
        return "delete", values

    def set_data(self):
        path = self.path()
        if path == "/zookeeper/config" and self.slot == SUPER:
            path = "/a"
        values = {"path": path, "data": self.data(path), "version": self.version(path)}
        if path in self.model.nodes and values["version"] in (-1, self.model.nodes[path]["version"]):
            self.model.nodes[path]["version"] += 1
        return "setData", values

    def set_acl(self):
        path = self.pick((75, lambda: "/acl/" + self.random.choice(NAMES)), (10, lambda: self.path(system=False)),
                         (15, lambda: self.random.choice([p for p in self.model.nodes if p.startswith("/acl")] or ["/acl"])))
        acl = OPEN if path in ("/", "/acl") else self.acl()  # not the ground under everything else
        return "setACL", {"path": path, "acl": acl, "version": self.version(path, "aversion")}

    def check(self):
        path = self.path()
        return "check", {"path": path, "version": self.version(path)}

    def lone_check(self):
        """Outside a multi only one that fails: ZooKeeper 3.8.0 never answers one that succeeds."""
        return "check", {"path": self.random.choice(["/none", "/a/none/none", "/a/", "a"]), "version": self.random.randrange(-1, 3)}

    def one_shot(self, probability):
        return self.random.random() < probability and self.slot not in (PERSISTENT_SLOT, RECURSIVE_SLOT)

    def read(self):
        operation = self.pick((30, "getData"), (25, "exists"), (20, "getChildren"), (20, "getChildren2"))
        return operation, {"path": self.path(), "watch": self.one_shot(0.45)}

    def path_read(self):
        operation = self.pick((40, "getACL"), (25, "getAllChildrenNumber"), (25, "getEphemerals"), (15, "sync"))
        if operation == "getACL" and self.random.random() < 0.5:
            return operation, {"path": "/acl/" + self.random.choice(NAMES)}
        if operation == "getEphemerals" and self.random.random() < 0.3:
            return operation, {"path": self.random.choice(["", "/", " ", "/a/x", "/a/long", "a"])}
        return operation, {"path": self.path()}

    def wild_part(self):
        return self.pick((40, self.create), (20, self.delete), (25, self.set_data), (25, self.check))

    def good_part(self):
        """An operation that probably succeeds."""
        path = self.known_path()
        kind = self.pick((30, "create"), (10, "create2"), (5, "createContainer"), (5, "createTTL"), (30, "setData"), (15, "check"), (15, "delete"))
        if kind in ("setData", "check"):
            values = {"path": path, "version": self.pick((60, -1), (40, self.model.nodes[path]["version"]))}
            if kind == "setData":
                values["data"] = self.data()
                self.model.nodes[path]["version"] += 1
            return kind, values
        if kind == "delete":
            leaves = [p for p in self.model.nodes if p.count("/") > 1 and not any(q.startswith(p + "/") for q in self.model.nodes)]
            path = self.random.choice(leaves or ["/a/x"])
            self.model.delete(path)
            return kind, {"path": path, "version": -1}
        flags = {"createContainer": 4, "createTTL": self.random.choice([5, 6])}.get(kind, self.random.choice([0, 0, 1, 2, 3]))
        path = self.child_path()
        values = {"path": path, "data": self.data(), "acl": OPEN, "flags": flags}
        if kind == "createTTL":
            values["ttl"] = 3_600_000
        self.model.create(path, flags, self.slot)
        return kind, values

    def multi(self):
        odd = self.random.random()
        before = copy.deepcopy(self.model)
        parts = [self.good_part() for _ in range(self.pick((20, 1), (30, 2), (30, 3), (15, 5), (3, 12), (3, 0)))]
        if self.random.random() < 0.4:
            parts.insert(self.random.randrange(len(parts) + 1), self.wild_part())
            self.model = before  # as if it failed
        if odd < 0.015:
            parts.insert(self.random.randrange(len(parts) + 1), self.random.choice([
                ("getData", {"path": "/a", "watch": False}), (99, {}), ("setACL", {"path": "/a", "acl": OPEN, "version": -1})]))
        return "multi", {"ops": parts}

    def multi_read(self):
        parts = [(self.random.choice(["getData", "getChildren"]), {"path": self.path(), "watch": self.one_shot(0.2)})
                 for _ in range(self.random.randrange(6))]
        if self.random.random() < 0.04:
            parts.append(self.random.choice([("exists", {"path": "/a", "watch": False}), self.delete()]))
        return "multiRead", {"ops": parts}

    def add_watch(self):
        self.slot = self.random.choice([PERSISTENT_SLOT, RECURSIVE_SLOT])
        mode = {PERSISTENT_SLOT: 0, RECURSIVE_SLOT: 1}[self.slot]
        return "addWatch", {"path": self.path(), "mode": self.pick((90, mode), (2, 2), (2, -1))}

    def watch_query(self):
        operation = self.pick((50, "checkWatches"), (60, "removeWatches"))
        return operation, {"path": self.path(), "type": self.pick((30, 1), (30, 2), (40, 3), (2, 0), (2, 4), (1, 5))}

    def set_watches(self):
        operation = self.pick((50, "setWatches"), (60, "setWatches2"))
        values = {"zxid": self.pick((30, "now"), (15, 0), (40, lambda: ("step", self.random.randrange(max(1, len(self.steps))))), (5, 2**62))}
        for field in ("data", "exists", "children", "persistent", "recursive"):
            kind = {"persistent": PERSISTENT_SLOT, "recursive": RECURSIVE_SLOT}.get(field, self.slot)
            own = self.slot == kind and (field in ("persistent", "recursive") or self.one_shot(1))
            values[field] = [self.path() for _ in range(self.random.randrange(4))] if own else []
        if operation == "setWatches":
            del values["persistent"], values["recursive"]
        return operation, values

    def auth(self):
        if self.random.random() < 0.12:
            return "auth", {"type": 0, "scheme": self.random.choice(BAD_SCHEMES), "auth": b"x:y"}
        if self.random.random() < 0.1:
            return "auth", {"type": self.random.choice([0, 7]), "scheme": "ip", "auth": b""}
        return "auth", {"type": 0, "scheme": "digest", "auth": self.pick((60, b"alice:pw"), (30, b"bob:pw"), (10, lambda: self.random.choice(USERS)))}

    def reconfig(self):
        return "reconfig", {"joining": self.random.choice([None, "server.9=127.0.0.1:1:2;3"]), "leaving": None,
                            "members": None, "config": -1}

    def operation(self):
        return self.pick(
            (24, self.create), (12, self.delete), (14, self.set_data), (5, self.set_acl), (1, self.lone_check), (22, self.read),
            (8, self.path_read), (9, self.multi), (3, self.multi_read), (3, self.add_watch), (3, self.watch_query),
            (0.6, self.auth), (0.8, lambda: ("whoAmI", {})), (0.5, lambda: ("ping", {})), (0.15, self.reconfig),
            (0.1, lambda: ("deleteContainer", {"path": self.path(system=False)})))

    # ---- steps

    def raw(self):
        """An opcode nobody knows, or a body that breaks off or lies about its lengths."""
        if self.random.random() < 0.4:
            return Step(self.slot, "raw", "unknown", {"opcode": self.random.choice([10, 18000, 23, 99, 108, -1, -2, 0, 2**31 - 1]),
                                                      "body": self.random.randbytes(self.random.randrange(12))})
        opcode = self.random.choice([1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 17, 19, 21, 22, 103, 104, 106])
        body = self.random.choice([b"", b"\0\0\0", b"\0\0\0\x02/", b"\0\0\0\x7f/a", b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x02/a"])
        return Step(self.slot, "raw", "malformed", {"opcode": opcode, "body": body})

    def reconnect(self):
        how = self.pick((60, "right"), (10, "wrong password"), (6, "unknown session"), (6, "future zxid"), (6, "old client"),
                        (12, "timeout"))
        values = {"how": how, "replica": self.random.randrange(3)}
        if how == "timeout":
            values["timeout_ms"] = self.random.choice([0, 1, 3999, 4000, 12345, 40000, 40001, 2**31 - 1, -5])
        return Step(self.slot, "reconnect", "connect", values)

    def step(self):
        if self.slot == SUPER:
            operation, values = self.operation()
            while self.slot != SUPER or operation in ("auth", "reconfig", "multi", "addWatch") or "/zookeeper" in str(values):
                self.slot = SUPER
                operation, values = self.operation()
            return Step(self.slot, "request", operation, values)
        kind = self.pick((94, "request"), (4, "batch"), (1.1, "reconnect"), (0.5, "set watches"), (0.4, "close"), (0.7, "raw"))
        if kind == "batch":
            slot = self.slot
            requests = [self.operation() for _ in range(self.random.randrange(2, 12))]
            self.slot = slot
            return Step(slot, "batch", requests=[r for r in requests if r[0] not in ("addWatch", "auth", "reconfig", "ping", "deleteContainer")])
        if kind == "reconnect":
            return self.reconnect()
        if kind == "set watches":
            return Step(self.slot, "request", *self.set_watches())
        if kind == "close":
            self.model.close(self.slot)
            return Step(self.slot, "close", "closeSession", {"replica": self.random.randrange(3)})
        if kind == "raw":
            return self.raw()
        operation, values = self.operation()
        return Step(self.slot, "request", operation, values)

    def add(self, step):
        self.steps.append(step)
        self.requests += step.count

    def make(self, operations):
        self.add(Step(SUPER, "request", "auth", {"type": 0, "scheme": "digest", "auth": SUPER_PASSWORD.encode()}))
        self.slot = SUPER
        for top in TOPS:
            self.add(Step(SUPER, "request", "create", {"path": top, "data": b"", "acl": OPEN, "flags": 0}))
            self.model.create(top, 0, SUPER)
        for name in NAMES[:3]:
            self.add(Step(1, "request", "create", {"path": "/acl/" + name, "data": b"", "acl": self.acl(), "flags": 0}))
            self.model.create("/acl/" + name, 0, 1)
        while self.requests < operations:
            # Runs of one session, then another: what one does the others see as events.
            if self.random.random() < 0.3:
                self.slot = self.pick((1, SUPER), (8, lambda: self.random.randrange(1, SLOTS)))
            self.add(self.step())
        return self.steps


def make_script(seed, operations):
    return Maker(seed).make(operations)
