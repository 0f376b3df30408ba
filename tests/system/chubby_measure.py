#!/usr/bin/python3
"""What many sessions with the lock service cost one replica, and how long a file takes to change that many have cached.

    chubby_measure.py [--sessions 10000] [--caching 5000] [--seconds 30] [--changes 10]

Sessions have the default lease and do nothing but KeepAlives. CPU is that of the server's process, from /proc; the crowd runs
on the same machine, so the times are those of both.
"""
import argparse
import os
import pathlib
import re
import resource
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
    with Program([cell.binary.parent / "chubby_measure", cell.chubby_hosts(), args.sessions, args.caching], dict(os.environ)) as crowd:
        opened = crowd.until("^(opened|FAILED)", 300)[-1]
        if not opened.startswith("opened"):
            raise Failed(opened)
        opening_ms = int(opened.split()[1])
        opening_cpu = cpu_s(pid) - opening_cpu
        time.sleep(2)
        began, cpu = time.monotonic(), cpu_s(pid)
        time.sleep(args.seconds)
        share = (cpu_s(pid) - cpu) / (time.monotonic() - began)
        kib = cell.memory_kib(1) - before_kib
        print(f"{args.sessions} sessions: opened in {opening_ms} ms with {opening_cpu:.1f} s of CPU; idle they take {100 * share:.1f} % of a core, "
              f"{kib / 1024:.0f} MiB, {kib / args.sessions:.1f} KiB each")
        changed, read = [], []
        for _ in range(args.changes):
            crowd.say("change")
            line = crowd.until("^(changed|FAILED)", 60)[-1]
            found = re.match(r"changed (\d+) us, read by all after (\d+) us, cached before by (\d+), troubled (\d+), expired (\d+)", line)
            if not found or int(found[3]) != args.caching or int(found[4]) or int(found[5]):
                raise Failed(line)
            changed.append(int(found[1]) / 1000)
            read.append(int(found[2]) / 1000)
        print(f"a file cached by {args.caching}: changed in {min(changed):.0f} to {max(changed):.0f} ms, median "
              f"{statistics.median(changed):.0f} ms; read again by all after a median of {statistics.median(read):.0f} ms")
        crowd.finish()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=10000)
    parser.add_argument("--caching", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--changes", type=int, default=10)
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with Cell(replicas=1) as cell:
        cell.start()
        wait_for(lambda: cell.mode(1) == "standalone", 30, "the replica serving")
        try:
            measure(cell, args)
        except (Failed, EnsembleError) as e:
            print(f"FAILED: {e}\n{cell.describe()}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
