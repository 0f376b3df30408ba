#!/usr/bin/python3
"""Prints line coverage per module from gcovr's JSON and fails when a gated folder is below the bound.

usage: coverage_gate.py --at-least PERCENT --gate FOLDER... -- coverage.json
"""

import argparse
import json
import sys
from collections import defaultdict


def module_of(path):
    """src/state/tree/tree.cc -> (state, state/tree)."""
    parts = path.split("/")[1:-1]
    return parts[0], "/".join(parts[:2])


def lines_by_folder(report):
    """({top folder: [covered, lines]}, {module: [covered, lines]}, {file: [covered, lines]})."""
    tops, modules, files = defaultdict(lambda: [0, 0]), defaultdict(lambda: [0, 0]), {}
    for entry in report["files"]:
        if not entry["file"].startswith("src/") or entry["file"].count("/") < 2:
            continue
        lines = [line for line in entry["lines"] if not line.get("gcovr/noncode") and not line.get("gcovr/excluded")]
        covered = sum(1 for line in lines if line["count"] > 0)
        files[entry["file"]] = [covered, len(lines)]
        top, module = module_of(entry["file"])
        for row in (tops[top], modules[module]):
            row[0] += covered
            row[1] += len(lines)
    return tops, modules, files


def percent(row):
    return 100.0 * row[0] / row[1] if row[1] else 100.0


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--at-least", type=float, required=True)
    parser.add_argument("--gate", nargs="+", required=True)
    parser.add_argument("report")
    options = parser.parse_args(argv)
    with open(options.report, encoding="utf-8") as file:
        tops, modules, files = lines_by_folder(json.load(file))

    print(f"{'module':<24} {'covered':>8} {'lines':>8} {'%':>7}")
    for module in sorted(modules):
        row = modules[module]
        print(f"{module:<24} {row[0]:>8} {row[1]:>8} {percent(row):>7.1f}")
    status = 0
    print()
    for folder in options.gate:
        if folder not in tops:
            print(f"{folder}/: FAILED, no line of it was measured")
            status = 1
            continue
        ok = percent(tops[folder]) >= options.at_least
        print(f"{folder}/: {percent(tops[folder]):.1f} % of {tops[folder][1]} lines, at least {options.at_least:g} % wanted: "
              f"{'ok' if ok else 'FAILED'}")
        if not ok:
            status = 1
            worst = sorted((f for f in files if f.startswith(f"src/{folder}/")), key=lambda f: files[f][0] - files[f][1])
            for file in worst[:5]:
                print(f"    {files[file][1] - files[file][0]:>5} lines not run in {file} ({percent(files[file]):.1f} %)")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
