#!/usr/bin/python3
"""The load generator `conclave bench`: every workload at a real cell of three, and servers that lie, which it must find out.

    bench_test.py [--only NAME]

CONCLAVE names the program. Prints the cases and `N passed, M failed`.
"""
import argparse
import collections
import json
import os
import socketserver
import struct
import subprocess
import sys
import threading
import xml.etree.ElementTree
from signal import SIGCONT

from cell import HOST, Cell, EnsembleError, conclave_binary

DEADLINE_S = 60


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def bench(servers, *arguments):
    """(exit code, figures or None, standard error)"""
    done = subprocess.run([conclave_binary(), "bench", "--servers", servers, "--json", *map(str, arguments)],
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else None, done.stderr


def good(servers, *arguments):
    code, figures, errors = bench(servers, *arguments)
    expect(code == 0, f"bench {arguments}: {code} {errors}")
    return figures


# ---- a real cell


def at_cell(cell, *arguments):
    return good(cell.hosts(), "--watch-pids", ",".join(map(str, cell.pids())), *arguments)


def operations(cell):
    for workload in ("write", "read", "mixed", "create"):
        f = at_cell(cell, "--workload", workload, "--seconds", 0.5, "--warmup", 0.2)
        expect(f["operations"] > 100 and f["verified"] > f["operations"], f"{workload}: {f}")
        expect(0 < f["p50_us"] <= f["p90_us"] <= f["p99_us"] <= f["p999_us"] <= f["max_us"], f"{workload}: {f}")
        expect(f["servers_cpu_us_per_op"] > 0 and f["generator_cpu_us_per_op"] > 0, f"{workload}: {f}")
    f = at_cell(cell, "--workload", "create", "--ops", 500, "--pin", 3)
    expect(f["operations"] == 500, f"--ops: {f}")


def many_connections(cell):
    f = at_cell(cell, "--connections", 3000, "--outstanding", 1, "--ops", 6000)
    expect(f["operations"] == 6000, f"{f}")


def paced(cell):
    f = at_cell(cell, "--rate", 200, "--seconds", 2, "--warmup", 0.3)
    expect(360 <= f["operations"] <= 440, f"200 a second for 2 s: {f}")


def idle(cell):
    f = at_cell(cell, "--workload", "idle", "--connections", 1000, "--seconds", 2, "--session-timeout", 4000, "--warmup", 0.1)
    expect(f["session_timeout_ms"] == 4000 and f["lost"] == 0, f"{f}")
    expect(1000 <= f["pings"] <= 2000, f"1000 sessions for 1.5 periods: {f}")
    expect(f["sessions_at_server"] == [334, 333, 333], f"{f}")
    expect(all(a > b for a, b in zip(f["resident_after_kib"], f["resident_before_kib"])), f"memory did not grow: {f}")


def watch(cell):
    f = at_cell(cell, "--workload", "watch", "--connections", 500, "--rounds", 5, "--size", 100)
    expect(len(f["last_ms_each"]) == 5, f"{f}")
    expect(0 < f["first_ms"] <= f["p50_ms"] <= f["p99_ms"] <= f["last_ms"], f"{f}")


def fill(cell):
    for nodes, existed in ((5000, 0), (7000, 5000)):
        f = at_cell(cell, "--workload", "fill", "--nodes", nodes, "--size", 100, "--base", "/fill")
        expect(f["existed"] == existed and f["operations"] == nodes - existed, f"{f}")
        expect(len(f["tenths_ops_per_s"]) == 10, f"{f}")
    counts = [int(cell.mntr(n)["zk_znode_count"]) for n in cell.replicas]
    below = at_cell(cell, "--workload", "fill", "--nodes", 7000, "--size", 100, "--base", "/fill")
    expect(below["operations"] == 0 and below["existed"] == 7000, f"the third time nothing is missing: {below}")
    expect(counts == [int(cell.mntr(n)["zk_znode_count"]) for n in cell.replicas], "nodes were made though all were there")


def failover(cell):
    for signal in ("KILL", "STOP"):
        master = cell.wait_serving()
        victim = cell.replicas[master].pid
        plot = cell.directory / f"{signal}.svg"
        f = at_cell(cell, "--workload", "failover", "--seconds", 4, "--at", 1, "--signal", signal, "--victim", victim,
                    "--svg", plot)
        expect(abs(f["signal_at_s"] - 1) < 0.2, f"{signal}: {f}")
        expect(f["signal_to_write_ms"] is not None and f["signal_to_write_ms"] <= 3000, f"{signal}: {f}")
        expect(f["longest_gap_ms"] > 50 and f["broken_connections"] >= 5 and f["in_doubt"] >= 1, f"{signal}: {f}")
        expect(signal == "KILL" or f["unanswered"] >= 5, f"the clients of a stopped server must give it up: {f}")
        texts = [e.text for e in xml.etree.ElementTree.parse(plot).iter("{http://www.w3.org/2000/svg}text")]
        expect(f"SIG{signal}" in texts and "time, s" in texts, f"{plot}: {texts}")
        if signal == "STOP":
            os.kill(victim, SIGCONT)
        else:
            cell.replicas[master].process.wait(10)
            cell.start(master)


def refusals(cell):
    cell.wait_serving()
    code, _, errors = bench(f"{HOST}:1", "--seconds", 1)
    expect(code == 1 and f"{HOST}:1" in errors and "refused" in errors, f"{code} {errors}")
    code, _, errors = bench(cell.hosts(), "--workload", "failover", "--at", 0.1, "--signal", "KILL", "--victim", 2**22 + 1)
    expect(code == 1 and "--victim" in errors, f"{code} {errors}")
    code, _, errors = bench(cell.hosts(), "--svg", "/nowhere/x.svg")
    expect(code == 2 and "--svg /nowhere/x.svg" in errors, f"{code} {errors}")


# ---- servers that lie


class Node:
    def __init__(self, data):
        self.data = data
        self.version = 0
        self.mzxid = 0


class LyingServer(socketserver.ThreadingTCPServer):
    """One server, as much of the protocol as the load generator uses, and one way of being wrong."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, lie):
        super().__init__((HOST, 0), Talk)
        self.lie = lie
        self.lock = threading.Lock()
        self.nodes = {}
        self.watchers = collections.defaultdict(list)
        self.zxid = 0
        self.writes = collections.Counter()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"{HOST}:{self.server_address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Talk(socketserver.BaseRequestHandler):
    def receive(self, size):
        data = b""
        while len(data) < size:
            chunk = self.request.recv(size - len(data))
            if not chunk:
                raise ConnectionError
            data += chunk
        return data

    def frame(self):
        return self.receive(struct.unpack(">i", self.receive(4))[0])

    def send(self, body):
        self.request.sendall(struct.pack(">i", len(body)) + body)

    def reply(self, xid, body=b"", error=0):
        self.send(struct.pack(">iqi", xid, self.server.zxid, error) + body)

    def handle(self):
        try:
            hello = self.frame()
            self.send(struct.pack(">iiqi16s?", 0, struct.unpack(">i", hello[12:16])[0], 1, 16, b"", False))
            while self.answer(self.frame()):
                pass
        except (ConnectionError, OSError):
            pass

    def answer(self, frame):
        """False when the connection ends."""
        xid, operation = struct.unpack(">ii", frame[:8])
        if operation == 11:
            if self.server.lie != "leaves pings unanswered":
                self.reply(xid)
            return True
        if operation == -11:
            self.reply(xid)
            return False
        size = struct.unpack(">i", frame[8:12])[0]
        path, rest = frame[12:12 + size].decode(), frame[12 + size:]
        with self.server.lock:
            return {1: self.create, 4: self.get, 5: self.set, 9: self.sync}[operation](xid, path, rest)

    @staticmethod
    def data(rest):
        size = struct.unpack(">i", rest[:4])[0]
        return rest[4:4 + size]

    def sync(self, xid, path, _):
        self.reply(xid, struct.pack(">i", len(path)) + path.encode())
        return True

    def create(self, xid, path, rest):
        if path in self.server.nodes:
            self.reply(xid, error=-110)
            return True
        self.server.zxid += 1
        self.server.nodes[path] = Node(self.data(rest))
        self.reply(xid, struct.pack(">i", len(path)) + path.encode())
        return True

    @staticmethod
    def stat(node):
        return struct.pack(">qqqqiiiqiiq", 1, node.mzxid, 0, 0, node.version, 0, 0, 0, len(node.data), 0, 1)

    def get(self, xid, path, rest):
        node = self.server.nodes[path]
        if rest[0]:
            self.server.watchers[path].append(self)
        self.reply(xid, struct.pack(">i", len(node.data)) + node.data + self.stat(node))
        return True

    def apply(self, node, data):
        self.server.zxid += 1
        node.data, node.mzxid = data, self.server.zxid
        node.version += 1

    def set(self, xid, path, rest):
        server, node, data = self.server, self.server.nodes[path], self.data(rest)
        server.writes[path] += 1
        lie = server.lie
        if server.writes[path] == 50 and lie.startswith("hangs up"):
            if lie == "hangs up and has applied what was in doubt":
                self.apply(node, data)
            elif lie == "hangs up and has applied it twice":
                self.apply(node, data)
                self.apply(node, data)
            elif lie == "hangs up and forgets an acknowledged write":
                node.version -= 1
            return False
        self.apply(node, data)
        for watcher in server.watchers.pop(path, []):
            for _ in range(2 if lie == "tells a watcher twice" else 1):
                watcher.send(struct.pack(">iqiiii", -1, -1, 0, 3, 3, len(path)) + path.encode())
        self.reply(xid, self.stat(node))
        return True


def lie(words, arguments, refusal):
    """A case: against a server that lies so, the run is refused with these words; without words it counts."""

    def case(_):
        with LyingServer(words) as server:
            code, figures, errors = bench(server.address, "--size", 16, "--warmup", 0.1, *arguments)
            if refusal is None:
                expect(code == 0, f"{code} {errors}")
                expect(figures.get("broken_connections", 1) > 0, f"nothing happened: {figures}")
            else:
                expect(code == 1 and refusal in errors, f"accepted, or for another reason: {code} {figures} {errors}")

    return case


FAILOVER = ("--workload", "failover", "--connections", 3, "--seconds", 1)
IDLE = ("--workload", "idle", "--connections", 20, "--session-timeout", 1000, "--seconds", 2)
WATCH = ("--workload", "watch", "--connections", 20, "--rounds", 3)

CASES = {
    "idle sessions": idle,  # the first, while the servers' memory still has to grow for them
    "operations": operations,
    "many connections": many_connections,
    "paced": paced,
    "watch fan-out": watch,
    "fill": fill,
    "fail-over": failover,
    "what it refuses": refusals,
}
LIES = {
    "an honest server that hangs up": lie("hangs up", FAILOVER, None),
    "a write in doubt that was applied": lie("hangs up and has applied what was in doubt", FAILOVER, None),
    "a lost write": lie("hangs up and forgets an acknowledged write", FAILOVER, "1 writes in doubt"),
    "a doubled write": lie("hangs up and has applied it twice", FAILOVER, "1 writes in doubt"),
    "honest watches": lie("", WATCH, None),
    "a watcher told twice": lie("tells a watcher twice", WATCH, "told 2 times of 1 changes"),
    "honest pings": lie("", IDLE, None),
    "pings unanswered": lie("leaves pings unanswered", IDLE, "a ping was not answered"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="cases whose name holds this")
    args = parser.parse_args()
    passed = failed = 0

    def run(cases, cell):
        nonlocal passed, failed
        for name, case in cases.items():
            if args.only and args.only not in name:
                continue
            try:
                case(cell)
            except (Failed, EnsembleError, subprocess.TimeoutExpired, KeyError) as e:
                failed += 1
                print(f"FAILED: {name}: {type(e).__name__} {e}", flush=True)
            else:
                passed += 1
                print(f"  {name}: ok", flush=True)

    run(LIES, None)
    if any(not args.only or args.only in name for name in CASES):
        with Cell() as cell:
            cell.start()
            cell.wait_serving()
            run(CASES, cell)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
