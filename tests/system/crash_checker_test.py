#!/usr/bin/python3
"""The checker's own test: a good history passes, and each known-bad one is rejected for its own reason."""
import copy
import sys

from crash_checker import (FAILED, OK, UNKNOWN, Ephemeral, History, Op, Read, SessionLoss, Sight, check)
from crash_client import Stat


def stat(czxid=0, mzxid=0, version=0, owner=0):
    return Stat(czxid, mzxid, 0, 0, version, 0, 0, owner, 0, 0, 0)


def good():
    """Three creates (one unknown and applied), three appends (one unknown, not applied), three sets (one unknown)."""
    history = History()
    ops = history.ops

    def op(number, kind, target, outcome=OK, zxid=None, version=None, path=None, client="a"):
        ops.append(Op(number, client, kind, target, sent=number, done=number + 0.5, outcome=outcome, zxid=zxid,
                      version=version, path=path))

    op(1, "create", "/q", zxid=101, path="/q/n-0000000000")
    op(2, "create", "/q", UNKNOWN)
    op(3, "create", "/q", zxid=103, path="/q/n-0000000002")
    op(4, "append", "/log", zxid=104, version=1)
    op(5, "append", "/log", UNKNOWN)
    op(6, "append", "/log", FAILED)
    op(7, "append", "/log", zxid=107, version=2)
    op(8, "set", "/ctr", zxid=108, version=1)
    op(9, "set", "/ctr", UNKNOWN)
    op(10, "set", "/ctr", zxid=110, version=3)
    op(11, "create", "/q", FAILED)
    tree = {
        "/q/n-0000000000": (b"1", stat(101)),
        "/q/n-0000000001": (b"2", stat(102)),
        "/q/n-0000000002": (b"3", stat(103)),
        "/log": (b"4 7", stat(100, 107, 2)),
        "/ctr": (b"10", stat(100, 110, 3)),
    }
    history.ephemerals = [Ephemeral("/e/live", 7, 10), Ephemeral("/e/dead", 8, 4, died=20.0, last_traffic=20.1)]
    history.sights = [
        Sight("/e/live", 30, 30.1, True, 7),
        Sight("/e/dead", 22, 22.1, True, 8),
        Sight("/e/dead", 26, 26.1, False),
    ]
    history.reads = [Read("a", "/log", 2, 2)]
    history.losses = [SessionLoss("b", 9, 4.0, last_heard=10.0, told=15.0)]
    return history, {1: tree, 2: copy.deepcopy(tree)}


def change_node(path, node):
    def change(history, trees):
        for tree in trees.values():
            if node is None:
                del tree[path]
            else:
                tree[path] = node
    return change


def change_op(number, **fields):
    def change(history, trees):
        for name, value in fields.items():
            setattr(next(o for o in history.ops if o.number == number), name, value)
    return change


def change_history(function):
    return lambda history, trees: function(history)


BAD = [
    ("an acknowledged create is lost", "C1", change_node("/q/n-0000000002", None)),
    ("an acknowledged create has another path", "C1", change_op(3, path="/q/n-0000000009")),
    ("an acknowledged create has another zxid", "C1", change_op(3, zxid=105)),
    ("a create was applied twice", "C2", change_node("/q/n-0000000003", (b"1", stat(111)))),
    ("a refused create is there", "C2", change_node("/q/n-0000000003", (b"11", stat(111)))),
    ("a create nobody sent is there", "C2", change_node("/q/n-0000000003", (b"77", stat(111)))),
    ("corrupt data of a created node", "C2", change_node("/q/n-0000000001", (b"\x80", stat(102)))),
    ("an unknown create came after a later one", "C3", lambda h, t: (
        change_node("/q/n-0000000001", (b"3", stat(103)))(h, t),
        change_op(3, path="/q/n-0000000001")(h, t),
        change_node("/q/n-0000000002", (b"2", stat(104)))(h, t))),
    ("a sequence number is missing", "C5", change_node("/q/n-0000000001", None)),
    ("numbers do not follow zxids", "C5", change_node("/q/n-0000000001", (b"2", stat(100)))),
    ("an acknowledged append is lost", "C1", change_node("/log", (b"4", stat(100, 104, 1)))),
    ("an append was applied twice", "C2", change_node("/log", (b"4 7 7", stat(100, 112, 3)))),
    ("a refused append is there", "C2", change_node("/log", (b"4 6 7", stat(100, 107, 3)))),
    ("appends are out of order", "C3", change_node("/log", (b"7 4", stat(100, 107, 2)))),
    ("an append was told another version", "C6", change_op(7, version=3)),
    ("a version without an append", "C6", change_node("/log", (b"4 7", stat(100, 107, 3)))),
    ("a log is gone", "C1", change_node("/log", None)),
    ("a log is corrupt", "C2", change_node("/log", (b"4 x", stat(100, 107, 2)))),
    ("the last acknowledged set is lost", "C1", change_node("/ctr", (b"9", stat(100, 109, 3)))),
    ("a set was applied twice", "C6", change_node("/ctr", (b"10", stat(100, 110, 4)))),
    ("a set raised the version by two", "C6", change_op(10, version=4)),
    ("a set was told an old version", "C6", change_op(10, version=1)),
    ("a counter holds what nobody wrote", "C2", change_node("/ctr", (b"12345", stat(100, 110, 3)))),
    ("a counter has another zxid", "C1", change_node("/ctr", (b"10", stat(100, 109, 3)))),
    ("a counter is gone", "C1", change_node("/ctr", None)),
    ("two writes with one zxid", "C4", change_op(8, zxid=107)),
    ("zxids against real time", "C4", change_op(8, zxid=90)),
    ("a session expired early", "C7", change_history(lambda h: setattr(h.losses[0], "told", 13.0))),
    ("the ephemeral of a live session is gone", "C7", change_history(lambda h: h.sights.append(Sight("/e/live", 40, 40.1, False)))),
    ("an ephemeral changed its owner", "C7", change_history(lambda h: h.sights.append(Sight("/e/live", 40, 40.1, True, 8)))),
    ("an ephemeral went before the timeout", "C8", change_history(lambda h: h.sights.append(Sight("/e/dead", 22, 22.5, False)))),
    ("the ephemeral of a dead session stays", "C8", change_history(lambda h: h.sights.append(Sight("/e/dead", 28, 28.1, True, 8)))),
    ("replicas differ in data", "C9", lambda h, t: t[2].__setitem__("/log", (b"4 8", stat(100, 107, 2)))),
    ("replicas differ in a stat", "C9", lambda h, t: t[2].__setitem__("/log", (b"4 7", stat(99, 107, 2)))),
    ("a replica lacks a node", "C9", lambda h, t: t[2].pop("/ctr")),
    ("a session read into the past", "C10", change_history(lambda h: h.reads.append(Read("a", "/log", 2, 1)))),
    ("a client saw a breach of the protocol", "xid", change_history(lambda h: h.breaches.append("xid 3 when 2 was due"))),
]

# Histories that only look bad.
ALSO_GOOD = [
    ("an unknown append was applied", lambda h, t: (
        change_node("/log", (b"4 5 7", stat(100, 107, 3)))(h, t), change_op(7, version=3)(h, t))),
    ("an unknown set was not applied", lambda h, t: (
        change_op(10, version=2)(h, t), change_node("/ctr", (b"10", stat(100, 110, 2)))(h, t))),
    ("a dead session's lease began anew after a recovery", lambda h, t: (
        h.recoveries.append(25.0), h.sights.append(Sight("/e/dead", 31, 31.1, True, 8)))),
    ("concurrent writes may take any order", lambda h, t: change_op(8, sent=6.9, zxid=106)(h, t)),
]


def run():
    """-> (passed, failed)"""
    passed = failed = 0

    def judge(name, good_one):
        nonlocal passed, failed
        passed, failed = passed + good_one, failed + (not good_one)
        if not good_one:
            print(f"FAILED: {name}")

    judge("a good history passes", check(*good()) == [])
    for name, change in ALSO_GOOD:
        history, trees = good()
        change(history, trees)
        problems = check(history, trees)
        judge(f"{name}: {problems}", problems == [])
    for name, code, change in BAD:
        history, trees = good()
        change(history, trees)
        problems = check(history, trees)
        judge(f"{name} must be rejected with {code}, got {problems}", any(code in p for p in problems))
    return passed, failed


def main():
    passed, failed = run()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
