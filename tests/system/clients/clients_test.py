#!/usr/bin/python3
"""Runs real, unmodified clients against a cell of three processes and kills the master in the middle of each.

    clients_test.py [--only kazoo] [--system conclave|zookeeper]

Each client is a program that gets HOST:PORT,... (the master first) and prints
    ok NAME        what it has seen to work
    READY          its session holds things and writes; now the master is killed with SIGKILL and started again
    FAILED REASON  and ends with a non-zero exit code
and reads GO when the killed replica serves again. Prints the cases of each client and `N passed, M failed`.
"""
import argparse
import os
import pathlib
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from cell import EnsembleError, ensemble  # noqa: E402

PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")
JARS = pathlib.Path("/usr/share/java")
JAVA = ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]
CLASS_PATH = ":".join(str(JARS / f"{jar}.jar") for jar in (
    "zookeeper", "slf4j-simple", "curator-client", "curator-framework", "curator-recipes", "guava", "failureaccess"))
DEADLINE_S = 150


class Unable(Exception):
    """The client could not be built or installed. The text says why."""


def build(command, cwd, what, environment=None):
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=600, check=False, env={**os.environ, **(environment or {})})
    if done.returncode:
        raise Unable(f"{what}: {' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")


def kazoo(directory):
    return [PYTHON, HERE / "kazoo_client.py"]


def c(directory):
    program = directory / "c_client"
    build(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-DTHREADED", "-o", program, HERE / "c_client.c", "-lzookeeper_mt", "-lpthread"],
          directory, "the C client")
    return [program]


def shell(directory):
    return [PYTHON, HERE / "java_shell.py", *JAVA, "-cp", CLASS_PATH, "org.apache.zookeeper.ZooKeeperMain"]


def curator(directory):
    build(["javac", "-J-Xmx256m", "-proc:none", "-nowarn", "-d", directory, "-cp", CLASS_PATH, HERE / "java" / "CuratorClient.java"],
          directory, "the Curator client")
    return [*JAVA, "-cp", f"{directory}:{CLASS_PATH}", "CuratorClient"]


def node(directory):
    """npm ci from the lock file; the client's C part is compiled by its install script, once per lock file."""
    source = HERE / "node"
    lock = source / "package-lock.json"
    installed = source / "node_modules" / ".installed-from"
    if not installed.is_file() or installed.read_bytes() != lock.read_bytes():
        # Node's headers from Debian when they are there: node-gyp would fetch them from the network otherwise.
        headers = {"npm_config_nodedir": "/usr"} if pathlib.Path("/usr/include/node/node.h").is_file() else {}
        build(["npm", "ci", "--no-audit", "--no-fund"], source, "the node client", headers)
        installed.write_bytes(lock.read_bytes())
    return ["node", source / "client.js"]


CLIENTS = {"kazoo": kazoo, "c": c, "shell": shell, "curator": curator, "node": node}


class Program:
    """A client program and the lines it prints."""

    def __init__(self, command, hosts, log):
        self.process = subprocess.Popen(
            [*map(str, command), hosts], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, errors="replace")
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def line(self, deadline):
        try:
            return self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return "FAILED no end within the deadline"

    def go(self):
        try:
            self.process.stdin.write("GO\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it ended; its exit code says so

    def close(self):
        if self.process.poll() is None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.stdin.close()
        return self.process.wait()


def run_client(name, servers, directory):
    """(passed, [failures]) of one client."""
    began = time.monotonic()
    try:
        command = CLIENTS[name](directory)
    except (Unable, OSError, subprocess.TimeoutExpired) as e:
        return 0, [str(e)]
    master = servers.wait_serving()
    others = [n for n in servers.replicas if n != master]
    passed, failures, killed = 0, [], False
    log_path = directory / f"{name}.log"
    with open(log_path, "w") as log:
        program = Program(command, servers.hosts(master, *others), log)
        deadline = time.monotonic() + DEADLINE_S
        while (line := program.line(deadline)) is not None:
            if line.startswith("ok "):
                passed += 1
                print(f"  {name}: {line[3:]}", flush=True)
            elif line.startswith("FAILED"):
                failures.append(line)
                if "no end within" in line:
                    program.process.kill()
                    break
            elif line == "READY":
                killed = True
                servers.kill(servers.master() or master)
                servers.wait_serving(*[n for n, r in servers.replicas.items() if r.running()])
                servers.start(*[n for n, r in servers.replicas.items() if not r.running()])
                servers.wait_serving()
                program.go()
        code = program.close()
    if not killed and not failures:
        failures.append("ended before the kill")
    if code and not failures:
        failures.append(f"ended with exit code {code}")
    if failures:
        print(f"  {name}: the end of its log\n" + "\n".join(log_path.read_text(errors="replace").splitlines()[-15:]))
    print(f"  {name}: {passed} passed, {len(failures)} failed ({time.monotonic() - began:.1f} s)", flush=True)
    return passed, failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(CLIENTS))
    parser.add_argument("--system", default="conclave", choices=["conclave", "zookeeper"])
    args = parser.parse_args()
    passed = failed = 0
    directory = pathlib.Path(tempfile.mkdtemp(prefix="clients-"))
    options = {"java_options": ["-Xmx192m", "-XX:TieredStopAtLevel=1"]} if args.system == "zookeeper" else {}
    try:
        for name in [args.only] if args.only else CLIENTS:
            with ensemble(args.system, **options) as servers:
                servers.start()
                ok, failures = run_client(name, servers, directory)
                servers.keep = bool(failures)
                if failures:
                    print(servers.describe())
            passed += ok
            failed += len(failures)
            for failure in failures:
                print(f"FAILED: {name}: {failure}", flush=True)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EnsembleError as e:
        print(f"FAILED: {e}\n0 passed, 1 failed")
        sys.exit(1)
