"""ZooKeeper 3.8's client protocol in tables: requests to bytes, reply bodies to plain values.

Written from the published record definitions alone and shared with no other code of this project, so that a mistake in the
server's codec cannot hide here. Numbers that only have meaning within one server (zxids, times, session ids) come back
as `Zxid`, `Time` and `Owner` for compare.py to relate. Values: int, str, bytes, None, list, dict.
"""
import struct

OPCODES = {
    "create": 1, "delete": 2, "exists": 3, "getData": 4, "setData": 5, "getACL": 6, "setACL": 7, "getChildren": 8,
    "sync": 9, "ping": 11, "getChildren2": 12, "check": 13, "multi": 14, "create2": 15, "reconfig": 16,
    "checkWatches": 17, "removeWatches": 18, "createContainer": 19, "deleteContainer": 20, "createTTL": 21,
    "multiRead": 22, "auth": 100, "setWatches": 101, "sasl": 102, "getEphemerals": 103,
    "getAllChildrenNumber": 104, "setWatches2": 105, "addWatch": 106, "whoAmI": 107, "closeSession": -11,
}

_CREATE = (("path", "str"), ("data", "buf"), ("acl", "acl"), ("flags", "int"))
_READ = (("path", "str"), ("watch", "bool"))
_PATH = (("path", "str"),)
_WATCHES = (("zxid", "long"), ("data", "strs"), ("exists", "strs"), ("children", "strs"))
REQUESTS = {
    "create": _CREATE, "create2": _CREATE, "createContainer": _CREATE, "createTTL": _CREATE + (("ttl", "long"),),
    "delete": (("path", "str"), ("version", "int")),
    "exists": _READ, "getData": _READ, "getChildren": _READ, "getChildren2": _READ,
    "setData": (("path", "str"), ("data", "buf"), ("version", "int")),
    "getACL": _PATH, "sync": _PATH, "getEphemerals": _PATH, "getAllChildrenNumber": _PATH, "deleteContainer": _PATH,
    "setACL": (("path", "str"), ("acl", "acl"), ("version", "int")),
    "check": (("path", "str"), ("version", "int")),
    "reconfig": (("joining", "str"), ("leaving", "str"), ("members", "str"), ("config", "long")),
    "checkWatches": (("path", "str"), ("type", "int")), "removeWatches": (("path", "str"), ("type", "int")),
    "auth": (("type", "int"), ("scheme", "str"), ("auth", "buf")),
    "setWatches": _WATCHES, "setWatches2": _WATCHES + (("persistent", "strs"), ("recursive", "strs")),
    "addWatch": (("path", "str"), ("mode", "int")),
    "sasl": (("token", "buf"),),
    "ping": (), "whoAmI": (), "closeSession": (),
}

_MADE = (("path", "str"), ("stat", "stat"))
_STAT = (("stat", "stat"),)
REPLIES = {
    "create": _PATH, "create2": _MADE, "createContainer": _MADE, "createTTL": _MADE,
    "exists": _STAT, "setData": _STAT, "setACL": _STAT, "check": _STAT,
    "getData": (("data", "buf"), ("stat", "stat")), "reconfig": (("data", "buf"), ("stat", "stat")),
    "getACL": (("acl", "acl"), ("stat", "stat")),
    "getChildren": (("children", "strs"),), "getChildren2": (("children", "strs"), ("stat", "stat")),
    "getEphemerals": (("ephemerals", "strs"),), "getAllChildrenNumber": (("total", "int"),),
    "sync": _PATH, "addWatch": (("error", "int"),), "whoAmI": (("clients", "pairs"),), "sasl": (("token", "buf"),),
}

# Inside a multi: delete and check answer with their header alone.
MULTI_REPLIES = {
    1: ("create", _PATH), 15: ("create2", _MADE), 19: ("createContainer", _MADE), 21: ("createTTL", _MADE),
    2: ("delete", ()), 13: ("check", ()), 5: ("setData", _STAT), 4: ("getData", REPLIES["getData"]),
    8: ("getChildren", REPLIES["getChildren"]), 3: ("exists", _STAT), -1: ("error", (("error", "int"),)),
}

STAT = struct.Struct(">qqqqiiiqiiq")
XIDS = {"ping": -2, "auth": -4, "setWatches": -8, "setWatches2": -8}
WRITES = {"create", "create2", "createContainer", "createTTL", "delete", "setData", "setACL", "multi", "check"}


class Zxid(int):
    """A transaction number of one server."""


class Time(int):
    """Milliseconds since 1970 by the clock of one server."""


class Owner(int):
    """ephemeralOwner: a session id, or the mark of a container or TTL node."""


class Unreadable(Exception):
    """Bytes that are not the record they should be."""


# ---- to bytes


def _string(text):
    if text is None:
        return struct.pack(">i", -1)
    raw = text.encode("utf-8", "surrogatepass")
    return struct.pack(">i", len(raw)) + raw


def _buffer(data):
    return struct.pack(">i", -1) if data is None else struct.pack(">i", len(data)) + data


def _acl(entries):
    if entries is None:
        return struct.pack(">i", -1)
    return struct.pack(">i", len(entries)) + b"".join(
        struct.pack(">i", permissions) + _string(scheme) + _string(identity) for permissions, scheme, identity in entries)


def _strings(values):
    return struct.pack(">i", -1) if values is None else struct.pack(">i", len(values)) + b"".join(map(_string, values))


_WRITERS = {
    "int": struct.Struct(">i").pack, "long": struct.Struct(">q").pack, "bool": struct.Struct(">?").pack,
    "str": _string, "buf": _buffer, "acl": _acl, "strs": _strings,
}


def encode(operation, values):
    """The body of a request. `values` by field name; a multi has {"ops": [(operation, values), ...]}."""
    if operation in ("multi", "multiRead"):
        parts = [
            struct.pack(">i?i", OPCODES.get(name, name), False, -1) + (encode(name, part) if name in REQUESTS else b"")
            for name, part in values["ops"]
        ]
        return b"".join(parts) + struct.pack(">i?i", -1, True, -1)
    return b"".join(_WRITERS[kind](values[field]) for field, kind in REQUESTS[operation])


def encode_connect(last_zxid, timeout_ms, session, password, read_only):
    """`read_only` None leaves the field out, as clients before 3.4 do."""
    body = struct.pack(">iqiq", 0, last_zxid, timeout_ms, session) + _buffer(password)
    return body if read_only is None else body + struct.pack(">?", read_only)


# ---- from bytes


class Reader:
    def __init__(self, body):
        self.body, self.at = body, 0

    def unpack(self, layout):
        try:
            values = layout.unpack_from(self.body, self.at)
        except struct.error as e:
            raise Unreadable(str(e)) from e
        self.at += layout.size
        return values

    def int(self):
        return self.unpack(struct.Struct(">i"))[0]

    def buf(self):
        size = self.int()
        if size < 0:
            return None
        if self.at + size > len(self.body):
            raise Unreadable(f"a buffer of {size} bytes in {len(self.body) - self.at}")
        self.at += size
        return self.body[self.at - size : self.at]

    def str(self):
        raw = self.buf()
        return None if raw is None else raw.decode("utf-8", "surrogateescape")

    def many(self, element):
        count = self.int()
        if count > len(self.body):
            raise Unreadable(f"a list of {count}")
        return None if count < 0 else [element() for _ in range(count)]

    def strs(self):
        return self.many(self.str)

    def pairs(self):
        return self.many(lambda: (self.str(), self.str()))

    def acl(self):
        return self.many(lambda: (self.int(), self.str(), self.str()))

    def stat(self):
        czxid, mzxid, ctime, mtime, version, cversion, aversion, owner, length, children, pzxid = self.unpack(STAT)
        return {
            "czxid": Zxid(czxid), "mzxid": Zxid(mzxid), "ctime": Time(ctime), "mtime": Time(mtime), "version": version,
            "cversion": cversion, "aversion": aversion, "owner": Owner(owner), "length": length, "children": children,
            "pzxid": Zxid(pzxid),
        }

    def record(self, fields):
        return {field: getattr(self, kind)() for field, kind in fields}

    def multi(self):
        results = []
        while True:
            kind, done, error = self.unpack(struct.Struct(">i?i"))
            if done:
                return results
            if kind not in MULTI_REPLIES:
                raise Unreadable(f"a result of type {kind}")
            name, fields = MULTI_REPLIES[kind]
            results.append({"result": name, "header": error, **self.record(fields)})


def decode(operation, error, body):
    """The body of a reply as a value; bytes that do not belong there show as "unread"."""
    reader = Reader(body)
    value = {}
    if body:
        try:
            if operation in ("multi", "multiRead"):
                value = {"results": reader.multi()}
            elif not error:
                value = reader.record(REPLIES.get(operation, ()))
        except Unreadable as e:
            return {"unreadable": str(e), "unread": body}
    if reader.at != len(body):
        value["unread"] = body[reader.at :]
    return value


def decode_event(body):
    reader = Reader(body)
    kind, state, path = reader.int(), reader.int(), reader.str()
    return {"type": kind, "state": state, "path": path, **({"unread": body[reader.at :]} if reader.at != len(body) else {})}


def decode_connect(body):
    reader = Reader(body)
    version, timeout_ms, session = reader.unpack(struct.Struct(">iiq"))
    password = reader.buf()
    return {"version": version, "timeout_ms": timeout_ms, "session": session, "password": password, "rest": body[reader.at :]}


EVENTS = {1: "created", 2: "deleted", 3: "changed", 4: "children", 5: "data-removed", 6: "child-removed", 7: "persistent-removed"}
ERRORS = {
    0: "ok", -1: "SystemError", -2: "RuntimeInconsistency", -5: "MarshallingError", -6: "Unimplemented", -8: "BadArguments",
    -13: "NewConfigNoQuorum", -14: "ReconfigInProgress", -101: "NoNode", -102: "NoAuth", -103: "BadVersion",
    -108: "NoChildrenForEphemerals", -110: "NodeExists", -111: "NotEmpty", -112: "SessionExpired", -114: "InvalidACL",
    -115: "AuthFailed", -118: "SessionMoved", -121: "NoWatcher", -123: "ReconfigDisabled", -125: "QuotaExceeded",
}


def error_name(code):
    return ERRORS.get(code, f"error {code}")
