#!/usr/bin/python3
"""The simulator against the planted bugs: each must be found within its bound of seeds.

usage: hunt_plants.py PROGRAM [--jobs N] [--only NAME] [--measure SEEDS] [--escapes]

PROGRAM is conclave_planted. tools/plant_hunt.toml has the bounds, and for each bug that the simulator is not asked to
find the reason. A bug that few seeds find may name one of them (`near`). --measure runs every bug over so many seeds and prints how many it took, to choose bounds by.
--escapes shows what the checkers are for: it stops listening to the one that found a bug, hunts again, and so on, until
the bug escapes. Closes with `N passed, M failed`.
"""

import argparse
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import plants

HUNT = Path(__file__).resolve().parent / "plant_hunt.toml"
FOUND = re.compile(r"^seed (\d+): (.+)$", re.MULTILINE)
WHY = re.compile(r"^  (\S[^\n]*)$", re.MULTILINE)
SECONDS_MAX = 600
NEAR = 20  # seeds


def hunt(program, name, seeds, jobs, row, without=()):
    """(seed that found it or None, what it said). Where it was found last is looked at first."""
    if near := row.get("near"):
        seed, said = hunt_in(program, name, f"{max(1, near - NEAR)}..{near + NEAR}", jobs, row, without)
        if seed is not None:
            return seed, said
    return hunt_in(program, name, f"1..{seeds}", jobs, row, without)


def hunt_in(program, name, seeds, jobs, row, without):
    command = [program, "sim", "--engine", row.get("engine", "paxos"), "--profile", row.get("profile", "swarm"), "--seeds", seeds,
               "--safety", row.get("safety", "60s"), "--jobs", str(jobs), "--failures-max", "1",
               "--no-shrink", "--failures", "build/sim/planted", *(["--without", ",".join(without)] if without else [])]
    run = subprocess.run(command, env={**os.environ, "CONCLAVE_PLANT": name}, capture_output=True, text=True,
                         errors="replace", timeout=SECONDS_MAX, check=False)
    found = FOUND.search(run.stdout)
    if run.returncode == 0 or not found:
        return None, f"exit code {run.returncode} {run.stderr[-300:]}"
    why = WHY.search(run.stdout, found.end())
    return int(found.group(1)), f"{found.group(2)}; {why.group(1)[:140] if why else ''}"


def escape(program, name, seeds, jobs, row):
    """The checkers that find the bug, each when those before it are not listened to; and what still does in the end."""
    finders = []
    while True:
        seed, said = hunt(program, name, seeds, jobs, row, finders)
        if seed is None:
            return finders, "escapes"
        checker = re.search(r"; ([a-z]+): ", said)
        if not checker or checker.group(1) == "process":
            return finders, "the replica stops itself"
        finders.append(checker.group(1))


def check_table(table, names):
    """Every bug has a bound or a reason, and nothing else is in the table."""
    errors = [f"{name}: neither a bound nor a reason in {HUNT.name}" for name in names if name not in table]
    errors += [f"{name}: is no planted bug" for name in table if name not in names]
    errors += [f"{name}: needs either seeds or why" for name, row in table.items() if ("seeds" in row) == ("why" in row)]
    return errors


def rows_of(row):
    """One for each engine."""
    return [{**row, "engine": engine} for engine in row.get("engines", ["paxos"])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only")
    parser.add_argument("--measure", type=int)
    parser.add_argument("--escapes", action="store_true")
    arguments = parser.parse_args()
    names = [bug.name for bug in plants.catalogue(Path(__file__).resolve().parent.parent)]
    table = tomllib.loads(HUNT.read_text(encoding="utf-8"))
    passed = failed = 0
    for error in [] if arguments.measure else check_table(table, names):
        print(f"error: {error}")
        failed += 1
    for name, row in ((name, row) for name in names for row in rows_of(table.get(name, {}))):
        if arguments.only not in (None, name) or ("seeds" not in row and not arguments.measure):
            continue
        seeds = arguments.measure or row["seeds"]
        name_shown = name if row["engine"] == "paxos" else f"{name} ({row['engine']})"
        if arguments.escapes:
            finders, end = escape(arguments.program, name, seeds, arguments.jobs, row)
            print(f"{name_shown}: found by {', then '.join(finders) or 'no checker'}; without: {end}", flush=True)
            found = bool(finders) or end != "escapes"
            passed += found
            failed += not found
            continue
        seed, said = hunt(arguments.program, name, seeds, arguments.jobs, row)
        if seed is None:
            failed += 1
            print(f"{name_shown}: not found within {seeds} seeds ({said.strip()})", flush=True)
        else:
            passed += 1
            print(f"{name_shown}: found by seed {seed}: {said}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
