#!/usr/bin/python3
"""The planted bugs (src/base/plant.h): that they are where they should be, and which unit tests notice them.

usage: plants.py check [ROOT]              the catalogue, the sites, CMake and docs/planted-bugs.md agree
       plants.py absent PROGRAM CONTROL    PROGRAM contains nothing of them; CONTROL, which holds the catalogue, does
       plants.py try BUILD [NAME...]       runs every planted unit test program under each bug; prints which tests fail
       plants.py verify BUILD [ROOT]       the tests that docs/planted-bugs.md names fail with their bug on, pass without
       plants.py scenarios PROGRAM [ROOT]  each file of tests/scenarios fails with the bugs on that its header names;
                                           PROGRAM is conclave with all of them

What `check` holds:
1. A site names a bug of the catalogue, every bug has a site in the source that the catalogue names.
2. Only sources include base/plant.h, no header and no test does, and exactly those that their module has under PLANTED.
3. Nothing but base/plant.h looks at CONCLAVE_PLANTS.
4. The table of docs/planted-bugs.md has the catalogue's rows, in its order.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

CATALOGUE = "src/base/plant/catalogue.h"
PAGE = "docs/planted-bugs.md"
ROW = re.compile(r'X\(\s*(\w+),\s*"([^"]*)",\s*"([^"]*)",\s*"([^"]*)",\s*"([^"]*)"\s*\)')
SITE = re.compile(r"\bCONCLAVE_PLANT\((\w+)\)")
INCLUDE = re.compile(r'^#include "base/plant\.h"', re.MULTILINE)
MODULE = re.compile(r"conclave_module\(([^)]*)\)", re.DOTALL)
TWINS = re.compile(r"Planted twins?: ([^.]*)\.")
FAILED = re.compile(r"^\[  FAILED  \] (\S+\.\S+?)(?:, where .*)?(?: \(\d+ ms\))?$", re.MULTILINE)
TEST_SECONDS_MAX = 300


class Bug(NamedTuple):
    name: str
    bug: str
    source: str
    what: str
    caught_by: str


def read(path):
    return path.read_text(encoding="utf-8")


def catalogue(root):
    text = read(root / CATALOGUE).replace("\\\n", "")
    return [Bug(*row) for row in ROW.findall(text)]


def page_rows(root):
    """(Bug, tests that notice it) for each row of the page."""
    rows = []
    for line in read(root / PAGE).splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 6 and re.fullmatch(r"`\w+`", cells[0]):
            tests = re.findall(r"`([^`]+)`", cells[5])
            rows.append((Bug(cells[0].strip("`"), cells[1], cells[2].strip("`"), cells[3], cells[4]), tests))
    return rows


# --- check

def declared(root):
    """The sources under PLANTED of any conclave_module, as paths below src/."""
    found = set()
    for path in (root / "src").rglob("CMakeLists.txt"):
        for call in MODULE.findall(read(path)):
            words = call.split()
            if "PLANTED" not in words:
                continue
            for word in words[words.index("PLANTED") + 1:]:
                if word.isupper():
                    break
                found.add(f"{words[0]}/{word}")
    return found


def check(root):
    errors = []
    bugs = catalogue(root)
    names = {bug.name for bug in bugs}
    if not bugs:
        errors.append(f"{CATALOGUE}: no planted bug was found in it")
    sites, including = {}, set()
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".cc", ".h") or not path.is_file():
            continue
        name = path.relative_to(root / "src").as_posix()
        if name == "base/plant.h" or name.startswith("base/plant/"):
            continue
        text = read(path)
        if re.search(r"\bCONCLAVE_PLANTS\b", text):
            errors.append(f"src/{name}: only base/plant.h may look at CONCLAVE_PLANTS")
        if INCLUDE.search(text):
            including.add(name)
            if path.suffix == ".h" or name.endswith("_test.cc"):
                errors.append(f"src/{name}: no header and no test may include base/plant.h")
        for site in SITE.findall(text):
            sites.setdefault(site, set()).add(name)
            if site not in names:
                errors.append(f"src/{name}: {site} is not in {CATALOGUE}")
    for bug in bugs:
        if bug.source not in sites.get(bug.name, ()):
            errors.append(f"{CATALOGUE}: {bug.name} has no site in src/{bug.source}")
    for name in sorted(including - declared(root)):
        errors.append(f"src/{name}: includes base/plant.h, but its module does not have it under PLANTED")
    for name in sorted(declared(root) - including):
        errors.append(f"src/{name}: stands under PLANTED and does not include base/plant.h")
    if [bug for bug, _ in page_rows(root)] != bugs:
        for bug in bugs:
            if bug not in [row for row, _ in page_rows(root)]:
                errors.append(f"{PAGE}: has no row that says what the catalogue says of {bug.name}")
        errors.append(f"{PAGE}: the table is not that of {CATALOGUE}")
    return errors


# --- absent

def traces(program, names):
    """What a program holds of planted bugs: their names, their symbols, the variable that selects one."""
    data = Path(program).read_bytes()
    markers = [name.encode() for name in names] + [b"conclave5plant", b"CONCLAVE_PLANT"]
    return {marker.decode() for marker in markers if marker in data}


def absent(program, control, names):
    errors = [f"{program}: holds {trace}" for trace in sorted(traces(program, names))]
    missing = set(names) - traces(control, names)
    if missing:
        errors.append(f"{control}: should hold every planted bug and lacks {', '.join(sorted(missing))}")
    return errors


# --- try, verify

def programs(build):
    found = sorted(Path(build).rglob("planted_*_test"))
    if not found:
        sys.exit(f"{build}: no planted test program was built (ninja planted_tests)")
    return found


def failures(program, bug, tests=()):
    """The tests of `program` that fail under `bug`; "crash" and "hang" are failures too."""
    command = [program] + ([f"--gtest_filter={':'.join(tests)}"] if tests else [])
    environment = {**os.environ, "CONCLAVE_PLANT": bug, "GTEST_COLOR": "no"}
    try:
        run = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace",
                             timeout=TEST_SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return ["hang"]
    failed = list(dict.fromkeys(FAILED.findall(run.stdout)))
    if run.returncode != 0 and not failed:
        running = re.findall(r"^\[ RUN      \] (\S+)", run.stdout, re.MULTILINE)
        return [running[-1] if running else "crash"]
    return failed


def try_all(root, build, wanted):
    for program in programs(build):
        if failed := failures(program, ""):
            sys.exit(f"{program.name}: fails without any bug on: {', '.join(failed)}")
    unseen = []
    for bug in catalogue(root):
        if wanted and bug.name not in wanted:
            continue
        found = [test for program in programs(build) for test in failures(program, bug.name)]
        print(f"{bug.name}: {' '.join(f'`{test}`' for test in found) or 'none'}", flush=True)
        if not found:
            unseen.append(bug.name)
    print(f"{len(unseen)} bugs are noticed by no unit test: {', '.join(unseen) or 'none'}")
    return 0


def verify(root, build):
    errors, shown = [], 0
    owner = {}
    for program in programs(build):
        listing = subprocess.run([program, "--gtest_list_tests"], capture_output=True, text=True, check=True).stdout
        suite = ""
        for line in listing.splitlines():
            word = line.split("#")[0].strip()
            if line.startswith("  "):
                owner[suite + word] = program
            else:
                suite = word
    for bug, tests in page_rows(root):
        for test in tests:
            if test not in owner:
                errors.append(f"{PAGE}: {bug.name} names {test}, which no planted test program has")
            elif failures(owner[test], "", [test]):
                errors.append(f"{test}: fails without any bug on")
            elif not failures(owner[test], bug.name, [test]):
                errors.append(f"{test}: does not notice {bug.name}")
            else:
                shown += 1
    print(f"planted bugs: {shown} tests notice what {PAGE} says they do")
    return errors


def twins(scenario):
    """The bugs that the header of a scenario says it notices."""
    header = []
    for line in read(scenario).splitlines():
        if not line.startswith("#"):
            break
        header.append(line.lstrip("# "))
    return [name for said in TWINS.findall(" ".join(header)) for name in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", said)]


def scenarios(root, program):
    errors, shown = [], 0
    known = {bug.name for bug in catalogue(root)}
    for scenario in sorted((root / "tests/scenarios").rglob("*.txt")):
        name = scenario.relative_to(root).as_posix()
        for bug in twins(scenario):
            if bug not in known:
                errors.append(f"{name}: names {bug}, which is not in the catalogue")
                continue
            environment = {**os.environ, "CONCLAVE_PLANT": bug}
            run = subprocess.run([program, "scenario", scenario], env=environment, capture_output=True, check=False,
                                 timeout=TEST_SECONDS_MAX)
            if run.returncode in (0, 2):
                errors.append(f"{name}: does not notice {bug}")
            else:
                shown += 1
    print(f"planted bugs: noticed {shown} times by scenarios that say so")
    return errors


def main(argv):
    here = Path(__file__).resolve().parent.parent
    what, rest = (argv[1], argv[2:]) if len(argv) > 1 else ("", [])
    if what == "try" and rest:
        return try_all(here, rest[0], rest[1:])
    if what == "check":
        errors = check(Path(rest[0]).resolve() if rest else here)
    elif what == "absent" and len(rest) == 2:
        errors = absent(*rest, [bug.name for bug in catalogue(here)])
    elif what == "verify" and rest:
        errors = verify(Path(rest[1]).resolve() if len(rest) > 1 else here, rest[0])
    elif what == "scenarios" and rest:
        errors = scenarios(Path(rest[1]).resolve() if len(rest) > 1 else here, rest[0])
    else:
        sys.exit(__doc__)
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    print(f"planted bugs: {'ok' if not errors else f'{len(errors)} errors'}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
