#!/usr/bin/python3
"""What many sessions with the lock service cost one replica, how long a file takes to change that many have cached, and what
share of reads the cache answers.

    chubby_measure.py [--sessions 10000] [--caching 5000] [--seconds 30] [--changes 10] [--readers 100] [--operations 500000]

Sessions have the default lease and do nothing but KeepAlives. CPU is that of the server's process, from /proc; the crowd runs
on the same machine, so the times are those of both.
"""
import argparse
import os
import pathlib
import re
import resource
import signal
import statistics
import sys
import time

from cell import Cell, EnsembleError, wait_for
from chubby_test import Failed, Program


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(cell, args):
    pid = cell.replicas[1].pid
    before_kib = cell.memory_kib(1)
    opening_cpu = cpu_s(pid)
    with program(cell, args.sessions, args.caching) as crowd:
        opening_ms = opened(crowd)
        opening_cpu = cpu_s(pid) - opening_cpu
        time.sleep(2)
        began, cpu = time.monotonic(), cpu_s(pid)
        time.sleep(args.seconds)
        share = (cpu_s(pid) - cpu) / (time.monotonic() - began)
        kib = cell.memory_kib(1) - before_kib
        print(f"{args.sessions} sessions: opened in {opening_ms} ms with {opening_cpu:.1f} s of CPU; idle they take {100 * share:.1f} % of a core, "
              f"{kib / 1024:.0f} MiB, {kib / args.sessions:.1f} KiB each")
        changes = [change(crowd, args.caching) for _ in range(args.changes)]
        changed, read, slowest = ([us / 1000 for us in column] for column in zip(*changes))
        print(f"a file cached by {args.caching}: changed in {min(changed):.0f} to {max(changed):.0f} ms, median "
              f"{statistics.median(changed):.0f} ms; read again by all after a median of {statistics.median(read):.0f} ms; slowest read "
              f"meanwhile {max(slowest):.1f} ms")
        measure_silence(cell, crowd, args.sessions, args.caching)
        crowd.finish()


CHANGED = re.compile(r"changed (\d+) us, read by all after (\d+) us, cached before by (\d+), troubled (\d+), expired (\d+), slowest read "
                     r"meanwhile (\d+) us")


def change(crowd, caching):
    """(us until the change was made, us until all had read it, us of the slowest read meanwhile)"""
    crowd.say("change")
    line = crowd.until("^(changed|FAILED)", 60)[-1]
    found = CHANGED.match(line)
    if not found or int(found[3]) != caching or int(found[4]) or int(found[5]):
        raise Failed(line)
    return int(found[1]), int(found[2]), int(found[6])


def program(cell, *arguments):
    return Program([cell.binary.parent / "chubby_measure", cell.chubby_hosts(), *arguments], dict(os.environ))


def opened(crowd):
    line = crowd.until("^(opened|FAILED)", 300)[-1]
    if not line.startswith("opened"):
        raise Failed(line)
    return int(line.split()[1])


def measure_silence(cell, crowd, sessions, caching):
    """One more who cached the file and then stands still: its lease is what the change waits for."""
    lease_s = min(60, max(12, 12 * sessions / 5000))  # beside so many
    with program(cell, 1, 1) as silent:
        opened(silent)
        os.kill(silent.process.pid, signal.SIGSTOP)
        try:
            changed, _, slowest = change(crowd, caching)
        finally:
            os.kill(silent.process.pid, signal.SIGCONT)
        silent.finish()
    print(f"the same with one more who is silent: changed in {changed / 1e6:.1f} s (its lease has {lease_s:.0f} s); slowest read meanwhile {slowest / 1000:.1f} ms")


def measure_cache(cell, args):
    """Reads from the cache, and the messages of the same operations with and without one."""
    messages = {}
    for kind in ([], ["no-cache"]):
        with program(cell, args.readers, args.readers, *kind) as readers:
            opened(readers)
            operations = args.operations // (10 if kind else 1)
            readers.say(f"mix {operations} {args.write_every}")
            line = readers.until("^(mixed|FAILED)", 300)[-1]
            found = re.match(r"mixed: (\d+) reads, (\d+) from the cache, (\d+) writes, (\d+) messages, (\d+) ms", line)
            if not found:
                raise Failed(line)
            reads, hits, writes, sent, ms = (int(x) for x in found.groups())
            messages[bool(kind)] = sent / (reads + writes)
            print(f"{args.readers} clients, 10 files, {'no cache' if kind else 'cached'}: {reads} reads, {100 * hits / reads:.1f} % from the cache, "
                  f"{writes} writes, {sent / (reads + writes):.3f} messages an operation, {1000 * (reads + writes) / max(ms, 1):.0f} operations/s")
            readers.finish()
    print(f"the cache saves {100 * (1 - messages[False] / messages[True]):.1f} % of the messages, {messages[True] / messages[False]:.1f} to one")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=10000)
    parser.add_argument("--caching", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--changes", type=int, default=10)
    parser.add_argument("--readers", type=int, default=100)
    parser.add_argument("--operations", type=int, default=500000)
    parser.add_argument("--write-every", type=int, default=5000)
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Cell(replicas=1) as cell:
        cell.start()
        wait_for(lambda: cell.mode(1) == "standalone", 30, "the replica serving")
        try:
            measure(cell, args)
            measure_cache(cell, args)
        except (Failed, EnsembleError) as e:
            print(f"FAILED: {e}\n{cell.describe()}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
