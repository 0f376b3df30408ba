#!/usr/bin/python3
"""Checks that the documentation holds together.

usage: check_docs.py [ROOT]

1. Every relative link in a Markdown file leads to a file that exists.
2. Every requirement number cited in a source or page (PX-09, CH-38, B36 ...) is defined in docs/requirements/.
3. Every module of docs/layers.toml has its row in docs/architecture.md.
4. Every page of docs/adr is listed in its README.
5. The README of a module has at most 60 lines.
6. A block of code below `<!-- snippet: FILE#NAME -->` is the part of FILE (from the root) between the comments `[NAME]`
   and the next `[end]`, without its indentation. Inner marks are left out.
"""

import re
import sys
import textwrap
import tomllib
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
FAMILIES = "PX|RF|ZK|CH|RP|TP|GO|FD|RM|AM|CK|ML|DP|CA|BT|AP"
CITED = re.compile(rf"\b(?:{FAMILIES})-\d\d\b|(?<![\w#x-])B\d\d(?![\w-])")
DEFINED = re.compile(rf"^\| ((?:{FAMILIES})-\d\d|B\d\d) \|", re.MULTILINE)
SNIPPET = re.compile(r"^<!-- snippet: ([^#\s]+)#([\w-]+) -->$")
MARK = re.compile(r"^\s*// \[([\w-]+)\]$")
README_LINES_MAX = 60
SKIP = {"build", "node_modules", ".git", "__pycache__"}


def files(root, suffixes):
    for path in sorted(root.rglob("*")):
        if path.suffix in suffixes and path.is_file() and not SKIP & set(path.relative_to(root).parts):
            yield path


def snippet(source, name):
    """The lines of a marked part of a source; None if it has none of that name."""
    out, inside = [], False
    for line in source.splitlines():
        mark = MARK.match(line)
        if mark and inside and mark[1] == "end":
            return textwrap.dedent("\n".join(out)).strip("\n").splitlines()
        if mark:
            inside = inside or mark[1] == name
        elif inside:
            out.append(line)
    return None


def check_snippets(root, name, lines):
    """Errors of the snippets of one page."""
    errors = []
    for number, line in enumerate(lines, 1):
        found = SNIPPET.match(line)
        if not found:
            if line.startswith("<!-- snippet"):
                errors.append(f"{name}:{number}: not a snippet: write <!-- snippet: FILE#NAME -->")
            continue
        source = root / found[1]
        expected = snippet(source.read_text(encoding="utf-8"), found[2]) if source.is_file() else None
        if expected is None:
            errors.append(f"{name}:{number}: there is no part [{found[2]}] ... [end] in {found[1]}")
            continue
        block = lines[number:]
        end = block.index("```", 1) if block and block[0].startswith("```") and "```" in block[1:] else 0
        if block[1:end] != expected:
            errors.append(f"{name}:{number}: the code below is not [{found[2]}] of {found[1]}, which is\n" + "\n".join(expected))
    return errors


def check(root):
    root = Path(root).resolve()
    errors = []

    for path in files(root, {".md"}):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            for target in LINK.findall(line):
                if "://" not in target and not (path.parent / target).exists():
                    errors.append(f"{name}:{number}: link to {target}, which does not exist")
        errors += check_snippets(root, name, text.splitlines())
        if name.startswith("src/") and path.name == "README.md" and len(text.splitlines()) > README_LINES_MAX:
            errors.append(f"{name}: more than {README_LINES_MAX} lines")

    defined = set()
    for page in (root / "docs/requirements").glob("*.md"):
        defined |= set(DEFINED.findall(page.read_text(encoding="utf-8")))
    for path in files(root, {".md", ".h", ".cc", ".py", ".java", ".js", ".c"}):
        name = path.relative_to(root).as_posix()
        if not name.startswith(("src/", "docs/", "tests/")):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            for cited in CITED.findall(line):
                # In code a bug is cited in comments only; elsewhere B12 may be anything.
                if cited.startswith("B") and cited[1].isdigit() and path.suffix != ".md" and not re.search(r"//|#|\*", line):
                    continue
                if cited not in defined:
                    errors.append(f"{name}:{number}: {cited} is not defined in docs/requirements")

    architecture = (root / "docs/architecture.md").read_text(encoding="utf-8")
    for module in tomllib.loads((root / "docs/layers.toml").read_text(encoding="utf-8")):
        if not re.search(rf"^\|[^|]*\|[^|]*`{re.escape(module)}`", architecture, re.MULTILINE):
            errors.append(f"docs/architecture.md: the layer table has no row for {module}")

    index = (root / "docs/adr/README.md").read_text(encoding="utf-8")
    for page in sorted((root / "docs/adr").glob("[0-9]*.md")):
        if f"({page.name})" not in index:
            errors.append(f"docs/adr/README.md: does not list {page.name}")
    return errors


def main(argv):
    found = check(argv[1] if len(argv) > 1 else Path(__file__).resolve().parent.parent)
    for error in found:
        print(f"error: {error}", file=sys.stderr)
    print(f"docs: {'ok' if not found else f'{len(found)} errors'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
