#!/usr/bin/python3
"""Sends the same random operations to Conclave and to Apache ZooKeeper 3.8.0 and compares everything they answer.

    differential_test.py [--operations 5000] [--seed N] [--replicas 3] [--against zookeeper|conclave]

The script follows from seed and number of operations: a shorter run with the same seed is a prefix of a longer one. Prints counts per
operation and error, each kind of difference with its first example, and the shortest prefix that shows a difference.
README.md explains how.
"""
import argparse
import os
import pathlib
import random
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import compare  # noqa: E402
from cell import EnsembleError, ensemble, wait_for  # noqa: E402
from runner import Runner  # noqa: E402
from script import SUPER_PASSWORD, digest, make_script  # noqa: E402

CONTAINER_CHECK_MS = 86_400_000  # containers that emptied must not go by the clock in the middle of the run
JAVA = ["-Xmx192m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Dznode.container.checkIntervalMs={CONTAINER_CHECK_MS}"]


def record(kind, steps, replicas):
    """Runs the script against a fresh ensemble. Returns (trace, labels, seconds)."""
    settings = {
        "DigestAuthenticationProvider.superDigest": digest(SUPER_PASSWORD),
        "extendedTypesEnabled": "true",
        "snapCount": 1000,
    }
    options = {"java_options": JAVA} if kind == "zookeeper" else {}
    if kind == "conclave":
        settings["znode.container.checkIntervalMs"] = CONTAINER_CHECK_MS
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # not a test of durability: no waiting for disks
    with ensemble(kind, replicas=replicas, settings=settings, directory=memory, **options) as servers:
        servers.start()
        wait_for(lambda: all(servers.mode(n) for n in servers.replicas), 120, servers.describe, 0.1)  # or "standalone"
        runner = Runner(servers, steps)
        began = time.monotonic()
        trace = runner.run()
        seconds = time.monotonic() - began
    labels = compare.Labels(trace, runner.sessions, time.time() * 1000)
    if kind == "conclave" and runner.weak_syncs:
        labels.breaches.append(f"{runner.weak_syncs} times a sync did not show a write that was acknowledged before it")
    return trace, labels, seconds


def print_coverage(traces):
    counts = [compare.coverage(trace) for trace in traces]
    print("answers per operation (Conclave's; ZooKeeper's in brackets where they differ):")
    for operation in sorted(set().union(*counts)):
        ours, theirs = (c.get(operation, {}) for c in counts)
        cells = []
        for error in sorted(set(ours) | set(theirs), key=lambda e: (e != "ok", e)):
            a, b = ours.get(error, 0), theirs.get(error, 0)
            cells.append(f"{error} {a}" + (f" [{b}]" if a != b else ""))
        print(f"  {operation:<24}{sum(ours.values()):>6}  {', '.join(cells)}")


def print_difference(number, group, steps):
    first = group[0]
    print(f"\n--- {number}: {len(group)} step{'s' if len(group) > 1 else ''} like step {first.entry.step} ({first.entry.operation})")
    print(f"  {first.entry.text[:600]}")
    for ours, theirs in zip(*padded(first.conclave, first.zookeeper)):
        if ours == theirs:
            print(f"    both       {ours[:300]}")
        else:
            print(f"    zookeeper  {theirs[:500]}\n    conclave   {ours[:500]}")


def padded(a, b):
    size = max(len(a), len(b))
    return a + ["nothing"] * (size - len(a)), b + ["nothing"] * (size - len(b))


def print_prefix(first, steps, seed):
    """How to see the first difference again, and the earlier steps that touched what it touches."""
    number = min(max(first.entry.step, 0), len(steps) - 1)
    operations = sum(step.count for step in steps[: number + 1])
    print(f"\nshortest prefix: --seed {seed} --operations {operations} (its last step is {number})")
    values = steps[number].values
    path = values.get("path") or ""
    if path and path != "/":
        related = [n for n, step in enumerate(steps[:number]) if repr(path)[1:-1] in str(step)]
        for n in related[-8:]:
            print(f"  step {n}: {str(steps[n])[:200]}")


def summarise(args, steps, ours, theirs):
    rules = compare.load_rules()
    differences, accepted = compare.compare(ours[:2], theirs[:2], rules)
    print_coverage([ours[0], theirs[0]])
    breaches = [f"conclave: {b}" for b in ours[1].breaches] + [f"zookeeper: {b}" for b in theirs[1].breaches]
    groups = {}
    for difference in differences:
        groups.setdefault(difference.kind, []).append(difference)
    print(f"\n{len(ours[0])} steps compared, {len(differences)} differ in {len(groups)} ways, {accepted} differ as accepted")
    for rule in rules:
        print(f"  accepted {rule.used:>5}: {rule.name}")
    for number, group in enumerate(list(groups.values())[: args.show], 1):
        print_difference(number, group, steps)
    for breach in breaches[:10]:
        print(f"BREACH: {breach}")
    if differences:
        print_prefix(differences[0], steps, args.seed)
    failed = len(differences) + len(breaches)
    operations = sum(step.count for step in steps)
    print(f"{operations} operations, seed {args.seed}; conclave {ours[2]:.1f} s, {args.against} {theirs[2]:.1f} s")
    print(f"{len(ours[0]) - len(differences)} passed, {failed} failed")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--conclave", default="conclave", choices=["conclave", "zookeeper"], help="zookeeper: the test of the test")
    parser.add_argument("--against", default="zookeeper", choices=["conclave", "zookeeper"])
    parser.add_argument("--against-replicas", type=int, default=1, help="more than one: see README.md")
    parser.add_argument("--show", type=int, default=15, help="kinds of differences to print")
    args = parser.parse_args()
    steps = make_script(args.seed, args.operations)
    theirs = record(args.against, steps, args.against_replicas or args.replicas)
    ours = record(args.conclave, steps, args.replicas)
    return summarise(args, steps, ours, theirs)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EnsembleError as e:
        print(f"FAILED: {e}\n0 passed, 1 failed")
        sys.exit(1)
