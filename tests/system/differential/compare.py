"""Says in which steps two traces differ.

Each frame becomes one line of text in which everything that is private to one server is replaced by its relation to the script:

  zxid       the write of the script that has it ("w17"; "w17.2" for the third request of a batch), or the last such
             write before it (">w17"; in reply headers "w17" too), "0", "-1", or "start" for what was there before. Equal
             zxids stay equal, the order stays the order.
  time       "now" when it lies within the run, else the number; besides, one zxid must always go with one time
  session    the name of the session ("s3.4"), or the number when it is none

What is normalised beyond that has a [[normalised]] entry with its reason in accepted.toml; what may differ has an
[[accepted]] entry there. Everything else is a difference.
"""
import bisect
import collections
import itertools
import pathlib
import re
import tomllib

import protocol
from protocol import Owner, Time, Zxid
from runner import hide_ports

ACCEPTED = pathlib.Path(__file__).with_name("accepted.toml")
RUN_MS = 3_600_000
SORTED = {"children", "ephemerals", "clients"}
NORMALISED = {"order of names", "order of identities", "order of events of a session's end", "addresses in the configuration"}


class Labels:
    """The names of one server's zxids, times and sessions."""

    def __init__(self, trace, sessions, now_ms):
        self.sessions, self.now_ms = sessions, now_ms
        self.names, self.times, self.breaches = {}, {}, []
        for entry in trace:
            replies = [f for f in entry.frames if f.kind == "reply"]
            mine = [f for f in replies if f.operation in protocol.WRITES | {"closeSession"}]
            for i, frame in enumerate(mine):
                if self.changed(frame) and frame.zxid not in self.names:
                    self.names[frame.zxid] = f"w{entry.step}" + (f".{i}" if len(mine) > 1 else "")
            zxids = [f.zxid for f in replies if f.zxid > 0 and f.operation != "ping"]
            if zxids != sorted(zxids):
                self.breaches.append(f"step {entry.step}: zxids of one session went back: {[hex(z) for z in zxids]}")
        self.order = sorted(self.names)

    @staticmethod
    def changed(frame):
        if frame.error or frame.operation == "check":
            return False
        results = frame.value.get("results", [])
        if any(r["result"] == "error" for r in results):
            return False
        return frame.operation != "multi" or any(r["result"] != "check" for r in results)

    def zxid(self, zxid):
        if zxid in (0, -1):
            return str(int(zxid))
        if zxid in self.names:
            return self.names[zxid]
        at = bisect.bisect(self.order, zxid)
        return ">" + self.names[self.order[at - 1]] if at else "start"

    def seen(self, zxid):
        """A reply header that is not a write's own says how far its server had come; failed writes may count or not."""
        return self.zxid(zxid).removeprefix(">")

    def time(self, time):
        return "now" if abs(time - self.now_ms) < RUN_MS else str(int(time))

    def value(self, value, key=""):
        if isinstance(value, Zxid):
            return self.zxid(value)
        if isinstance(value, Time):
            return self.time(value)
        if isinstance(value, Owner):
            return self.sessions.get(int(value), str(int(value)))
        if isinstance(value, dict):
            for zxid, time in (("czxid", "ctime"), ("mzxid", "mtime")):
                if zxid in value and value[zxid] > 0 and self.times.setdefault(value[zxid], value[time]) != value[time]:
                    self.breaches.append(f"zxid {value[zxid]:#x} goes with times {self.times[value[zxid]]} and {value[time]}")
            return "{" + ", ".join(f"{k}={self.value(v, k)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            texts = [self.value(v) for v in value]
            return "[" + ", ".join(sorted(texts) if key in SORTED else texts) + "]"
        if isinstance(value, bytes):
            if b"server." in value:
                value = hide_ports(value)
            return repr(value) if len(value) <= 60 else f"{value[:20]!r}...({len(value)} bytes, crc {hash(value) & 0xFFFF:04x})"
        return repr(value)

    def line(self, frame):
        if frame.kind == "event":
            event = dict(frame.value)
            kind = protocol.EVENTS.get(event.pop("type"), "?")
            return f"event {kind} {event.pop('path')!r} zxid={frame.zxid} {event}"
        if frame.kind == "reply":
            return f"{frame.operation} {protocol.error_name(frame.error)} zxid={self.seen(frame.zxid)} {self.value(frame.value or {})}"
        return f"{frame.kind} {'' if frame.value is None else self.value(frame.value)}".rstrip()

    def lines(self, entry):
        lines = [self.line(f) for f in entry.frames]
        if not entry.closes_session:
            return lines
        out = []
        for is_event, group in itertools.groupby(lines, lambda line: line.startswith("event ")):
            out += sorted(group) if is_event else group
        return out


class Rule:
    def __init__(self, table):
        self.name, self.reason, self.used = table["name"], table["reason"], 0
        self.patterns = {key: re.compile(table.get(key, ""), re.DOTALL) for key in ("operation", "step", "zookeeper", "conclave")}

    def covers(self, entry, ours, theirs):
        return all(self.patterns[key].search(text) for key, text in (
            ("operation", entry.operation), ("step", entry.text), ("zookeeper", theirs), ("conclave", ours)))


def load_rules(path=ACCEPTED):
    tables = tomllib.loads(path.read_text())
    named = {t["name"] for t in tables.get("normalised", [])}
    if named != NORMALISED:
        raise ValueError(f"{path.name} and compare.py disagree on what is normalised: {named ^ NORMALISED}")
    if not all(t["reason"].strip() for t in tables.get("normalised", []) + tables.get("accepted", [])):
        raise ValueError(f"{path.name}: an entry without a reason")
    return [Rule(t) for t in tables.get("accepted", [])]


class Difference:
    def __init__(self, entry, conclave, zookeeper):
        self.entry, self.conclave, self.zookeeper = entry, conclave, zookeeper
        ours, theirs = next((p for p in itertools.zip_longest(conclave, zookeeper, fillvalue="nothing") if p[0] != p[1]))
        self.ours, self.theirs = ours, theirs

    @property
    def kind(self):
        """What makes two differences the same finding: the operation and how the first differing lines look in general."""
        ours, theirs = (re.sub(r"'[^']*'|w\d+(\.\d+)?|s\d+\.\d+|\d+", "·", x) for x in (self.ours, self.theirs))
        return self.entry.operation, ours[:60], theirs[:60]


def compare(conclave, zookeeper, rules):
    """(differences, accepted count) of two (trace, labels) pairs."""
    differences, accepted = [], 0
    (our_trace, our_labels), (their_trace, their_labels) = conclave, zookeeper
    for ours, theirs in itertools.zip_longest(our_trace, their_trace):
        if ours is None or theirs is None or ours.text != theirs.text:
            differences.append(Difference(ours or theirs, [ours.text if ours else "nothing"], [theirs.text if theirs else "nothing"]))
            break  # only the walk over the tree depends on answers: the trees differ
        a, b = our_labels.lines(ours), their_labels.lines(theirs)
        if a == b:
            continue
        pairs = [p for p in itertools.zip_longest(a, b, fillvalue="nothing") if p[0] != p[1]]
        covering = [next((r for r in rules if r.covers(ours, *p)), None) for p in pairs]
        if all(covering):
            accepted += 1
            for rule in covering:
                rule.used += 1
        else:
            differences.append(Difference(ours, a, b))
    return differences, accepted


def coverage(trace):
    """{operation: {error name: count}} of what one server answered; parts of multis as "multi:create"."""
    counts = collections.defaultdict(collections.Counter)
    for entry in trace:
        for frame in entry.frames:
            if frame.kind == "reply":
                counts[frame.operation][protocol.error_name(frame.error)] += 1
                for part in (frame.value or {}).get("results", []):
                    counts[f"{frame.operation}:{part['result']}"][protocol.error_name(part.get("error", 0))] += 1
            elif frame.kind == "event":
                counts["event"][protocol.EVENTS.get(frame.value["type"], "?")] += 1
    return counts
