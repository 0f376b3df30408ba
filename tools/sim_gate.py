#!/usr/bin/python3
"""Holds the figures of a simulation against what a run of the tests must reach.

usage: sim_gate.py FIGURES.json STANDARD.json LOCKS.json RAFT.json

All are what `conclave sim --json` writes, the second with `--profile standard`, whose speed is looked at, the third
with `--profile locks`, the fourth with `--engine raft`. Prints every figure that falls short, and exits with 1 if one
does.
"""

import json
import sys
from pathlib import Path

AT_LEAST = {
    "seeds": 600,
    "simulated_hours": 20,
    "fault_kinds": 14,
    "linear_checked": 200_000,
    "order_blind_checked": 20_000,
    "watch_events": 20_000,
    "recoveries": 5_000,
}
# Of cells of Raft, a fifth as many seeds: as much of everything for each.
AT_LEAST_RAFT = {
    "seeds": 150,
    "simulated_hours": 5,
    "fault_kinds": 14,
    "linear_checked": 50_000,
    "order_blind_checked": 5_000,
    "watch_events": 5_000,
    "recoveries": 1_250,
    "masters": 750,
}
AT_LEAST_LOCKS = {
    "fail_overs_seen": 1_000,
    "datagram_leases": 100,
    "killed_at_least_at_each_step": 1,
    "grants": 5_000,
    "files_judged": 1_000_000,
    "cached_reads": 100_000,
    "guarded_writes": 3_000,
}
AT_MOST = {"failed": 0}
REPEATED_SHARE_MIN = 0.1
SIMULATED_PER_CORE_SECOND_MIN = 100


def short_falls(figures, at_least=AT_LEAST):
    """What is missing, in words; empty when all is well."""
    found = []
    for name, bound in at_least.items():
        if figures[name] < bound:
            found.append(f"{name}: {figures[name]}, at least {bound} wanted")
    for name, bound in AT_MOST.items():
        if figures[name] > bound:
            found.append(f"{name}: {figures[name]}, at most {bound} wanted")
    if figures["repeated"] < figures["seeds"] * REPEATED_SHARE_MIN:
        found.append(f"repeated: {figures['repeated']} of {figures['seeds']} seeds, at least a tenth wanted")
    return found


def too_slow(standard):
    """Of the profile `standard`: failed seeds, and a speed that is too low; empty when all is well."""
    speed = standard["simulated_hours"] * 3600 / max(standard["core_seconds"], 0.1)
    found = [f"profile standard: {standard['failed']} failed"] if standard["failed"] else []
    if speed < SIMULATED_PER_CORE_SECOND_MIN:
        found.append(f"{speed:.0f} simulated seconds a core-second, at least {SIMULATED_PER_CORE_SECOND_MIN} wanted")
    return found


def main():
    if len(sys.argv) != 5:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    swarm, standard, locks, raft = (json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:])
    found = short_falls(swarm) + too_slow(standard)
    found += [f"profile locks: {line}" for line in short_falls(locks, AT_LEAST_LOCKS)]
    found += [f"engine raft: {line}" for line in short_falls(raft, AT_LEAST_RAFT)]
    for line in found:
        print(f"simulation: {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
