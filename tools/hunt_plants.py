#!/usr/bin/python3
"""The simulator against the planted bugs: each must be found within its bound of seeds.

usage: hunt_plants.py PROGRAM [--jobs N] [--only NAME] [--measure SEEDS]

PROGRAM is conclave_planted. tools/plant_hunt.toml has the bounds, and for each bug that the simulator is not asked to
find the reason. --measure runs every bug over so many seeds and prints how many it took, to choose bounds by.
Closes with `N passed, M failed`.
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


def hunt(program, name, seeds, jobs, safety):
    """(seed that found it or None, what it said)"""
    command = [program, "sim", "--seeds", f"1..{seeds}", "--safety", safety, "--jobs", str(jobs), "--failures-max", "1",
               "--no-shrink", "--failures", "build/sim/planted"]
    run = subprocess.run(command, env={**os.environ, "CONCLAVE_PLANT": name}, capture_output=True, text=True,
                         errors="replace", timeout=SECONDS_MAX, check=False)
    found = FOUND.search(run.stdout)
    if run.returncode == 0 or not found:
        return None, f"exit code {run.returncode} {run.stderr[-300:]}"
    why = WHY.search(run.stdout, found.end())
    return int(found.group(1)), f"{found.group(2)}; {why.group(1)[:140] if why else ''}"


def check_table(table, names):
    """Every bug has a bound or a reason, and nothing else is in the table."""
    errors = [f"{name}: neither a bound nor a reason in {HUNT.name}" for name in names if name not in table]
    errors += [f"{name}: is no planted bug" for name in table if name not in names]
    errors += [f"{name}: needs either seeds or why" for name, row in table.items() if ("seeds" in row) == ("why" in row)]
    return errors


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only")
    parser.add_argument("--measure", type=int)
    arguments = parser.parse_args()
    names = [bug.name for bug in plants.catalogue(Path(__file__).resolve().parent.parent)]
    table = tomllib.loads(HUNT.read_text(encoding="utf-8"))
    passed = failed = 0
    for error in [] if arguments.measure else check_table(table, names):
        print(f"error: {error}")
        failed += 1
    for name in names:
        row = table.get(name, {})
        if arguments.only not in (None, name) or ("seeds" not in row and not arguments.measure):
            continue
        seeds = arguments.measure or row["seeds"]
        seed, said = hunt(arguments.program, name, seeds, arguments.jobs, row.get("safety", "60s"))
        if seed is None:
            failed += 1
            print(f"{name}: not found within {seeds} seeds ({said.strip()})", flush=True)
        else:
            passed += 1
            print(f"{name}: found by seed {seed}: {said}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
