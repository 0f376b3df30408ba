#!/usr/bin/python3
"""`conclave member` and the shell's `config` and `reconfig` at a real ensemble of three that gets a fourth one: add, remove,
promote, replace, a lost disk, a lost connection, and every way to be refused.

    member_test.py [--system conclave|zookeeper] [--only NAME]

The commands speak ZooKeeper's protocol, so Apache ZooKeeper is the judge of what they ask. Prints the cases and
`N passed, M failed`.
"""
import argparse
import base64
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time

from cell import HOST, Cell, EnsembleError, conclave_binary, free_ports, wait_for
from zk_ensemble import ZooKeeperEnsemble

DEADLINE_S = 60
FOUNDERS = (1, 2, 3)
NEW = 4
AUTH = "digest:super:secret"
OP_RECONFIG = 16


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def changing(base):
    """An ensemble of three founders and a fourth replica that is not a member yet, whose members may be changed."""

    class Changing(base):
        def __init__(self, **kwargs):
            digest = base64.b64encode(hashlib.sha1(b"super:secret").digest()).decode()
            settings = {"reconfigEnabled": "true", "standaloneEnabled": "false",
                        "DigestAuthenticationProvider.superDigest": f"super:{digest}"}
            super().__init__(replicas=NEW, settings=settings | kwargs.pop("settings", {}), **kwargs)

        def configure(self, replica):
            """Each lists the founders, the new one itself besides."""
            settings = self.default_settings() | self.settings
            listed = {*FOUNDERS, replica.number}
            unlisted = [f"conclave.chubby.server.{n}" for n in self.replicas if n not in listed]
            settings = {key: value for key, value in settings.items() if key not in unlisted}
            settings |= {"dataDir": replica.data_dir, "clientPort": replica.client_port, "clientPortAddress": HOST}
            settings |= {f"server.{n}": self.spec(n).partition("=")[2] for n in sorted(listed)}
            replica.config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
            (replica.data_dir / "myid").write_text(f"{replica.number}\n")

        def spec(self, number, at=None):
            """The member with the number, at the addresses of replica `at` (its own), as the commands take it."""
            replica = self.replicas[at or number]
            return f"{number}={HOST}:{replica.peer_ports[0]}:{replica.peer_ports[1]};{replica.address}"

        def lose_disk(self, number):
            """The replica has stopped and starts with an empty data directory."""
            replica = self.replicas[number]
            shutil.rmtree(replica.data_dir)
            replica.data_dir.mkdir()
            self.configure(replica)

    return Changing


class Commands:
    """`conclave` against the founders of an ensemble."""

    def __init__(self, cell):
        self.cell = cell
        self.servers = cell.hosts(*FOUNDERS)

    def run(self, *arguments, auth=AUTH, servers=None):
        """(exit code, output, errors) of `conclave member ...`."""
        command = [conclave_binary(), "member", *arguments, "--servers", servers or self.servers]
        environment = {key: value for key, value in os.environ.items() if key != "CONCLAVE_AUTH"}
        if auth:
            environment["CONCLAVE_AUTH"] = auth
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=2 * DEADLINE_S, env=environment,
                              check=False)
        return done.returncode, done.stdout, done.stderr

    def good(self, *arguments, **how):
        code, out, errors = self.run(*arguments, **how)
        expect(code == 0, f"member {arguments}: {code}\n{out}{errors}")
        return out

    def refused(self, pattern, *arguments, code=1, **how):
        got, out, errors = self.run(*arguments, **how)
        expect(got == code and re.search(pattern, errors) and errors.count("\n") == 1,
               f"member {arguments}: {got} instead of {code}, or not \"{pattern}\" in one line:\n{out}{errors}")

    def members(self):
        """{id: what the list says of it}"""
        return {m["id"]: m for m in json.loads(self.good("list", "--json", auth=None))["members"]}

    def shell(self, *arguments, auth=AUTH, servers=None):
        command = [conclave_binary(), "shell", *(["--auth", auth] if auth else []), servers or self.servers, *arguments]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return done.returncode, done.stdout, done.stderr

    def at(self, number, *arguments):
        """The output of a shell's command at one replica."""
        command = [str(conclave_binary()), "shell", self.cell.replicas[number].address, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
        return done.stdout if done.returncode == 0 else None

    def wait_for_data(self, number, data="made"):
        """Until the replica serves what was written before it joined."""
        wait_for(lambda: self.at(number, "get", "/member") == f"{data}\n", DEADLINE_S, f"replica {number} has the data", 0.2)


class Proxy:
    """Stands in front of a server and is in the way of the first reconfig: it loses the answer (`lose`), or hands the request on
    after so many seconds (`hold_s`). `says`: what mntr tells of a change through it."""

    def __init__(self, port, lose=False, hold_s=0, says=""):
        self.port, = free_ports(1)
        self.target, self.lose, self.hold_s, self.says = port, lose, hold_s, says
        self.met = False  # a reconfig has come
        self.listener = socket.create_server((HOST, self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return f"{HOST}:{self.port}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection((HOST, self.target))
            except OSError:
                return
            state = {"silent": False, "word": False}
            threading.Thread(target=self._up, args=(client, server, state), daemon=True).start()
            threading.Thread(target=self._down, args=(server, client, state), daemon=True).start()

    def _up(self, client, server, state):
        try:
            while data := client.recv(65536):
                state["word"] |= data == b"mntr"
                first = not self.met and self._is_reconfig(data)
                self.met |= first
                state["silent"] |= first and self.lose
                if first:
                    time.sleep(self.hold_s)
                server.sendall(data)
                if state["silent"]:
                    break
        except OSError:
            pass
        if state["silent"]:
            client.close()

    @staticmethod
    def _is_reconfig(data):
        # A client with nothing else to ask sends one frame at a time: length, xid, opcode.
        return len(data) >= 12 and int.from_bytes(data[8:12], "big") == OP_RECONFIG and data[4:8] != b"\0\0\0\0"

    def _down(self, server, client, state):
        answer = b""  # to mntr
        try:
            while data := server.recv(65536):
                if state["word"]:
                    answer += data
                elif not state["silent"]:
                    client.sendall(data)
            if state["word"]:
                lines = [line for line in answer.decode().splitlines(True) if not (self.says and line.startswith("zk_member_change\t"))]
                client.sendall("".join([*lines, self.says]).encode())
            client.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        server.close()
        client.close()


# ---- the cases: each has an ensemble of its own whose founders serve, and the node /member


def shown(cell, c):
    """Who is a member and what it says of itself."""
    master = cell.master()
    text = c.good("list", auth=None)
    expect(text.startswith("ID  ROLE") and text.count(" voter ") == 3 and "version: " in text, f"list: {text}")
    expect(re.search(rf"^{master} +voter +leader", text, re.MULTILINE), f"the leader is {master}: {text}")
    members = c.members()
    expect(sorted(members) == [*FOUNDERS], f"members: {members}")
    for number, member in members.items():
        replica = cell.replicas[number]
        expect(member["role"] == "voter" and member["client"] == replica.address and member["serves"]
               and member["mode"] == cell.mode(number) and member["peers"] == [f"{HOST}:{replica.peer_ports[0]}"],
               f"member {number}: {member}")
    stopped = next(n for n in FOUNDERS if n != master)
    cell.stop(stopped)
    text = c.good("list", auth=None)
    expect(re.search(rf"^{stopped} +voter +- .*not reachable", text, re.MULTILINE), f"{stopped} has stopped: {text}")


def refusals(cell, c):
    """Every refusal is one line that says what to do, and changes nothing."""
    before = c.good("list", "--json", auth=None)
    spec = cell.spec(NEW)
    c.refused("needs the super user or write permission on /zookeeper/config: --auth", "remove", 3, auth=None)
    c.refused("needs the super user or write permission on /zookeeper/config: --auth", "remove", 3, auth="digest:super:wrong")
    c.refused("9 is not a member; the members are 1, 2, 3", "remove", 9)
    c.refused("nobody would be left who votes", "remove", 1, 2, 3)
    c.refused("is a member already, with other values", "add", cell.spec(3, at=NEW))
    c.refused("is a voter already: remove it, then add it", "add", cell.spec(3), "--observer")
    c.refused("9 is not a member", "promote", 9)
    c.refused("there is nothing to replace", "replace", 9, spec)
    c.refused("2 is a member already", "replace", 3, cell.spec(2, at=NEW))
    c.refused("the client's address is missing", "add", spec.partition(";")[0], code=2)
    c.refused("the id \"x\" is not a number", "remove", "x", code=2)
    c.refused("--auth is not of the form scheme:credentials", "remove", 3, auth="nonsense", code=2)
    c.refused("no server could be reached", "list", "--timeout", 3, servers=f"{HOST}:{free_ports(1)[0]}")
    expect("is a member already, with these values" in c.good("add", cell.spec(3)), "add of a member")
    expect("1 is a voter already" in c.good("promote", 1), "promote of a voter")
    after = c.good("list", "--json", auth=None)
    expect(json.loads(before)["version"] == json.loads(after)["version"], f"something changed: {before}{after}")


def disabled(cell, c):
    """reconfigEnabled=false is named, with what to set."""
    c.refused("set cell.reconfig = true \\(zoo.cfg: reconfigEnabled=true\\) on every replica", "remove", 3)
    code, _, errors = c.shell("reconfig", "-remove", "3")
    expect(code == 1 and "reconfigEnabled=true" in errors, f"shell: {code} {errors}")


def add_and_remove(cell, c):
    """A voter is added, takes part, and is removed."""
    cell.start(NEW)
    said = c.good("add", cell.spec(NEW))
    expect(f"{NEW} is a member now, as voter: server.{NEW}=" in said and "version " in said, said)
    c.wait_for_data(NEW)
    member = c.members()[NEW]
    expect(member["role"] == "voter" and member["client"] == cell.replicas[NEW].address, f"the new one: {member}")
    wait_for(lambda: cell.mode(NEW) == "follower", DEADLINE_S, "the new one follows")
    # It counts: two of four are too few, three are enough.
    cell.kill(3)
    cell.wait_serving(1, 2, NEW)
    expect(c.shell("set", "/member", "by 1, 2 and 4")[0] == 0, "a write without 3")
    cell.start(3)
    cell.wait_serving(*FOUNDERS, NEW)
    c.wait_for_data(NEW, "by 1, 2 and 4")
    expect(f"{NEW} is not a member any more; version " in c.good("remove", NEW), "remove")
    expect(sorted(c.members()) == [*FOUNDERS], "the list after it")
    c.refused(f"{NEW} is not a member", "remove", NEW)


def observer(cell, c):
    """An observer is added and promoted."""
    cell.start(NEW)
    expect(f"{NEW} is a member now, as observer" in c.good("add", cell.spec(NEW), "--observer"), "add --observer")
    c.wait_for_data(NEW)
    expect(c.members()[NEW]["role"] == "observer", "the role")
    wait_for(lambda: cell.mode(NEW) == "observer", DEADLINE_S, "it observes")
    c.refused(f"{NEW} is an observer already: promote {NEW}", "add", cell.spec(NEW))
    expect(f"{NEW} votes now; version " in c.good("promote", NEW), "promote")
    expect(c.members()[NEW]["role"] == "voter", "the role after it")
    wait_for(lambda: cell.mode(NEW) in ("follower", "leader"), DEADLINE_S, "it takes part")


def replaced(cell, c):
    """A member that is gone for good makes room for a new one with another number, in one change."""
    cell.kill(3)
    cell.wait_serving(1, 2)
    cell.start(NEW)
    said = c.good("replace", 3, cell.spec(NEW))
    expect(f"3 is not a member any more; {NEW} is a member now, as voter" in said and said.count("version ") == 1, said)
    expect(sorted(c.members()) == [1, 2, NEW], "the members after it")
    c.wait_for_data(NEW)
    # The cell survives the loss of another one.
    cell.wait_serving(1, 2, NEW)
    cell.kill(2)
    cell.wait_serving(1, NEW)
    expect(c.shell("set", "/member", "by 1 and 4")[0] == 0, "a write without 2")


def lost_disk(cell, c):
    """A replica whose disk is empty comes back under its number, in two changes."""
    cell.kill(3)
    cell.lose_disk(3)
    cell.wait_serving(1, 2)
    expect(c.shell("set", "/member", "while it was away")[0] == 0, "a write without 3")
    cell.start(3)
    said = c.good("replace", 3, cell.spec(3))
    expect("3 keeps its number: it is removed, then added, in two changes" in said and "3 is a member now, as voter" in said
           and said.count("version ") == 2, said)
    expect(sorted(c.members()) == [*FOUNDERS], "the members after it")
    c.wait_for_data(3, "while it was away")
    cell.wait_serving(*FOUNDERS)


def meanwhile(cell, c):
    """A change from a list that another change has left behind is refused."""
    version = json.loads(c.good("list", "--json", auth=None))["version"]
    cell.start(NEW)
    c.good("add", cell.spec(NEW), "--observer")
    code, _, errors = c.shell("reconfig", "-v", version, "-remove", "3")
    expect(code == 1 and "the members changed meanwhile" in errors, f"reconfig -v {version}: {code} {errors}")
    expect(sorted(c.members()) == [*FOUNDERS, NEW], "nothing was removed")


def lost_answer(cell, c):
    """The connection is lost behind a request: the command says so, and looks whether it has happened."""
    cell.start(NEW)
    with Proxy(cell.replicas[1].client_port, lose=True) as proxy:
        code, out, errors = c.run("add", cell.spec(NEW), servers=proxy.address)
        expect(proxy.met, "no reconfig came through the proxy")
    expect(code == 0 and "the change may have happened or not" in errors and f"{NEW} is a member now" in out, f"{code} {out}{errors}")
    expect(NEW in c.members(), "the list after it")
    c.wait_for_data(NEW)


def shell(cell, c):
    """`config` and `reconfig` of the shell."""
    _, text, _ = c.shell("config", auth=None)
    expect(text.count(":participant;") == 3 and re.search(r"^version=[0-9a-f]+$", text, re.MULTILINE), f"config: {text}")
    _, text, _ = c.shell("config", "-c", auth=None)
    addresses = sorted(cell.replicas[n].address for n in FOUNDERS)
    version, _, clients = text.strip().partition(" ")
    expect(sorted(clients.split(",")) == addresses and int(version, 16) >= 0, f"config -c: {text}")
    leaving = next(n for n in FOUNDERS if n != cell.master())
    others = cell.hosts(*(n for n in FOUNDERS if n != leaving))  # the one that leaves may hang up
    code, text, errors = c.shell("reconfig", "-v", version, "-remove", leaving, servers=others)
    expect(code == 0 and text.startswith("Committed new configuration:\nserver.") and f"server.{leaving}=" not in text,
           f"-remove: {code} {text}{errors}")
    three = ",".join(f"server.{cell.spec(n)}" for n in FOUNDERS)
    code, text, errors = c.shell("reconfig", "-s", "-members", three, servers=others)
    expect(code == 0 and f"server.{leaving}=" in text and "dataVersion = " in text, f"-members: {code} {text}{errors}")
    code, _, errors = c.shell("reconfig", "-remove", "3", auth=None)
    expect(code == 1 and "--auth" in errors, f"without rights: {code} {errors}")


def late_answer(cell, c):
    """While there is no answer the command tells what the leader says, and it gives up when the time is over."""
    port = cell.replicas[cell.master()].client_port
    cell.start(NEW)
    with Proxy(port, hold_s=3.5, says=f"zk_member_change\tadding {NEW}: 1200 of 5000 entries\n") as proxy:
        code, out, errors = c.run("add", cell.spec(NEW), servers=proxy.address)
        expect(code == 0 and errors == f"adding {NEW}: 1200 of 5000 entries\n" and f"{NEW} is a member now" in out, f"{code} {out}{errors}")
        text = c.good("list", auth=None, servers=proxy.address)
        expect(text.endswith(f"\nchange: adding {NEW}: 1200 of 5000 entries\n"), f"list: {text}")
    with Proxy(port, hold_s=2 * DEADLINE_S) as proxy:
        c.refused("no answer in time: the change may yet happen", "remove", NEW, "--timeout", 3, servers=proxy.address)
    expect(NEW in c.members(), "nothing was removed")


def leader_leaves(cell, c):
    """The leader is removed, by a command that is told of no other server."""
    master = cell.master()
    said = c.good("remove", master, servers=cell.replicas[master].address)
    expect(f"{master} is not a member any more; version " in said, said)
    rest = [n for n in FOUNDERS if n != master]
    cell.wait_serving(*rest)
    c.servers = cell.hosts(*rest)
    expect(sorted(c.members()) == rest, "the members after it")
    cell.stop(master)
    expect(c.shell("set", "/member", "by the others")[0] == 0, "a write by the others")


CASES = {"shown": shown, "refusals": refusals, "disabled": disabled, "add_and_remove": add_and_remove, "observer": observer,
         "replaced": replaced, "lost_disk": lost_disk, "meanwhile": meanwhile, "lost_answer": lost_answer,
         "late_answer": late_answer, "leader_leaves": leader_leaves, "shell": shell}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(CASES))
    parser.add_argument("--system", default="conclave", choices=["conclave", "zookeeper"])
    args = parser.parse_args()
    options = {"java_options": ["-Xmx128m", "-XX:TieredStopAtLevel=1"]} if args.system == "zookeeper" else {}
    ensemble = changing(ZooKeeperEnsemble if args.system == "zookeeper" else Cell)
    passed = failed = 0
    for name in [args.only] if args.only else CASES:
        began = time.monotonic()
        with ensemble(**options, settings={"reconfigEnabled": "false"} if name == "disabled" else {}) as cell:
            try:
                cell.start(*FOUNDERS)
                cell.wait_serving(*FOUNDERS)
                commands = Commands(cell)
                code, _, errors = commands.shell("create", "/member", "made")
                expect(code == 0, f"create: {code} {errors}")
                CASES[name](cell, commands)
                print(f"  {name}: ok ({time.monotonic() - began:.1f} s)", flush=True)
                passed += 1
            except (Failed, EnsembleError, subprocess.TimeoutExpired) as e:
                print(f"FAILED: {name}: {e}\n{cell.describe()}", flush=True)
                failed += 1
                cell.keep = True
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EnsembleError as e:
        print(f"FAILED: {e}\n0 passed, 1 failed")
        sys.exit(1)
