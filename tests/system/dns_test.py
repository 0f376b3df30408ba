#!/usr/bin/python3
"""The name server `conclave dns` over a real cell of three, asked by `dig` (CH-96): every type over UDP and TCP, the next
answer after a change, members that come and go, and a master that is killed.

    dns_test.py [--only NAME] [--kills 5]

Leases last two seconds, so that losing one does not take long. Prints the cases and `N passed, M failed`.
"""
import argparse
import re
import signal
import socket
import subprocess
import sys
import time

from cell import HOST, Cell, EnsembleError, free_ports, wait_for
from chubby_test import DEADLINE_S, LEASE_S, Commands, Failed, Program, expect

ZONE = "example.com"
PATIENCE_MS = 1000


class NameServer:
    """`conclave dns` over the cell, and what dig has from it."""

    def __init__(self, commands, *arguments):
        self.port = free_ports(1)[0]
        self.program = Program([commands.cell.binary, "dns", "--listen", f"{HOST}:{self.port}", "--zone", f"{ZONE}=/dns",
                                "--patience", PATIENCE_MS, *arguments], commands.environment)
        wait_for(lambda: any("answers on" in line for line in self.program.errors), DEADLINE_S, "conclave dns listening")

    def dig(self, *arguments):
        """(status, the records of the answer section as "name ttl type data")"""
        done = subprocess.run(["dig", f"@{HOST}", "-p", str(self.port), "+tries=1", "+time=10", "+noall", "+comments", "+answer",
                               *arguments], capture_output=True, text=True, timeout=30, check=False)
        status = re.search(r"status: (\w+)", done.stdout)
        expect(status, f"dig {' '.join(arguments)}: {done.returncode} {done.stdout}{done.stderr}")
        lines = [re.sub(r"\s+", " ", line) for line in done.stdout.splitlines() if line and not line.startswith(";")]
        return status[1], sorted(lines)

    def expect(self, arguments, status, records):
        got = self.dig(*arguments.split())
        expect(got == (status, sorted(records)), f"dig {arguments}: {got} instead of {(status, records)}")

    def datagram(self, message, timeout_s=0.5):
        """The answer to these bytes; None if there is none."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(timeout_s)
            s.sendto(message, (HOST, self.port))
            try:
                return s.recv(65536)
            except TimeoutError:
                return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.__exit__()


# ---- cases


def records(c, server):
    c.good("put", "-p", "/dns/web", 'A 10.0.0.1\nAAAA fd00::1  # a comment\n30 TXT "some words" more\n')
    c.good("put", "-p", "/dns/_tcp/_http", "SRV 0 10 8080 web\nSRV 1 0 80 other.org.\n")
    for transport in ("+notcp", "+tcp"):
        server.expect(f"{transport} web.{ZONE} A", "NOERROR", [f"web.{ZONE}. 0 IN A 10.0.0.1"])
        server.expect(f"{transport} wEb.{ZONE} AAAA", "NOERROR", [f"wEb.{ZONE}. 0 IN AAAA fd00::1"])
        server.expect(f"{transport} web.{ZONE} TXT", "NOERROR", [f'web.{ZONE}. 30 IN TXT "some words" "more"'])
        server.expect(f"{transport} _http._tcp.{ZONE} SRV", "NOERROR",
                      [f"_http._tcp.{ZONE}. 0 IN SRV 0 10 8080 web.{ZONE}.", f"_http._tcp.{ZONE}. 0 IN SRV 1 0 80 other.org."])
        server.expect(f"{transport} none.{ZONE} A", "NXDOMAIN", [])
        server.expect(f"{transport} below.web.{ZONE} A", "NXDOMAIN", [])
        server.expect(f"{transport} web.{ZONE} MX", "NOERROR", [])
        server.expect(f"{transport} _tcp.{ZONE} A", "NOERROR", [])
        server.expect(f"{transport} example.org A", "REFUSED", [])
        server.expect(f"{transport} web.{ZONE} ANY", "NOERROR", [f'web.{ZONE}. 0 IN HINFO "RFC8482" ""'])
        server.expect(f"{transport} {ZONE} NS", "NOERROR", [f"{ZONE}. 0 IN NS ns.{ZONE}."])
        server.expect(f"{transport} {ZONE} SOA", "NOERROR",
                      [f"{ZONE}. 0 IN SOA ns.{ZONE}. hostmaster.{ZONE}. 1 3600 600 86400 0"])
    server.expect(f"-c CH web.{ZONE} A", "REFUSED", [])
    server.expect(f"+edns=1 +noednsnegotiation web.{ZONE} A", "BADVERS", [])


def large(c, server):
    addresses = [f"10.1.{i // 256}.{i % 256}" for i in range(300)]
    c.good("put", "-p", "/dns/large", "".join(f"A {a}\n" for a in addresses))
    expected = [f"large.{ZONE}. 0 IN A {a}" for a in addresses]
    server.expect(f"+ignore +bufsize=4096 large.{ZONE} A", "NOERROR", [])
    server.expect(f"large.{ZONE} A", "NOERROR", expected)  # dig comes again by TCP


def fresh(c, server):
    """The next answer after a change has it."""
    c.good("put", "-p", "/dns/fresh", "A 10.0.0.255")
    c.good("put", "-p", "/dns/service/@", "A 10.2.0.255")
    for i in range(15):
        server.expect(f"fresh.{ZONE} A", "NOERROR", [f"fresh.{ZONE}. 0 IN A 10.0.0.{i - 1 if i else 255}"])
        c.good("put", "/dns/fresh", f"A 10.0.0.{i}")
        server.expect(f"fresh.{ZONE} A", "NOERROR", [f"fresh.{ZONE}. 0 IN A 10.0.0.{i}"])
        c.good("put", "/dns/service/@", f"A 10.2.0.{i}")
        server.expect(f"service.{ZONE} A", "NOERROR", [f"service.{ZONE}. 0 IN A 10.2.0.{i}"])
    for _ in range(5):
        c.good("rm", "/dns/fresh")
        server.expect(f"fresh.{ZONE} A", "NXDOMAIN", [])
        c.good("put", "/dns/fresh", "TXT back")
        server.expect(f"fresh.{ZONE} TXT", "NOERROR", [f'fresh.{ZONE}. 0 IN TXT "back"'])


def members(c, server):
    """Ephemeral files of a directory: by ZooKeeper's protocol here, as the commands make none."""
    from kazoo.client import KazooClient

    c.good("put", "-p", "-d", "/dns/pool")
    clients = []
    try:
        for i in (1, 2):
            client = KazooClient(c.cell.hosts())
            client.start(timeout=DEADLINE_S)
            clients.append(client)
            client.create(f"/dns/pool/member{i}", f"SRV 0 10 {8000 + i} host{i}\n".encode(), ephemeral=True)
        line = [f"pool.{ZONE}. 0 IN SRV 0 10 {8000 + i} host{i}.{ZONE}." for i in (1, 2)]
        server.expect(f"pool.{ZONE} SRV", "NOERROR", line)
        server.expect(f"member1.pool.{ZONE} SRV", "NOERROR", ["member1." + line[0]])
        clients[0].stop()
        server.expect(f"pool.{ZONE} SRV", "NOERROR", [line[1]])
        server.expect(f"member1.pool.{ZONE} SRV", "NXDOMAIN", [])
    finally:
        for client in clients:
            client.stop()
            client.close()


def bad_lines(c, server):
    c.good("put", "-p", "/dns/bad", "A 10.0.0.1\nA 10.0.0.256\nMX 10 mail\n")
    server.expect(f"bad.{ZONE} A", "NOERROR", [f"bad.{ZONE}. 0 IN A 10.0.0.1"])
    for line, why in ((2, "is no IPv4 address"), (3, "is none of A, AAAA, SRV and TXT")):
        wait_for(lambda: any("path=/dns/bad" in x and f"line={line}" in x and why in x for x in server.program.errors), DEADLINE_S,
                 f"line {line} in the log")


def hostile(c, server):
    expect(server.datagram(b"nonsense") is None, "bytes that are no query are not answered")
    expect(server.datagram(bytes(4096)) is None, "nor is a datagram that is too large")
    answer = server.datagram(b"\x12\x34\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", DEADLINE_S)
    expect(answer and answer[:2] == b"\x12\x34" and answer[3] & 15 == 1, f"a name that points at itself: {answer}")
    with socket.create_connection((HOST, server.port), timeout=DEADLINE_S) as s:
        s.sendall(b"\xff\xff" + bytes(65535) + b"\0\1x")
    server.expect(f"{ZONE} NS", "NOERROR", [f"{ZONE}. 0 IN NS ns.{ZONE}."])


def killed(cell, c, server, kills):
    """The master is killed again and again: answers are right or SERVFAIL, and come back."""
    c.good("put", "-p", "/dns/killed", "A 10.3.0.0")
    refused = 0
    for i in range(1, kills + 1):
        before = [f"killed.{ZONE}. 0 IN A 10.3.0.{i - 1}"]
        after = [f"killed.{ZONE}. 0 IN A 10.3.0.{i}"]
        server.expect(f"killed.{ZONE} A", "NOERROR", before)
        master = cell.wait_serving()
        cell.kill(master)
        until = time.monotonic() + 2 * LEASE_S
        while time.monotonic() < until:
            got = server.dig(f"killed.{ZONE}", "A")
            expect(got in (("NOERROR", before), ("SERVFAIL", [])), f"after kill {i}: {got}")
            refused += got[0] == "SERVFAIL"
        cell.start(master)
        cell.wait_serving()
        c.good("put", "/dns/killed", f"A 10.3.0.{i}")
        got = wait_for(lambda: [x for x in [server.dig(f"killed.{ZONE}", "A")] if x[0] != "SERVFAIL"], DEADLINE_S, "recovery")[0]
        expect(got == ("NOERROR", after), f"after restart {i}: {got}")
    # Without any replica: SERVFAIL, in time.
    numbers = list(cell.replicas)
    cell.kill()
    time.sleep(2 * LEASE_S)
    began = time.monotonic()
    server.expect(f"killed.{ZONE} A", "SERVFAIL", [])
    expect(time.monotonic() - began < PATIENCE_MS / 1000 + 1, f"SERVFAIL took {time.monotonic() - began:.1f} s")
    cell.start(*numbers)
    cell.wait_serving()
    wait_for(lambda: server.dig(f"killed.{ZONE}", "A") == ("NOERROR", after), DEADLINE_S, "recovery from the loss of the cell")
    print(f"  {kills} kills, {refused} answers SERVFAIL meanwhile", flush=True)


def ends(c, server):
    """What cannot be started, and a signal."""
    c.refused(2, "--zone", "dns", "--listen", "127.0.0.1:1", "--zone", "example.com")
    c.refused(2, "port", "dns", "--listen", "127.0.0.1:x", "--zone", "example.com=/dns")
    c.refused(2, "--listen", "dns", "--zone", "example.com=/dns")
    code, _, errors = c.run("dns", "--listen", f"{HOST}:{server.port}", "--zone", "example.com=/dns")
    expect(code == 1 and str(server.port) in errors, f"an address that is taken: {code} {errors}")
    server.program.process.send_signal(signal.SIGTERM)
    expect(server.program.code() == 0, "SIGTERM")
    expect(re.search(r"figures since the start .*answered=[1-9]", server.program.error_text()), "figures at the end")


CASES = {"records": records, "large": large, "fresh": fresh, "members": members, "bad_lines": bad_lines, "hostile": hostile,
         "killed": killed, "ends": ends}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(CASES))
    parser.add_argument("--kills", type=int, default=5)
    args = parser.parse_args()
    passed = failed = 0
    settings = {"conclave.chubby.lease_ms": int(LEASE_S * 1000), "conclave.chubby.unopened_grace_ms": 3000}
    with Cell(settings=settings) as cell:
        cell.start()
        cell.wait_serving()
        commands = Commands(cell)
        commands.good("put", "-d", "/dns")
        with NameServer(commands) as server:
            for name, case in CASES.items():
                if args.only and name != args.only:
                    continue
                began = time.monotonic()
                try:
                    case(cell, commands, server, args.kills) if case is killed else case(commands, server)
                    print(f"  {name}: ok ({time.monotonic() - began:.1f} s)", flush=True)
                    passed += 1
                except (Failed, EnsembleError, subprocess.TimeoutExpired) as e:
                    print(f"FAILED: {name}: {e}", flush=True)
                    failed += 1
                    cell.keep = True
            if failed:
                print("".join(server.program.errors[-20:]) + cell.describe())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (EnsembleError, Failed) as e:
        print(f"FAILED: {e}\n0 passed, 1 failed")
        sys.exit(1)
