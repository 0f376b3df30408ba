#!/usr/bin/python3
"""All three replicas of a cell are replaced by new ones on new ports, one after the other, while kazoo and the C client write.

    replace_test.py [--engine paxos|raft] [--pause SECONDS]

The first one is replaced while it runs, the second one is dead and its disk gone, the third one is the master. The clients
know all six addresses from the start. In the end every acknowledged write is at each of the three new replicas. Reports the
longest time between two acknowledged writes. Prints `N passed, M failed`.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException, NodeExistsError
from kazoo.retry import KazooRetry

from cell import HOST, Cell, conclave_binary, wait_for

HERE = pathlib.Path(__file__).resolve().parent
FOUNDERS, NEW = (1, 2, 3), (4, 5, 6)
DEADLINE_S = 60
GAP_MAX_S = 5.0  # a client that notices a lost server, connects to another one and asks again


class Failed(Exception):
    pass


class Growing(Cell):
    """Six places for replicas. Each is configured, when it starts first, with the members of that moment and itself."""

    def __init__(self, engine):
        super().__init__(replicas=len(FOUNDERS + NEW), engine=engine,
                         settings={"reconfigEnabled": "true", "skipACL": "yes"})
        self.members = list(FOUNDERS)

    def configure(self, replica):
        listed = sorted({*getattr(self, "members", FOUNDERS), replica.number})
        settings = self.default_settings() | self.settings
        settings = {k: v for k, v in settings.items() if not k.startswith("conclave.chubby.server.") or int(k.rsplit(".", 1)[1]) in listed}
        settings |= {"dataDir": replica.data_dir, "clientPort": replica.client_port, "clientPortAddress": HOST}
        settings |= {f"server.{n}": self.spec(n).partition("=")[2] for n in listed}
        replica.config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        (replica.data_dir / "myid").write_text(f"{replica.number}\n")

    def spec(self, number):
        replica = self.replicas[number]
        return f"{number}={HOST}:{replica.peer_ports[0]}:{replica.peer_ports[1]};{replica.address}"

    def member(self, *arguments):
        done = subprocess.run([str(conclave_binary()), "member", *map(str, arguments), "--servers", self.hosts(*self.members)],
                              capture_output=True, text=True, timeout=2 * DEADLINE_S, check=False)
        if done.returncode:
            raise Failed(f"member {arguments}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def replace(self, old, new):
        self.configure(self.replicas[new])
        self.start(new)
        began = time.monotonic()
        self.member("replace", old, self.spec(new))
        self.members = sorted({*self.members, new} - {old})
        return time.monotonic() - began


class KazooWriter(threading.Thread):
    """As c_writer.c does, through kazoo and under /kazoo."""

    def __init__(self, hosts):
        super().__init__(daemon=True)
        self.client = KazooClient(hosts=hosts, timeout=10, connection_retry=KazooRetry(max_tries=-1, delay=0.01, max_delay=0.1))
        self.acknowledged = []
        self.error = None
        self.ending = False

    def run(self):
        try:
            self.client.start(timeout=DEADLINE_S)
            self.client.ensure_path("/kazoo")
            number = 0
            while not self.ending:
                name = f"{number:08}"
                try:
                    self.client.create(f"/kazoo/{name}", name.encode())
                except NodeExistsError:
                    pass
                except KazooException:  # the connection was lost: whether it was done is not known
                    time.sleep(0.01)
                    continue
                self.acknowledged.append((name, time.monotonic()))
                number += 1
                time.sleep(0.001)
        except Exception as error:  # told to the test
            self.error = error

    def end(self):
        self.ending = True
        self.join(DEADLINE_S)
        self.client.stop()
        self.client.close()
        if self.error or self.is_alive():
            raise Failed(f"kazoo: {self.error or 'does not end'}")
        return self.acknowledged


class CWriter:
    def __init__(self, directory, hosts):
        program = directory / "c_writer"
        subprocess.run(["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-DTHREADED", "-o", program, HERE / "clients" / "c_writer.c",
                        "-lzookeeper_mt", "-lpthread"], check=True, timeout=DEADLINE_S)
        self.output = directory / "c_writer.out"
        self.process = subprocess.Popen([program, hosts], stdin=subprocess.PIPE, stdout=open(self.output, "w"),
                                        stderr=subprocess.DEVNULL)

    def acknowledged_so_far(self):
        lines = self.output.read_text().splitlines()
        wrong = [line for line in lines if line.startswith("FAILED")]
        if wrong:
            raise Failed(f"the C client: {wrong[0]}")
        return [(line.split()[1], float(line.split()[2])) for line in lines if line.startswith("ack ") and line.count(" ") == 2]

    def end(self):
        self.process.stdin.close()
        if self.process.wait(DEADLINE_S) != 0:
            raise Failed(f"the C client ended with {self.process.returncode}")
        return self.acknowledged_so_far()


def longest_gap(acknowledged):
    """(seconds, when it began) between two acknowledged writes."""
    times = sorted(at for _, at in acknowledged)
    return max((b - a, a) for a, b in zip(times, times[1:]))


def check_replica(address, acknowledged):
    """Every acknowledged write is at this replica, with its data, and nothing that nobody asked for."""
    client = KazooClient(hosts=address, timeout=10)
    client.start(timeout=DEADLINE_S)
    client.sync("/")
    for base, writes in acknowledged.items():
        names = {name for name, _ in writes}
        there = set(client.get_children(base))
        if not names <= there:
            raise Failed(f"{address}: {len(names - there)} acknowledged writes under {base} are lost, {min(names - there)} for one")
        if len(there - names) > 1:  # the last one may have been done without an answer
            raise Failed(f"{address}: under {base} are {len(there - names)} nodes that nobody made")
        for name in sorted(names)[:: max(1, len(names) // 500)]:
            if client.get(f"{base}/{name}")[0] != name.encode():
                raise Failed(f"{address}: {base}/{name} holds something else")
    client.stop()
    client.close()


def run(engine, pause_s):
    with Growing(engine) as cell:
        cell.start(*FOUNDERS)
        cell.wait_serving(*FOUNDERS)
        hosts = cell.hosts(*FOUNDERS, *NEW)
        kazoo = KazooWriter(hosts)
        kazoo.start()
        c = CWriter(cell.directory, hosts)
        wait_for(lambda: len(kazoo.acknowledged) > 100 and len(c.acknowledged_so_far()) > 100, DEADLINE_S, "both clients write", 0.05)
        time.sleep(pause_s)

        master = cell.master()
        first, second = [n for n in FOUNDERS if n != master]
        steps = []

        seconds = cell.replace(first, NEW[0])
        cell.stop(first)
        steps.append(f"{first} by {NEW[0]} while it ran: {seconds:.2f} s")
        time.sleep(pause_s)

        cell.kill(second)
        shutil.rmtree(cell.replicas[second].data_dir)
        time.sleep(pause_s)
        seconds = cell.replace(second, NEW[1])
        steps.append(f"{second} by {NEW[1]}, dead and without its disk: {seconds:.2f} s")
        time.sleep(pause_s)

        master = cell.master()
        third = [n for n in FOUNDERS if n not in (first, second)][0]
        seconds = cell.replace(third, NEW[2])
        cell.stop(third)
        steps.append(f"{third} by {NEW[2]}{', the master' if third == master else ''}: {seconds:.2f} s")
        time.sleep(pause_s)

        cell.wait_serving(*NEW)
        acknowledged = {"/kazoo": kazoo.end(), "/c": c.end()}
        for step in steps:
            print(f"  {step}")
        for base, writes in acknowledged.items():
            gap, at = longest_gap(writes)
            print(f"  {base}: {len(writes)} acknowledged writes, longest gap {gap * 1000:.0f} ms, "
                  f"{at - writes[0][1]:.1f} s after the first one")
            if gap > GAP_MAX_S:
                raise Failed(f"{base}: {gap:.1f} s without an acknowledged write")
        gap, _ = longest_gap([write for writes in acknowledged.values() for write in writes])
        print(f"  both together: longest gap {gap * 1000:.0f} ms")
        listed = cell.member("list")
        if sorted(line.split()[0] for line in listed.splitlines()[1:] if line[:1].isdigit()) != [str(n) for n in NEW]:
            raise Failed(f"the members are others:\n{listed}")
        for number in NEW:
            check_replica(cell.replicas[number].address, acknowledged)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", choices=["paxos", "raft"], default=os.environ.get("CONCLAVE_ENGINE", "paxos"))
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between the steps")
    args = parser.parse_args()
    try:
        run(args.engine, args.pause)
    except Failed as why:
        print(f"  FAILED: {why}")
        print("0 passed, 1 failed")
        return 1
    print("1 passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
