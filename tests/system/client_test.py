#!/usr/bin/python3
"""The client library for programs with threads, at a real cell of three: threads and processes that want one lock while
the master is killed, and the examples, built outside of the tree against an installed Conclave.

    client_test.py [--only NAME]

Leases last two seconds. Prints the cases and `N passed, M failed`.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from cell import ROOT, Cell, EnsembleError, free_ports, wait_for
from chubby_test import DEADLINE_S, LEASE_S, Commands, Failed, Program, expect

THREADS, ROUNDS, KILLS = 6, 40, 3

# What each example prints, in order.
EXAMPLES = {
    "lock": ["part 1 done", "part 2 done", "part 3 done", "somebody else is at it", "the new holder is accepted", "the former holder is refused"],
    "reader_writer": ["two read", "nobody writes: the lock is held", "one writes", "nobody reads: the lock is held"],
    "config_set": ["changed: workers=4", "limits: 100", "routes: a -> c"],
    "presence": ["one is at 10.0.0.1:80", "the same name: the node exists", "nobody is there"],
    "numbers": ["1000 different numbers", "counted to 20"],
    "barrier": ["all three began", "who comes late passes"],
    "semaphore": ["the first has a permit", "the second too", "the third: deadline exceeded", "the fourth has what the first gave back"],
    "acl_group": ["by us: permission denied", "by jane: 1000", "again by us: permission denied"],
    "fake": ["lost", "and theirs"],
}


def build_folder():
    return pathlib.Path(os.environ.get("BUILD", ROOT / "build" / "release"))


class Installed:
    """Conclave below a temporary prefix, and its examples, built beside it from a copy."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="conclave-installed-"))
        self.prefix = self.directory / "prefix"

    def run(self, *command):
        # Paths below the directory count as relative, so that ccache finds what another run compiled.
        environment = dict(os.environ) | {"CCACHE_BASEDIR": str(self.directory), "CCACHE_NOHASHDIR": "1"}
        done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                              env=environment, stdin=subprocess.DEVNULL, timeout=240, check=False)
        expect(done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}")
        return done.stdout

    def install(self):
        self.run("cmake", "--install", build_folder(), "--prefix", self.prefix)

    def build(self, source, *options):
        """The build folder of a project outside of the tree, built against the prefix."""
        folder = self.directory / (source.name + "-build")
        launcher = ["-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"] if shutil.which("ccache") else []
        self.run("cmake", "-G", "Ninja", "-S", source, "-B", folder, f"-DCMAKE_PREFIX_PATH={self.prefix}", *launcher, *options)
        self.run("cmake", "--build", folder)
        return folder

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)


# ---- cases


def contention(cell, c, _):
    """CH-35, CH-76: threads of two processes, one lock, and the master killed meanwhile."""
    command = [build_folder() / "chubby_contend", cell.chubby_hosts(), "/contended", THREADS, ROUNDS]
    with Program(command, c.environment) as one, Program(command, c.environment) as two:
        for _ in range(KILLS):
            for _ in range(THREADS * ROUNDS // (KILLS + 1)):
                expect(one.until("round|FAILED|expired|total")[-1] == "round", "a round after the other")
            master = cell.wait_serving()
            cell.kill(master)
            cell.start(master)
        for program in (one, two):
            last = program.until("FAILED|expired|total", 60)[-1]
            expect(last == f"total {THREADS * ROUNDS}", last)
            expect(program.code() == 0, "the end of the program")
    total = c.good("cat", "/contended")
    expect(total == str(2 * THREADS * ROUNDS), f"{total} counted, {2 * THREADS * ROUNDS} rounds")
    cell.wait_serving()


def headers(cell, c, installed):
    """What is installed suffices: all headers together, the verifier alone in C++17, and each component by itself."""
    project = installed.directory / "headers"
    project.mkdir()
    include = installed.prefix / "include"
    names = sorted(p.relative_to(include).as_posix() for p in include.rglob("*.h"))
    expect("conclave/client/blocking/lock.h" in names, f"headers: {names}")
    text = "".join(f"#include <{name}>\n" for name in names)
    for name in names:
        expect("pb.h" not in (include / name).read_text(), f"{name} shows protobuf")
    (project / "all.cc").write_text(text + "int main() { return conclave::blocking::parse_servers(\"a:1\") ? 0 : 1; }\n")
    (project / "verify.cc").write_text("#include <conclave/wire/chubby/sequencer.h>\n"
                                       "int main() { return conclave::SequencerVerifier().accept(\"\", \"/\") ? 1 : 0; }\n")
    (project / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(headers CXX)\n"
        "find_package(conclave REQUIRED COMPONENTS sequencer)\n"
        "if(TARGET conclave::client)\n  message(FATAL_ERROR \"the client was not asked for\")\nendif()\n"
        "add_executable(verify verify.cc)\ntarget_link_libraries(verify conclave::sequencer)\n"
        "set_target_properties(verify PROPERTIES CXX_STANDARD 17 CXX_EXTENSIONS OFF)\n"
        "find_package(conclave REQUIRED COMPONENTS client)\n"
        "add_executable(every all.cc)\ntarget_link_libraries(every conclave::client)\n")
    folder = installed.build(project, "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
    installed.run(folder / "every")
    installed.run(folder / "verify")
    links = subprocess.run(["ldd", folder / "verify"], capture_output=True, text=True, check=True).stdout
    expect("protobuf" not in links and "fmt" not in links, f"what the verifier links: {links}")
    version = installed.run(installed.prefix / "bin" / "conclave", "--version")
    expect(re.search(r"\d+\.\d+\.\d+", version), f"the installed program: {version}")


def examples(cell, c, installed):
    folder = installed.build(installed.directory / "examples")
    for name, expected in EXAMPLES.items():
        with Program([folder / name, cell.chubby_hosts()], c.environment) as program:
            lines = []
            while (line := program.line(60)) is not None:
                lines.append(line)
            expect(lines == expected and program.code() == 0, f"{name}: {lines} {program.error_text()}")
    elected(cell, c, folder)


def elected(cell, c, folder):
    """CH-53, CH-38: a primary that was stopped for long is refused by the server that its successor works on."""
    port, = free_ports(1)

    def primary(name):
        return Program([folder / "primary", cell.chubby_hosts(), "/example-leader", name, port], c.environment)

    with Program([folder / "resource_server", port, "/example-leader"], c.environment) as server:
        server.until("listening")
        with primary("one") as one, primary("two") as two:
            first, second, name = (one, two, "two")
            if not wait_for(lambda: c.run("cat", "/example-leader")[1], DEADLINE_S, "a primary") == "one":
                first, second, name = (two, one, "one")
            sequencer = first.until("^primary")[-1].removeprefix("primary: ")
            first.until(r"\d: done")
            expect(c.good("elect", "/example-leader") != name + "\n", "the primary, by the command")
            first.process.send_signal(signal.SIGSTOP)  # longer than its lease
            second.until("^primary", LEASE_S + DEADLINE_S)
            second.until(r"\d: done")
            expect(c.good("elect", "/example-leader") == name + "\n", "the next primary, by the command")
            first.process.send_signal(signal.SIGCONT)
            first.until("^(not primary any more|not elected)")
            # A request of the first one that is late arrives now.
            expect(late_request(port, sequencer) == "refused", "a former primary")
            master = cell.wait_serving()
            cell.kill(master)
            cell.start(master)
            seen = second.until(r" (\d+): done")
            expect("not primary any more" not in seen, f"a change of master: {seen}")
            cell.wait_serving()
            second.process.terminate()
            expect(second.code() == 0, f"the end of the primary: {second.error_text()}")
            first.until("^primary")
            first.until(r"\d: done")
            # One that waits, or works, ends when it is told to.
            first.process.terminate()
            expect(first.code() == 0, f"the end of the other: {first.error_text()}")
    expect(c.run("elect", "/example-leader")[0] == 1, "nobody is primary")


def late_request(port, sequencer):
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as s:
        s.sendall(f"{sequencer}\nlate\n".encode())
        return s.recv(100).decode().strip()


CASES = {"contention": contention, "headers": headers, "examples": examples}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(CASES))
    args = parser.parse_args()
    passed = failed = 0
    settings = {"conclave.chubby.lease_ms": int(LEASE_S * 1000), "conclave.chubby.unopened_grace_ms": 3000}
    installed = Installed()
    try:
        with Cell(settings=settings) as cell:
            cell.start()
            installed.install()
            shutil.copytree(ROOT / "examples", installed.directory / "examples")
            cell.wait_serving()
            commands = Commands(cell)
            for name, case in CASES.items():
                if args.only and name != args.only:
                    continue
                began = time.monotonic()
                try:
                    case(cell, commands, installed)
                    print(f"  {name}: ok ({time.monotonic() - began:.1f} s)", flush=True)
                    passed += 1
                except (Failed, EnsembleError, OSError, subprocess.SubprocessError) as e:
                    print(f"FAILED: {name}: {e}", flush=True)
                    failed += 1
                    cell.keep = True
            if failed:
                print(cell.describe())
    finally:
        installed.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (EnsembleError, Failed) as e:
        print(f"FAILED: {e}\n0 passed, 1 failed")
        sys.exit(1)
