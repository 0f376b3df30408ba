#!/usr/bin/python3
"""Counts test cases of one ctest run: prints "PASSED FAILED SKIPPED".

Input: a folder with ctest.junit (one entry per test program) and the XML file that each GoogleTest program wrote there.
A program whose XML is missing counts as one test: a plain program that passed or failed, or a crash. A program that failed
although all its cases passed (a sanitizer report at exit, a time-out) counts one failure more.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def count_cases(xml_file):
    """(passed, failed, skipped) of one GoogleTest XML file, or None if it is not one."""
    try:
        root = ElementTree.parse(xml_file).getroot()
    except (ElementTree.ParseError, OSError):
        return None
    passed = failed = skipped = 0
    for case in root.iter("testcase"):
        if case.get("status") == "notrun":
            continue  # filtered out or disabled
        if case.find("failure") is not None:
            failed += 1
        elif case.get("result") == "skipped" or case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def count(folder):
    folder = Path(folder)
    passed = failed = skipped = 0
    for entry in ElementTree.parse(folder / "ctest.junit").getroot().iter("testcase"):
        status = entry.get("status")
        if status in ("disabled", "notrun") and entry.find("failure") is None:
            skipped += 1
            continue
        ok = status == "run" and entry.find("failure") is None
        candidates = [folder / f"{entry.get('name')}_test.xml", folder / f"{entry.get('name')}.xml"]
        cases = next((c for c in map(count_cases, candidates) if c is not None), None)
        if cases is None:
            cases = (1, 0, 0) if ok else (0, 1, 0)
        elif not ok and cases[1] == 0:
            cases = (cases[0], 1, cases[2])
        passed, failed, skipped = passed + cases[0], failed + cases[1], skipped + cases[2]
    return passed, failed, skipped


if __name__ == "__main__":
    print(*count(sys.argv[1]))
