#!/usr/bin/python3
"""Which test shows which requirement of the lock service: writes docs/requirements/chubby_tests.md.

usage: traceability.py [--check] [ROOT]

A test shows a number when its name (CH_38_...) or a comment in it (CH-38) says so; a comment above all tests counts for
the file. Ranges (CH-35 … CH-39) say what a file is about and count for nothing. A number without a test needs a reason
in docs/requirements/untested.toml.

With --check nothing is written. It fails, as does writing, when

1. the table is not the one that would be written;
2. a number has neither a test nor a reason;
3. a reason stands for a number that has a test, or for none that exists.
"""

import re
import sys
import tomllib
from pathlib import Path

STATEMENTS = "docs/requirements/chubby.md"
REASONS = "docs/requirements/untested.toml"
TABLE = "docs/requirements/chubby_tests.md"
STATEMENT_CHARACTERS = 60

STATEMENT = re.compile(r"^\| (CH-\d\d) \| (.*) \|$", re.MULTILINE)
RANGE = re.compile(r"CH-\d\d(?: …|\.\.\.) CH-\d\d")
CITED = re.compile(r"(?<![A-Za-z])CH[-_](\d\d)(?!\d)")
CPP_TEST = re.compile(r"^(?:TEST|TEST_F|TEST_P|TYPED_TEST)\((\w+), *(\w+)\)", re.MULTILINE)
PYTHON_TEST = re.compile(r"^ *def (test_\w+)\(", re.MULTILINE)
SUFFIXES = {".cc", ".h", ".py", ".java", ".js", ".c", ".scenario", ""}
NOT_SHOWN_BY = ("tests/fuzz/corpus/", "tests/plans/", "tools/traceability_test.py")


def test_files(root):
    for path in sorted((root / "src").rglob("*_test.cc")):
        yield path
    for folder, pattern in (("tests", "*"), ("tools", "*_test.py")):
        for path in sorted((root / folder).rglob(pattern)):
            name = path.relative_to(root).as_posix()
            if not path.is_file() or name.startswith(NOT_SHOWN_BY) or path.suffix not in SUFFIXES:
                continue
            if not {"node_modules", "__pycache__"} & set(path.parts):
                yield path


def tests_of(path, text):
    """The text of a file as (test, its part): the part above the first one belongs to the file, whose test is ''."""
    pattern = {".cc": CPP_TEST, ".py": PYTHON_TEST}.get(path.suffix)
    starts = list(pattern.finditer(text)) if pattern else []
    # a comment that stands right above a test belongs to it
    cuts = [text.rfind("\n\n", 0, match.start()) + 1 for match in starts]
    parts = [("", text[: cuts[0]] if cuts else text)]
    for match, begin, end in zip(starts, cuts, [*cuts[1:], len(text)]):
        parts.append((match[match.lastindex], text[begin:end]))
    return parts


def shown(root):
    """Number to {file: {tests}}."""
    out = {}
    for path in test_files(root):
        name = path.relative_to(root).as_posix()
        text = RANGE.sub("", path.read_text(encoding="utf-8", errors="replace"))
        for test, part in tests_of(path, text):
            for number in CITED.findall(part):
                out.setdefault(f"CH-{number}", {}).setdefault(name, set()).add(test)
    return out


def first_words(statement):
    if len(statement) <= STATEMENT_CHARACTERS:
        return statement
    cut = statement[:STATEMENT_CHARACTERS].rsplit(" ", 1)[0].rstrip(",;:")
    return cut.replace("*", "") + ("`" if cut.count("`") % 2 else "") + " …"  # a name that is cut is closed


def cell(files):
    parts = []
    for name, tests in sorted(files.items()):
        names = sorted(re.sub(r"^(?:CH_\d\d_)+", "", test) for test in tests if test)
        parts.append(f"`{name}`" + (": " + ", ".join(names) if names else ""))
    return "<br>".join(parts)


def make(root):
    """The table and what is wrong."""
    statements = STATEMENT.findall((root / STATEMENTS).read_text(encoding="utf-8"))
    reasons = tomllib.loads((root / REASONS).read_text(encoding="utf-8"))
    tests = shown(root)
    errors, rows = [], []
    for number, statement in statements:
        if number in tests:
            rows.append(f"| {number} | {first_words(statement)} | {cell(tests[number])} |")
        elif number in reasons:
            rows.append(f"| {number} | {first_words(statement)} | *none:* {reasons[number]} |")
        else:
            errors.append(f"{number} has no test, and {REASONS} no reason why")
        if number in tests and number in reasons:
            errors.append(f"{REASONS}: {number} has a test, and needs no reason")
    known = {number for number, _ in statements}
    errors += [f"{REASONS}: {number} is no requirement" for number in reasons if number not in known]
    head = [
        "# Chubby: requirements and their tests",
        "",
        f"Written by `tools/traceability.py` from [chubby.md](chubby.md), the tests and [untested.toml](untested.toml); do not",
        "edit. Names of tests are without their number.",
        "",
        "| number | statement | tests |",
        "| --- | --- | --- |",
    ]
    return "\n".join([*head, *rows]) + "\n", errors


def main(argv):
    arguments = [argument for argument in argv[1:] if argument != "--check"]
    root = Path(arguments[0] if arguments else Path(__file__).resolve().parent.parent).resolve()
    table, errors = make(root)
    path = root / TABLE
    if "--check" not in argv:
        path.write_text(table, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != table:
        errors.append(f"{TABLE} is out of date: run tools/traceability.py")
    for error in errors:
        print(f"error: {error}", file=sys.stderr)
    print(f"traceability: {'ok' if not errors else f'{len(errors)} errors'}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
