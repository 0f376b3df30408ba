#!/usr/bin/python3
"""kazoo against a cell: HOSTS on the command line, the protocol of clients_test.py on stdin and stdout."""
import logging
import sys
import threading
import time

from kazoo.client import KazooClient, KazooState
from kazoo.exceptions import (
    BadVersionError, InvalidACLError, NoAuthError, NoChildrenForEphemeralsError, NodeExistsError, NoNodeError, NotEmptyError,
    RolledBackError, RuntimeInconsistency)
from kazoo.retry import KazooRetry
from kazoo.security import make_acl, make_digest_acl

logging.basicConfig(level=logging.CRITICAL)
WAIT_S = 30
HOSTS = sys.argv[1]
done = []


def case(name):
    print(f"ok {name}", flush=True)
    done.append(name)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def until(condition, what):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        check(time.monotonic() < deadline, f"not within {WAIT_S} s: {what}")
        time.sleep(0.01)


def refused(error, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except error:
        return
    raise AssertionError(f"{call.__name__}{args} was not refused with {error.__name__}")


def client(**kwargs):
    # In order, so that the first connection is to the master that will be killed.
    retry = KazooRetry(max_tries=-1, delay=0.05, max_delay=0.5, deadline=WAIT_S)
    zk = KazooClient(HOSTS, timeout=20, randomize_hosts=False, connection_retry=retry,
                     command_retry=KazooRetry(max_tries=-1, delay=0.05, max_delay=0.5, deadline=WAIT_S), **kwargs)
    zk.start(timeout=WAIT_S)
    return zk


def reads_and_writes(zk):
    check(zk.create("/k/a/b", b"one", makepath=True) == "/k/a/b", "create answers the path")
    data, stat = zk.get("/k/a/b")
    check((data, stat.version, stat.dataLength) == (b"one", 0, 3), f"get: {data} {stat}")
    stat = zk.set("/k/a/b", b"two", version=0)
    check(stat.version == 1 and stat.mzxid > stat.czxid, f"set: {stat}")
    check(zk.get_children("/k") == ["a"] and zk.get_children("/k/a", include_data=True)[1].numChildren == 1, "children")
    path, stat = zk.create("/k/c", b"x" * 1000, include_data=True)
    check(path == "/k/c" and stat.dataLength == 1000, "create2")
    check(zk.exists("/k/none") is None, "exists of nothing")
    refused(NoNodeError, zk.get, "/k/none")
    refused(NodeExistsError, zk.create, "/k/c")
    refused(BadVersionError, zk.set, "/k/c", b"", version=7)
    refused(NotEmptyError, zk.delete, "/k/a")
    zk.delete("/k/c", version=0)
    zk.delete("/k/a", recursive=True)
    check(zk.sync("/k") == "/k" and zk.get_children("/k") == [], "everything deleted")
    case("create, get, set, delete, exists, children, sync and their errors")


def watches(zk):
    events = []
    zk.create("/w")
    zk.get("/w", watch=events.append)
    zk.get_children("/w", watch=events.append)
    zk.exists("/w/x", watch=events.append)
    zk.set("/w", b"1")
    zk.create("/w/x")
    zk.set("/w", b"2")  # the data watch was for once
    until(lambda: len(events) == 3, f"three events, have {events}")
    check(sorted((e.type, e.path) for e in events) == [("CHANGED", "/w"), ("CHILD", "/w"), ("CREATED", "/w/x")], f"{events}")
    case("watches for data, children and existence")


def ephemerals_and_sequences(zk):
    zk.create("/e")
    other = client()
    other.create("/e/gone", ephemeral=True)
    made = [zk.create("/e/s-", sequence=True) for _ in range(3)]
    check(made == sorted(made) and made[0] == "/e/s-0000000001", f"sequence: {made}")
    refused(NoChildrenForEphemeralsError, zk.create, "/e/gone/child")
    check(zk.get("/e/gone")[1].ephemeralOwner == other.client_id[0], "the owner of an ephemeral")
    gone = threading.Event()
    zk.exists("/e/gone", watch=lambda event: gone.set())
    other.stop()
    other.close()
    check(gone.wait(WAIT_S) and not zk.exists("/e/gone"), "an ephemeral goes with its session")
    case("ephemerals and sequences")


def transactions(zk):
    zk.create("/t")
    transaction = zk.transaction()
    transaction.create("/t/a", b"1")
    transaction.set_data("/t/a", b"2", version=0)
    transaction.check("/t/a", version=1)
    transaction.create("/t/b")
    transaction.delete("/t/b")
    results = transaction.commit()
    check(results[0] == "/t/a" and results[1].version == 1 and results[2:] == [True, "/t/b", True], f"{results}")
    transaction = zk.transaction()
    transaction.create("/t/c")
    transaction.check("/t/a", version=9)
    transaction.create("/t/d")
    kinds = [type(r) for r in transaction.commit()]
    check(kinds == [RolledBackError, BadVersionError, RuntimeInconsistency], f"{kinds}")
    check(not zk.exists("/t/c"), "a failed transaction changes nothing")
    case("transactions")


def access(zk):
    alice = client(auth_data=[("digest", "alice:pw")])
    acl = [make_digest_acl("alice", "pw", all=True), make_acl("world", "anyone", read=True)]
    alice.create("/acl", b"secret", acl=acl)
    check(zk.get("/acl")[0] == b"secret", "read is for everyone")
    refused(NoAuthError, zk.set, "/acl", b"")
    refused(NoAuthError, zk.create, "/acl/x")
    refused(InvalidACLError, zk.create, "/acl2", acl=[make_acl("nothing", "x", all=True)])
    entries, stat = alice.get_acls("/acl")
    check({e.id.scheme for e in entries} == {"digest", "world"} and stat.aversion == 0, f"{entries}")
    check(alice.set_acls("/acl", acl[:1], version=0).aversion == 1, "setACL")
    refused(NoAuthError, zk.get, "/acl")
    zk.add_auth("digest", "alice:pw")
    check(zk.get("/acl")[0] == b"secret", "after adding the password")
    alice.stop()
    alice.close()
    case("access control with digest")


def pipelining(zk):
    zk.create("/p")
    writes = [zk.create_async(f"/p/{i:04d}", str(i).encode()) for i in range(500)]
    check([w.get(timeout=WAIT_S) for w in writes] == [f"/p/{i:04d}" for i in range(500)], "replies in order")
    reads = [zk.get_async(f"/p/{i:04d}") for i in range(500)]
    check(all(r.get(timeout=WAIT_S)[0] == str(i).encode() for i, r in enumerate(reads)), "every value")
    case("1000 requests without waiting")


def recipes(zk, other, round_name):
    base = f"/recipes-{round_name}"
    lock, rival = zk.Lock(f"{base}/lock", "one"), other.Lock(f"{base}/lock", "two")
    with lock:
        check(not rival.acquire(blocking=False) and lock.contenders() == ["one"], "the lock is held")
    check(rival.acquire(timeout=WAIT_S), "the lock is free again")
    rival.release()
    won = []
    elections = [threading.Thread(target=z.Election(f"{base}/election", n).run, args=(won.append, n), daemon=True)
                 for z, n in ((zk, "one"), (other, "two"))]
    for thread in elections:
        thread.start()
    until(lambda: sorted(won) == ["one", "two"], f"both lead in turn: {won}")
    barrier = zk.Barrier(f"{base}/barrier")
    barrier.create()
    check(not other.Barrier(f"{base}/barrier").wait(0.05), "the barrier stands")
    barrier.remove()
    check(other.Barrier(f"{base}/barrier").wait(WAIT_S), "the barrier falls")
    passed = []
    double = [z.DoubleBarrier(f"{base}/double", 2) for z in (zk, other)]
    threads = [threading.Thread(target=lambda b=b: (b.enter(), passed.append(1), b.leave(), passed.append(2)), daemon=True) for b in double]
    for thread in threads:
        thread.start()
    until(lambda: sorted(passed) == [1, 1, 2, 2], f"both through the double barrier: {passed}")
    queue = zk.Queue(f"{base}/queue")
    queue.put(b"second")
    queue.put(b"first", priority=10)
    check([other.Queue(f"{base}/queue").get() for _ in range(2)] == [b"first", b"second"], "queue by priority")
    locking = zk.LockingQueue(f"{base}/locking")
    locking.put_all([b"a", b"b"])
    mine, theirs = zk.LockingQueue(f"{base}/locking"), other.LockingQueue(f"{base}/locking")
    check((mine.get(WAIT_S), theirs.get(WAIT_S)) == (b"a", b"b") and mine.consume() and theirs.consume(), "locking queue")
    counter = zk.Counter(f"{base}/counter")
    counter += 5
    rival_counter = other.Counter(f"{base}/counter")
    rival_counter -= 2
    check(counter.value == 3, f"counter: {counter.value}")
    party = [z.Party(f"{base}/party", n) for z, n in ((zk, "one"), (other, "two"))]
    for member in party:
        member.join()
    check(sorted(party[0]) == ["one", "two"] and len(party[1]) == 2, "party")
    party[1].leave()
    check(list(party[0]) == ["one"], "one left the party")
    for name in ("Lock", "Election", "Barrier and DoubleBarrier", "Queue and LockingQueue", "Counter", "Party"):
        case(f"{name} {round_name} the kill")


def main():
    zk, other = client(), client()
    reads_and_writes(zk)
    watches(zk)
    ephemerals_and_sequences(zk)
    transactions(zk)
    access(zk)
    pipelining(zk)
    recipes(zk, other, "before")

    # Held across the kill: a session with its ephemeral and lock, watches that kazoo renews, a run of writes.
    session, states, seen, children = zk.client_id[0], [], [], []
    zk.add_listener(states.append)
    zk.create("/held", b"")
    zk.create("/held/ephemeral", b"mine", ephemeral=True)
    zk.DataWatch("/held", lambda data, stat: seen.append(data))
    zk.ChildrenWatch("/held", lambda names: children.append(sorted(names)))
    lock = zk.Lock("/held-lock", "holder")
    lock.acquire()
    zk.create("/counted")
    stop, acknowledged = threading.Event(), []

    def write():
        number = 0
        while not stop.is_set():
            zk.retry(zk.set, "/counted", str(number).encode())
            acknowledged.append(number)
            number += 1

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    until(lambda: len(acknowledged) > 20, "writes before the kill")
    print("READY", flush=True)
    check(sys.stdin.readline().strip() == "GO", "the word to go on")
    before = len(acknowledged)
    until(lambda: len(acknowledged) > before + 20, "writes after the kill")
    stop.set()
    writer.join(WAIT_S)
    check(int(zk.get("/counted")[0]) == acknowledged[-1], "the last acknowledged write is there")
    check(KazooState.SUSPENDED in states and KazooState.LOST not in states, f"{states}")
    check(zk.client_id[0] == session, "the same session")
    case("the session and its writes survive the kill of the master")
    check(zk.get("/held/ephemeral")[1].ephemeralOwner == session, "the ephemeral is kept")
    check(not other.Lock("/held-lock", "rival").acquire(blocking=False), "the lock is still held")
    lock.release()
    case("ephemeral and lock survive the kill")
    other.retry(other.set, "/held", b"new")
    other.retry(other.create, "/held/later")
    until(lambda: seen[-1] == b"new" and children[-1] == ["ephemeral", "later"], f"renewing watches: {seen} {children}")
    case("watches survive the kill")
    recipes(zk, other, "after")
    for z in (zk, other):
        z.stop()
        z.close()


try:
    main()
except BaseException as e:  # noqa: B902 the test program's last word
    print(f"FAILED {type(e).__name__}: {e} (after {done[-1:] or 'nothing'})", flush=True)
    raise
