#!/usr/bin/python3
"""Checks the sources against docs/layers.toml.

usage: check_layers.py [ROOT]

1. The table: a module may include only modules of a strictly lower layer; os only from app and
   client/blocking; sim/world only from app, sim/cluster, sim/scenario and sim/compare.
2. Every #include "..." under src/ names a file of its own module or of a module in its row, and of the modules under
   `only` just the headers listed there.
3. No module but os, client/blocking and app includes a header of the real world (clocks, threads, sockets, files,
   random devices): everything between must run in the simulator unchanged.
4. Every conclave_module(... DEPS ...) of CMake links modules of its row only.
5. No file has more than 600 lines (a warning above 500), and no text names a place on somebody's machine.
"""

import re
import sys
import tomllib
from pathlib import Path

LINES_MAX = 600
LINES_WARN = 500

# Tests (x_test.cc) and test helpers (testing*.h/.cc or a folder testing/) may look further than their module: at the
# simulated world, so that they run without real clocks, disks and sockets, and at what engines are tested with.
TEST_EXTRA = ["sim/world", "consensus/testing"]

# Who may include a plug, besides itself. "*" rows (app) always may.
PLUGS = {"os": ["client/blocking"], "sim/world": ["sim/cluster", "sim/scenario", "sim/compare"]}

# Headers that reach past env/ into the real world.
REAL_WORLD = re.compile(
    r"(chrono|thread|mutex|shared_mutex|condition_variable|future|stop_token|semaphore|barrier|latch|random|fstream|"
    r"filesystem|ctime|time\.h|csignal|signal\.h|unistd\.h|fcntl\.h|poll\.h|pthread\.h|dirent\.h|netdb\.h|liburing\.h|"
    r"sys/(?!types).*|netinet/.*|arpa/.*|linux/.*|boost/.*)$"
)
REAL_WORLD_ALLOWED = ["os", "client/blocking", "app"]

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')
CMAKE_CALL = re.compile(r"conclave_module\(([^)]*)\)", re.DOTALL)
CMAKE_KEYWORDS = ("DEPS", "LIBS", "TEST_DEPS", "TEST_LIBS")
SOURCE_SUFFIXES = (".h", ".cc", ".cpp", ".hpp")

# A home folder is somebody's; a checkout's own path is added at run time.
HOME_PATH = re.compile(r"(?<![\w/.])/(?:home/\w+|root|Users/\w+)/")
TEXT_ROOTS = ("src", "docs", "examples", "tools", "tests", "cmake", ".ci")
TEXT_FILES = ("dev", "README.md", "packages.txt", "CMakeLists.txt", "CMakePresets.json")
TEXT_SUFFIXES = (".h", ".cc", ".c", ".py", ".sh", ".md", ".txt", ".toml", ".cmake", ".java", ".js", ".json", "")


class Checker:
    def __init__(self, root):
        self.root = Path(root).resolve()
        self.errors = []
        self.warnings = []
        self.table = tomllib.loads((self.root / "docs/layers.toml").read_text(encoding="utf-8"))

    def error(self, where, what):
        self.errors.append(f"{where}: {what}")

    def module_of(self, path):
        """The module that a path relative to src/ belongs to: the longest name of the table that is a folder of it."""
        parts = path.split("/")[:-1]
        for length in range(len(parts), 0, -1):
            name = "/".join(parts[:length])
            if name in self.table:
                return name
        return None

    def allows_all(self, module):
        return "*" in self.table[module]["may_include"]

    def allowed(self, module, test):
        return [*self.table[module]["may_include"], *(TEST_EXTRA if test else [])]

    def run(self):
        self.check_table()
        src = self.root / "src"
        for path in sorted(src.rglob("*")):
            if path.is_file() and path.suffix in SOURCE_SUFFIXES:
                self.check_source(path, path.relative_to(src).as_posix())
            elif path.name == "CMakeLists.txt":
                self.check_cmake(path)
        self.check_machine_paths()
        return not self.errors

    # --- 1: the table itself
    def check_table(self):
        for module, row in self.table.items():
            where = f"docs/layers.toml [{module}]"
            if self.allows_all(module):
                continue
            for dep in row["may_include"]:
                if dep not in self.table:
                    self.error(where, f"may_include names '{dep}', which has no row")
                elif self.table[dep]["layer"] >= row["layer"]:
                    self.error(where, f"'{dep}' is not of a lower layer")
                if dep in PLUGS and module not in PLUGS[dep]:
                    self.error(where, f"'{dep}' is a plug that only app{''.join(' and ' + p for p in PLUGS[dep])} may include")
            for dep, headers in row.get("only", {}).items():
                if dep not in row["may_include"]:
                    self.error(where, f"only names '{dep}', which is not in may_include")
                for header in headers:
                    if not (self.root / "src" / header).is_file():
                        self.error(where, f"only names '{header}', which does not exist")

    # --- 2, 3, 5: one source file
    def check_source(self, path, name):
        where = f"src/{name}"
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > LINES_MAX:
            self.error(where, f"{len(lines)} lines; at most {LINES_MAX}: split its state, not its text")
        elif len(lines) > LINES_WARN:
            self.warnings.append(f"{where}: {len(lines)} lines, above {LINES_WARN}")
        module = self.module_of(name)
        if module is None:
            self.error(where, "belongs to no module of docs/layers.toml")
            return
        test = is_test(name)
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match and match[1]:
                self.check_include(f"{where}:{number}", module, test, match[1])
            elif match:
                self.check_system_include(f"{where}:{number}", module, test, match[2])

    def check_include(self, where, module, test, header):
        # "absl/..." and the like: a library from outside, whose folder is none of ours
        if "/" in header and not (self.root / "src" / header.split("/")[0]).is_dir():
            self.check_system_include(where, module, test, header)
            return
        target = self.module_of(header)
        # x.pb.h and x.grpc.pb.h are generated from x.proto
        source = re.sub(r"(\.grpc)?\.pb\.h$", ".proto", header)
        if target is None or not (self.root / "src" / source).is_file():
            self.error(where, f'"{header}" is no file under src/ (write paths from src/ on)')
            return
        if is_test(header) and not test:
            self.error(where, f'"{header}" is a test helper; only tests may include it')
        if target == module or self.allows_all(module):
            return
        if target not in self.allowed(module, test):
            self.error(where, f"{module} (layer {self.table[module]['layer']}) may not include {target} "
                              f"(layer {self.table[target]['layer']})")
            return
        only = self.table[module].get("only", {}).get(target)
        if only is not None and header not in only and not (test and is_test(header)):
            self.error(where, f'of {target}, {module} may include only {", ".join(only)}')

    def check_system_include(self, where, module, test, header):
        if module in REAL_WORLD_ALLOWED or not REAL_WORLD.match(header):
            return
        hint = "tests use sim/world" if test else "go through env/"
        self.error(where, f"<{header}> reaches into the real world; only {' and '.join(REAL_WORLD_ALLOWED)} may ({hint})")

    # --- 4: CMake
    def check_cmake(self, path):
        where = path.relative_to(self.root).as_posix()
        text = "\n".join(line.split("#")[0] for line in path.read_text(encoding="utf-8").splitlines())
        for call in CMAKE_CALL.finditer(text):
            words = call[1].split()
            if not words:
                continue
            module, lists, current = words[0], {key: [] for key in CMAKE_KEYWORDS}, None
            for word in words[1:]:
                if word in CMAKE_KEYWORDS:
                    current = word
                elif current is not None:
                    lists[current].append(word)
            row = self.module_of(f"{module}/CMakeLists.txt")  # a part of a module (app/bench) stands in its row
            if row is None:
                self.error(where, f"module '{module}' has no row in docs/layers.toml")
                continue
            folder = path.parent.relative_to(self.root / "src").as_posix()
            if folder not in (".", module) and not module.startswith(folder + "/"):
                self.error(where, f"declares module '{module}' in the folder of '{folder}'")
            if self.allows_all(row):
                continue
            for key, test in (("DEPS", False), ("TEST_DEPS", True)):
                for dep in lists[key]:
                    if dep not in (module, row) and dep not in self.allowed(row, test):
                        self.error(where, f"{module} may not link {dep} ({key})")

    # --- 5: places on a machine
    def check_machine_paths(self):
        patterns = [HOME_PATH]
        if len(self.root.parts) > 2:  # the checkout's own place, unless that is as common a word as /src
            patterns.append(re.compile(r"(?<![\w/.])" + re.escape(str(self.root)) + r"\b"))
        files = [self.root / name for name in TEXT_FILES]
        for folder in TEXT_ROOTS:
            files += sorted((self.root / folder).rglob("*"))
        for path in files:
            if not path.is_file() or path.suffix not in TEXT_SUFFIXES or {"node_modules", "__pycache__"} & set(path.parts):
                continue
            try:
                text = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
            for number, line in enumerate(text.splitlines(), 1):
                for pattern in patterns:
                    match = pattern.search(line)
                    if match:
                        where = f"{path.relative_to(self.root).as_posix()}:{number}"
                        self.error(where, f"names a place on one machine: {match[0]}")


def is_test(name):
    parts = name.split("/")
    stem = parts[-1].rsplit(".", 1)[0]
    return stem.endswith("_test") or stem.startswith("testing") or "testing" in parts[:-1]


def main(argv):
    root = Path(argv[1]) if len(argv) > 1 else Path(__file__).resolve().parent.parent
    checker = Checker(root)
    ok = checker.run()
    for warning in checker.warnings:
        print(f"warning: {warning}")
    for error in checker.errors:
        print(f"error: {error}", file=sys.stderr)
    print(f"layers: {'ok' if ok else f'{len(checker.errors)} errors'}, {len(checker.table)} modules")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
