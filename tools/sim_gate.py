#!/usr/bin/python3
"""Holds the figures of a simulation against what a run of the tests must reach.

usage: sim_gate.py FOLDER

The folder has what `conclave sim --json` wrote: figures.json; raft.json with `--engine raft`; locks.json, members.json
and standard.json, whose speed is looked at, each with the `--profile` of its name; members-raft.json with both. Prints
every figure that falls short, and exits with 1 if one does.
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
AT_LEAST_MEMBERS = {
    "memberships": 5_000,
    "masters": 1_500,
    "fault_kinds": 14,
    "linear_checked": 50_000,
    "recoveries": 2_000,
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
    if len(sys.argv) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2

    def figures(name):
        return json.loads((Path(sys.argv[1]) / f"{name}.json").read_text(encoding="utf-8"))

    found = short_falls(figures("figures")) + too_slow(figures("standard"))
    found += [f"profile locks: {line}" for line in short_falls(figures("locks"), AT_LEAST_LOCKS)]
    found += [f"engine raft: {line}" for line in short_falls(figures("raft"), AT_LEAST_RAFT)]
    for name in ("members", "members-raft"):
        found += [f"profile {name}: {line}" for line in short_falls(figures(name), AT_LEAST_MEMBERS)]
    for line in found:
        print(f"simulation: {line}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
