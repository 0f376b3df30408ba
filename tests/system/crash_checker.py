"""Judges a history of concurrent clients against what the servers hold in the end. Pure: no clock, no socket.

A history is what the clients wrote down while servers were killed under them: every request with the time it was sent and
the time and kind of its outcome. `ok` means acknowledged: it must be there. `failed` means refused: it must not be there.
`unknown` means the reply never came: it may be either, but at most once and in its place.

Checked (requirement numbers in brackets):
  C1  every acknowledged write is found, with the path, version and zxid it was acknowledged with (ZK-10)
  C2  none is found twice, none that was refused, none that nobody sent
  C3  the writes of one client are in the order it sent them (ZK-12)
  C4  zxids of acknowledged writes differ, and follow real time: acknowledged before another was sent means smaller (ZK-11)
  C5  sequence numbers of one parent have no gap, no repetition, and follow the order of zxids (ZK-05)
  C6  a conditional append raises the version by exactly one; an unconditional set too, so versions count the writes
  C7  a session that was heard within its timeout is not expired; its ephemerals stay
  C8  the ephemerals of a dead session go, not before its timeout and not later than timeout and bound after the death
      or after the last recovery of the servers
  C9  all replicas hold equal trees, stats included
  C10 a read never shows less than the same session has already been told
"""
import collections
import dataclasses

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"


@dataclasses.dataclass
class Op:
    """One write. `number` is drawn from one counter per history, so it is also the order in which a client sent its ops."""

    number: int
    client: str
    kind: str  # "create" (sequential, in `target`), "append" (versioned, to `target`), "set" (unversioned, of `target`)
    target: str
    sent: float
    done: float = None
    outcome: str = UNKNOWN
    zxid: int = None
    version: int = None  # append, set: version after the write
    path: str = None  # create: the path made


@dataclasses.dataclass
class SessionLoss:
    """A client was told that its session is gone."""

    client: str
    session: int
    timeout_s: float
    last_heard: float
    told: float


@dataclasses.dataclass
class Sight:
    """A synchronised look at one ephemeral node."""

    path: str
    sent: float
    done: float
    present: bool
    owner: int = None


@dataclasses.dataclass
class Ephemeral:
    path: str
    session: int
    timeout_s: float
    died: float = None  # None: its session lives; else when its client was last heard
    last_traffic: float = None  # upper bound of when the servers last heard the client


@dataclasses.dataclass
class Read:
    """A local read of a node that only its reader writes: the version told against the version known before the read."""

    client: str
    path: str
    known: int
    seen: int


@dataclasses.dataclass
class History:
    ops: list = dataclasses.field(default_factory=list)
    losses: list = dataclasses.field(default_factory=list)
    ephemerals: list = dataclasses.field(default_factory=list)
    sights: list = dataclasses.field(default_factory=list)
    reads: list = dataclasses.field(default_factory=list)
    recoveries: list = dataclasses.field(default_factory=list)  # times at which a write succeeded again after a kill
    breaches: list = dataclasses.field(default_factory=list)  # of the protocol, found by the clients


def check(history, trees, expiry_bound_s=3.0):
    """All violations, as texts; empty means the history is good. `trees`: {replica: {path: (data, stat)}}."""
    found = list(history.breaches)
    found += check_replicas_equal(trees)
    if trees:
        tree = next(iter(trees.values()))
        found += check_creates(history.ops, tree)
        found += check_appends(history.ops, tree)
        found += check_sets(history.ops, tree)
    found += check_zxids(history.ops)
    found += check_sessions(history)
    found += check_ephemerals(history, expiry_bound_s)
    found += check_reads(history.reads)
    return found


def _by_target(ops, kind):
    groups = collections.defaultdict(list)
    for op in sorted(ops, key=lambda o: o.number):
        if op.kind == kind:
            groups[op.target].append(op)
    return groups


def check_replicas_equal(trees):
    """C9"""
    found = []
    names = sorted(trees)
    for other in names[1:]:
        a, b = trees[names[0]], trees[other]
        for path in sorted(a.keys() | b.keys()):
            if path not in a or path not in b:
                found.append(f"C9: {path} is only at replica {names[0] if path in a else other}")
            elif a[path] != b[path]:
                found.append(f"C9: {path} differs: replica {names[0]} {a[path]}, replica {other} {b[path]}")
    return found[:20]


def check_creates(ops, tree):
    """C1, C2, C3, C5 for sequential creates. The data of each node is the number of its op."""
    found = []
    for parent, created in _by_target(ops, "create").items():
        by_number = {op.number: op for op in created}
        places = {}
        rows = []
        for path, (data, stat) in tree.items():
            if not path.startswith(parent + "/"):
                continue
            try:
                number = int(data)
            except ValueError:
                found.append(f"C2: {path} holds {data[:40]!r}, which nobody wrote")
                continue
            rows.append((int(path[-10:]), stat.czxid, number, path))
            op = by_number.get(number)
            if op is None:
                found.append(f"C2: {path} holds op {number}, which nobody sent here")
            elif op.outcome == FAILED:
                found.append(f"C2: op {number} was refused and yet made {path}")
            if number in places:
                found.append(f"C2: op {number} made both {places[number]} and {path}")
            places[number] = path
        for op in created:
            if op.outcome != OK:
                continue
            if op.number not in places:
                found.append(f"C1: the acknowledged create {op.number} of {op.path} is lost")
            elif places[op.number] != op.path:
                found.append(f"C1: create {op.number} was acknowledged as {op.path} but is {places[op.number]}")
            elif tree[op.path][1].czxid != op.zxid:
                found.append(f"C1: {op.path} was acknowledged with zxid {op.zxid:#x}, has {tree[op.path][1].czxid:#x}")
        rows.sort()
        for i, (sequence, czxid, number, path) in enumerate(rows):
            if i and czxid <= rows[i - 1][1]:
                found.append(f"C5: {path} has a later number but an earlier zxid than {rows[i - 1][3]}")
            if sequence != i:
                found.append(f"C5: {path} is child {i} of its parent by order")
                break
        latest = {}
        for sequence, czxid, number, path in rows:
            client = by_number[number].client if number in by_number else None
            if client in latest and number < latest[client]:
                found.append(f"C3: {client} sent op {number} before {latest[client]}, but {path} comes after it")
            latest[client] = max(number, latest.get(client, number))
    return found


def check_appends(ops, tree):
    """C1, C2, C3, C6 for nodes to which one client appends op numbers, each at the version it last knew."""
    found = []
    for path, appended in _by_target(ops, "append").items():
        by_number = {op.number: op for op in appended}
        if path not in tree:
            if any(op.outcome == OK for op in appended):
                found.append(f"C1: {path} with acknowledged appends is lost")
            continue
        data, stat = tree[path]
        try:
            entries = [int(part) for part in data.split()]
        except ValueError:
            found.append(f"C2: {path} holds {data[:60]!r}, which nobody wrote")
            continue
        if len(entries) != stat.version:
            found.append(f"C6: {path} has {len(entries)} entries at version {stat.version}")
        if entries != sorted(entries):
            found.append(f"C3: {path} is out of order: {entries}")
        for number, times in collections.Counter(entries).items():
            if times > 1:
                found.append(f"C2: op {number} is {times} times in {path}")
            if number not in by_number:
                found.append(f"C2: {path} holds op {number}, which nobody sent")
            elif by_number[number].outcome == FAILED:
                found.append(f"C2: op {number} was refused and yet is in {path}")
        for op in appended:
            if op.outcome != OK:
                continue
            if op.number not in entries:
                found.append(f"C1: the acknowledged append {op.number} to {path} is lost")
            elif entries.index(op.number) + 1 != op.version:
                found.append(f"C6: append {op.number} to {path} was told version {op.version}, is entry "
                             f"{entries.index(op.number) + 1}")
    return found


def check_sets(ops, tree):
    """C1, C2, C3, C6 for nodes that one client overwrites without a condition; the data is the number of the op."""
    found = []
    for path, sets in _by_target(ops, "set").items():
        if path not in tree:
            found.append(f"C1: {path} is lost")
            continue
        data, stat = tree[path]
        acked = [op for op in sets if op.outcome == OK]
        previous_version, unknown = 0, 0
        for op in sets:
            if op.outcome == UNKNOWN:
                unknown += 1
            elif op.outcome == OK:
                low, high = previous_version + 1, previous_version + 1 + unknown
                if not low <= op.version <= high:
                    found.append(f"C6: set {op.number} of {path} was told version {op.version}, expected {low} to {high}")
                previous_version, unknown = op.version, 0
        if not previous_version <= stat.version <= previous_version + unknown:
            found.append(f"C6: {path} ends at version {stat.version}, expected {previous_version} to "
                         f"{previous_version + unknown}")
        candidates = {op.number: op for op in sets if op.outcome != FAILED}
        last = int(data) if data.isdigit() else None
        if last is None and not acked and not data:
            continue
        if last not in candidates:
            found.append(f"C2: {path} holds {data[:40]!r}, which nobody wrote")
        elif acked and last < acked[-1].number:
            found.append(f"C1: {path} holds op {last}, older than the acknowledged {acked[-1].number}")
        elif candidates[last].outcome == OK and stat.mzxid != candidates[last].zxid:
            found.append(f"C1: {path} was acknowledged with zxid {candidates[last].zxid:#x}, has {stat.mzxid:#x}")
    return found


def check_zxids(ops):
    """C4"""
    found = []
    acked = [op for op in ops if op.outcome == OK]
    owners = {}
    for op in acked:
        if op.zxid in owners:
            found.append(f"C4: ops {owners[op.zxid]} and {op.number} were both acknowledged with zxid {op.zxid:#x}")
        owners[op.zxid] = op.number
    # Sweep by the time of sending, with the highest zxid among all that were acknowledged before that time.
    by_done = sorted(acked, key=lambda o: o.done)
    at, highest = 0, None
    for op in sorted(acked, key=lambda o: o.sent):
        while at < len(by_done) and by_done[at].done < op.sent:
            if highest is None or by_done[at].zxid > highest.zxid:
                highest = by_done[at]
            at += 1
        if highest is not None and op.zxid < highest.zxid:
            found.append(f"C4: op {op.number} was sent after {highest.number} was acknowledged but has the smaller zxid")
    return found[:20]


def check_sessions(history):
    """C7"""
    return [
        f"C7: session {loss.session:#x} of {loss.client} was heard {loss.told - loss.last_heard:.2f} s ago and expired; "
        f"its timeout is {loss.timeout_s:g} s"
        for loss in history.losses
        if loss.told - loss.last_heard < loss.timeout_s
    ]


def check_ephemerals(history, bound_s):
    """C7, C8"""
    found = []
    known = {e.path: e for e in history.ephemerals}
    for sight in history.sights:
        e = known[sight.path]
        if sight.present and sight.owner != e.session:
            found.append(f"C7: {e.path} belongs to session {sight.owner:#x}, made by {e.session:#x}")
        if e.died is None:
            if not sight.present:
                found.append(f"C7: {e.path} of a live session is gone")
            continue
        if not sight.present and sight.done < e.died + e.timeout_s:
            found.append(f"C8: {e.path} went {sight.done - e.died:.2f} s after its client was last heard, timeout "
                         f"{e.timeout_s:g} s")
        if sight.present:
            start = max([e.last_traffic or e.died] + [t for t in history.recoveries if t < sight.sent])
            if sight.sent > start + e.timeout_s + bound_s:
                found.append(f"C8: {e.path} is still there {sight.sent - start:.2f} s after its client died, timeout "
                             f"{e.timeout_s:g} s")
    return found


def check_reads(reads):
    """C10"""
    return [
        f"C10: {r.client} knew version {r.known} of {r.path} and was shown {r.seen}" for r in reads if r.seen < r.known
    ][:20]
