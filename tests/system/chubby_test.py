#!/usr/bin/python3
"""The lock service of a real cell of three: the commands of `conclave` end to end, and a program that keeps its session,
lock, handles and cache while the master is killed again and again.

    chubby_test.py [--only NAME] [--kills 20]

Leases last two seconds, so that losing one does not take long. Prints the cases and `N passed, M failed`.
"""
import argparse
import base64
import hashlib
import json
import os
import pathlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time

from kazoo.client import KazooClient

from cell import Cell, EnsembleError, wait_for

LEASE_S = 2.0
DEADLINE_S = 20


class Failed(Exception):
    """A case did not see what it should. The text says what it saw."""


def expect(condition, what):
    if not condition:
        raise Failed(what)


class Program:
    """A program that runs beside the test: its lines of output as they come."""

    def __init__(self, command, environment):
        self.process = subprocess.Popen([*map(str, command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        text=True, env=environment, errors="replace")
        self.lines = queue.Queue()
        self.errors = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.error_reader = threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True)
        self.reader.start()
        self.error_reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def line(self, deadline_s=DEADLINE_S):
        """The next line; None at the end."""
        try:
            return self.lines.get(timeout=deadline_s)
        except queue.Empty:
            raise Failed(f"no line within {deadline_s} s; errors: {''.join(self.errors)}") from None

    def until(self, pattern, deadline_s=DEADLINE_S):
        """The lines up to one that matches."""
        seen = []
        deadline = time.monotonic() + deadline_s
        while True:
            line = self.line(max(0.01, deadline - time.monotonic()))
            if line is None:
                raise Failed(f"ended without {pattern}: {seen} {''.join(self.errors)}")
            seen.append(line)
            if re.search(pattern, line):
                return seen

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def finish(self):
        self.process.stdin.close()

    def code(self, deadline_s=DEADLINE_S):
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            raise Failed(f"does not end: {''.join(self.errors)}") from None

    def error_text(self):
        self.error_reader.join(5)
        return "".join(self.errors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Commands:
    """`conclave` against the cell."""

    def __init__(self, cell):
        self.cell = cell
        self.environment = dict(os.environ) | {"CONCLAVE_SERVERS": cell.chubby_hosts()}

    def run(self, *arguments, text=None):
        """(exit code, output, errors)"""
        done = subprocess.run([str(self.cell.binary), *map(str, arguments)], input=text, capture_output=True, text=True, timeout=60,
                              env=self.environment, check=False)
        return done.returncode, done.stdout, done.stderr

    def good(self, *arguments, text=None):
        code, out, errors = self.run(*arguments, text=text)
        expect(code == 0 and not errors, f"conclave {' '.join(map(str, arguments))}: {code} {out}{errors}")
        return out

    def refused(self, code, pattern, *arguments):
        got, out, errors = self.run(*arguments)
        expect(got == code and re.search(pattern, errors) and not out,
               f"conclave {' '.join(map(str, arguments))}: {got} instead of {code}, {out}{errors}")

    def start(self, *arguments):
        return Program([self.cell.binary, *arguments], self.environment)


# ---- cases


def files(cell, c):
    c.good("put", "/files", "-d")
    c.good("put", "/files/a", "one")
    expect(c.good("cat", "/files/a") == "one", "cat after put")
    c.good("put", "/files/a", "-", text="two\n")
    expect(c.good("cat", "/ls/local/files/a") == "two\n", "from standard input, and by the name of a cell")
    c.good("put", "-p", "/files/b/c/d", "deep")
    expect(c.good("ls", "/files") == "a\nb/\n", c.good("ls", "/files"))
    expect(" 4 " in c.good("ls", "-l", "/files"), "length in ls -l")
    expect([e["name"] for e in json.loads(c.good("ls", "--json", "/files"))] == ["a", "b"], "ls --json")
    stat = json.loads(c.good("stat", "--json", "/files/a"))
    expect((stat["length"], stat["directory"], stat["ephemeral"]) == (4, False, False), f"stat {stat}")
    generation = stat["content_generation"]
    written = json.loads(c.good("put", "--json", "--generation", generation, "/files/a", "three"))
    expect(written["content_generation"] != generation, "a new generation")
    c.refused(1, "somebody else|generation", "put", "--generation", generation, "/files/a", "four")
    expect(json.loads(c.good("cat", "--json", "/files/a"))["contents"] == "three", "cat --json")
    c.refused(1, "exists", "put", "--new", "/files/a", "x")
    c.refused(1, "no such node", "cat", "/files/none")
    c.refused(1, "children", "rm", "/files/b")
    c.good("rm", "-r", "/files/b")
    c.good("rm", "-f", "/files/b")
    c.refused(1, "no such node", "rm", "/files/b")
    c.refused(1, "cell", "cat", "/ls/another/files/a")
    c.refused(2, "generation", "put", "--generation", "x", "/files/a", "y")
    c.refused(3, "no answer from the cell", "cat", "--servers", "127.0.0.1:1", "--timeout", "200", "/files/a")


def zookeeper(cell, c):
    client = KazooClient(cell.hosts())
    client.start(timeout=DEADLINE_S)
    try:
        client.create("/from-zookeeper", b"z")
        expect(c.good("cat", "/from-zookeeper") == "z", "made by ZooKeeper")
        c.good("put", "/from-zookeeper", "zz")
        expect(client.get("/from-zookeeper")[0] == b"zz", "changed from here")
        c.good("put", "/from-chubby", "c")
        expect(client.get("/from-chubby")[0] == b"c", "made here")
        with c.start("events", "/from-chubby") as events:
            events.until("watching")
            client.set("/from-chubby", b"cc")
            events.until("contents changed")
            expect(c.good("cat", "/from-chubby") == "cc", "changed by ZooKeeper")
            client.delete("/from-chubby")
            events.until("handle invalid|gone|removed")
            expect(events.code() == 1, "events of a removed node")
        c.refused(1, "no such node", "cat", "/from-chubby")
    finally:
        client.stop()
        client.close()


def locks(cell, c):
    with c.start("lock", "/lock", "--", "sh", "-c", "echo $CONCLAVE_SEQUENCER; echo $CONCLAVE_LOCK; cat; exit 7") as holder:
        sequencer = holder.line()
        expect(re.match(r"conclave-lock/1 .*/lock$", sequencer), f"sequencer {sequencer}")
        expect(holder.line() == "/lock", "CONCLAVE_LOCK")
        c.refused(123, "held", "lock", "/lock", "--try", "--", "true")
        c.refused(123, "held", "lock", "/lock", "--try", "--shared", "--", "true")
        c.refused(123, "not got within 300 ms", "lock", "/lock", "--timeout", "300", "--", "true")
        with c.start("lock", "/lock", "--", "echo", "mine now") as waiter:
            def listed():
                found = [x for x in json.loads(c.good("locks", "--json"))["locks"] if x["path"] == "/lock"]
                return found if found and found[0]["waiters"] else None
            lock = wait_for(listed, DEADLINE_S, "a waiter in the list")[0]
            expect(len(lock["holders"]) == 1 and len(lock["waiters"]) == 1, f"locks: {lock}")
            expect("waited for" in c.good("locks"), "the waiter in the text")
            expect(len(json.loads(c.good("sessions", "--json"))) >= 3, "sessions: holder, waiter and who asks")
            holder.finish()
            expect(holder.code() == 7, f"the command's exit code, not {holder.code()}")
            expect(waiter.line() == "mine now", "the waiter's turn")
            expect(waiter.code() == 0, "the waiter's end")
    with c.start("lock", "/lock", "--shared", "--", "sh", "-c", "echo in; cat") as one:
        one.line()
        c.good("lock", "/lock", "--shared", "--try", "--", "true")
        c.refused(123, "held", "lock", "/lock", "--try", "--", "true")
    code, _, errors = c.run("lock", "/lock", "--timeout", "20000", "--", "/no/such/program")
    expect(code == 127 and "No such file" in errors, f"no such command: {code} {errors}")
    expect(c.run("lock", "/lock", "--", "sh", "-c", "kill -9 $$")[0] == 137, "a command that is killed")
    expect(c.run("lock", "/lock")[0] == 2, "without a command")


TRAP = 'trap "echo told; exit 9" TERM; echo in; while :; do sleep 0.05; done'
DEAF = 'trap "echo told" TERM; echo in; while :; do sleep 0.05; done'


def lost(cell, c):
    """The command of a lock that is lost is ended."""
    with c.start("lock", "/lost", "--", "sh", "-c", TRAP) as holder:
        holder.until("in")
        holder.process.send_signal(signal.SIGTERM)
        expect(holder.until("told") and holder.code() == 9, "a signal goes to the command, and its code comes back")
    with c.start("lock", "/lost", "--", "sh", "-c", TRAP) as holder:
        holder.until("in")
        c.good("rm", "/lost")
        holder.until("told")
        expect(holder.code() == 124 and "lock is lost" in holder.error_text(), f"a lost lock: {holder.code()} {holder.errors}")
    with c.start("lock", "/lost", "--kill-after", "300", "--", "sh", "-c", DEAF) as holder:
        holder.until("in")
        c.good("rm", "/lost")
        holder.until("told")
        expect(holder.code() == 124, "a command that does not listen")
    # One that sleeps longer than its lease loses the lock, and finds out when it wakes up.
    with c.start("lock", "/lost", "--", "sh", "-c", TRAP) as sleeper:
        sleeper.until("in")
        sleeper.process.send_signal(signal.SIGSTOP)
        with c.start("lock", "/lost", "--", "echo", "mine now") as waiter:
            expect(waiter.line() == "mine now" and waiter.code() == 0, "the lock of a sleeper")
        sleeper.process.send_signal(signal.SIGCONT)
        sleeper.until("told")
        expect(sleeper.code() == 124 and "expired" in sleeper.error_text(), f"the sleeper: {sleeper.code()} {sleeper.errors}")
    # It does not outlive who holds the lock for it.
    with c.start("lock", "/lost", "--", "sh", "-c", "echo $$; cat") as holder:
        command = int(holder.line())
        holder.process.kill()
        wait_for(lambda: not pathlib.Path(f"/proc/{command}").exists(), DEADLINE_S, "the end of an orphan")


def election(cell, c):
    c.refused(1, "no such node", "elect", "/leader")
    with c.start("elect", "/leader", "--id", "one", "--", "sh", "-c", "echo $CONCLAVE_SEQUENCER; cat") as one:
        expect("/leader" in one.line(), "the sequencer of the primary")
        expect(c.good("elect", "/leader") == "one\n", "who is primary")
        with c.start("elect", "/leader", "--id", "two", "--", "sh", "-c", "echo primary; cat") as two, \
                c.start("elect", "/leader", "--follow") as follower:
            expect(follower.line() == "one", "the first that is told")
            one.process.kill()
            expect(two.line() == "primary", "the next one, when the lease of the first has ended")
            follower.until("two")
            expect(json.loads(c.good("elect", "--json", "/leader")) == {"primary": "two"}, "elect --json")
            two.finish()
            expect(two.code() == 0, "the end of the second")
            follower.process.send_signal(signal.SIGINT)
            expect(follower.code() == 0, "the end of the follower")
    c.refused(1, "nobody is primary", "elect", "/leader")


def events(cell, c):
    c.good("put", "-d", "/watched")
    with c.start("events", "/watched", "--json") as watch:
        expect(json.loads(watch.line())["event"] == "watching", "the first line")
        c.good("put", "/watched/a", "x")
        event = json.loads(watch.line())
        expect((event["event"], event["child"]) == ("child added", "a"), f"{event}")
        c.good("put", "/watched/a", "y")
        expect(json.loads(watch.line())["event"] == "child changed", "a changed child")
        c.good("rm", "/watched/a")
        expect(json.loads(watch.line())["event"] == "child removed", "a removed child")
        watch.process.send_signal(signal.SIGINT)
        expect(watch.code() == 0, "interrupted")


def rights(cell, c):
    c.good("put", "-d", "/acl")
    digest = "jane:" + base64.b64encode(hashlib.sha1(b"jane:secret").digest()).decode()
    c.good("put", "/acl/jane", f"digest:{digest}\n")
    c.good("put", "/private", "hers")
    c.good("acl", "/private", "set", "--read", "jane", "--write", "jane")
    names = json.loads(c.good("acl", "--json", "--user", "jane:secret", "/private"))
    expect(names["read"] == names["write"] == "jane", f"acl: {names}")
    expect(c.good("cat", "--user", "jane:secret", "/private") == "hers", "she may read")
    c.refused(1, "permission denied", "cat", "/private")
    c.refused(1, "permission denied", "cat", "--user", "jane:wrong", "/private")
    c.refused(125, "permission denied", "lock", "--user", "joe:x", "/private", "--", "true")
    c.refused(2, "user:password", "cat", "--user", "jane", "/private")


def holder_program(cell):
    return cell.binary.parent / "chubby_holder"


def deadlock(cell, c):
    """Two that wait for each other are named."""
    directories = ["/dead-1", "/dead-2"]
    for directory in directories:
        c.good("put", "-d", directory)
    command = [holder_program(cell), cell.chubby_hosts()]
    with Program([*command, directories[0]], c.environment) as one, Program([*command, directories[1]], c.environment) as two:
        for program in (one, two):
            expect(program.until("FAILED|ready")[-1].startswith("ready"), "a lock each")
        expect(json.loads(c.good("locks", "--json"))["deadlocks"] == [], "none yet")
        one.say("lock /dead-2/locked")
        two.say("lock /dead-1/locked")
        wait_for(lambda: c.run("locks")[0] == 1, DEADLINE_S, "a deadlock that is found")
        deadlocks = json.loads(c.run("locks", "--json")[1])["deadlocks"]
        expect(len(deadlocks) == 1 and {w["waits_for"] for w in deadlocks[0]} == {"/dead-1/locked", "/dead-2/locked"}, f"{deadlocks}")
        expect("DEADLOCK of 2 sessions" in c.run("locks")[1], "its text")
        two.finish()
        expect("locked /dead-2/locked" in one.until("^(locked|FAILED)"), "the other one goes on when one gives up")
        one.finish()
        expect(one.code() == 0 and two.code() == 0, "the end of both")
    wait_for(lambda: c.run("locks")[0] == 0, DEADLINE_S, "the end of the deadlock")


def process_state(pid):
    """R, S, T ... as ps shows it."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def survives(cell, c, kills):
    """Kill -9 of the master, again and again."""
    c.good("put", "-d", "/held")
    times = []
    with Program([holder_program(cell), cell.chubby_hosts(), "/held"], c.environment) as held:
        first = held.until("^(ready|FAILED)")[-1]
        expect(first.startswith("ready"), first)
        fail_overs = 0
        for kill in range(1, kills + 1):
            c.good("put", "/held/shared", str(kill))
            held.until("shared: contents changed")
            held.say(f"check {kill}")
            before = held.until("^(checked|FAILED|expired)")[-1]
            expect(f"checked {kill} shared={kill} sequencer=valid handles=23/23" in before, before)
            master = cell.wait_serving()
            at = time.monotonic()
            cell.kill(master)
            held.say(f"check {kill}0")
            after = held.until("^(checked|FAILED|expired)")
            times.append(time.monotonic() - at)
            cell.start(master)
            expect(f"checked {kill}0 shared={kill} sequencer=valid handles=23/23" in after[-1], "\n".join(after))
            expect(before.split("session=")[1].split()[0] == after[-1].split("session=")[1].split()[0], "the same session")
            fail_overs = int(re.search(r"fail_overs=(\d+)", after[-1])[1])
            expect(fail_overs >= kill, f"{fail_overs} fail-overs after {kill} kills")
            c.refused(123, "held", "lock", "/held/locked", "--try", "--", "true")
        jeopardies = re.search(r"jeopardies=(\d+)", after[-1])[1]
        expect(c.good("cat", "/held/locked") == f"{kills}0", "what was written last")
        expect(c.good("ls", "/held").count("ephemeral") == 1, "the ephemeral file")
        times.sort()
        print(f"  {kills} kills: a session, a lock, 23 handles kept; next answers after {times[0] * 1000:.0f} to "
              f"{times[-1] * 1000:.0f} ms, median {times[len(times) // 2] * 1000:.0f} ms; {jeopardies} times in jeopardy")

        # No quorum for longer than a lease: jeopardy, and then it was kept all the same.
        cell.wait_serving()
        master = cell.master()
        other = next(n for n in cell.replicas if n != master)
        with c.start("lock", "/held/paused", "--jeopardy", "pause", "--", "sh", "-c", "echo $$; cat") as paused, \
                c.start("lock", "/held/stopped", "--jeopardy", "stop", "--", "sh", "-c", TRAP) as stopped:
            command = int(paused.line())
            stopped.until("in")
            cell.kill(master, other)
            held.until("^jeopardy", LEASE_S + 3)
            wait_for(lambda: process_state(command) == "T", DEADLINE_S, "a command that is paused in jeopardy")
            stopped.until("told")
            time.sleep(LEASE_S)
            held.say("check 99")
            cell.start(master, other)
            seen = held.until("^(checked|FAILED|expired)")
            expect("safe" in seen and "checked 99" in seen[-1] and "sequencer=valid handles=23/23" in seen[-1], "\n".join(seen))
            wait_for(lambda: process_state(command) == "S", DEADLINE_S, "a command that goes on when the lock was kept")
            paused.finish()
            expect(paused.code() == 0 and "safe again" in paused.error_text(), f"the end of the paused one: {paused.errors}")
            expect(stopped.code() == 124, "the end of the one stopped in jeopardy")
        cell.wait_serving()

        # A master that is told to stop hands over.
        master = cell.master()
        expect(cell.stop(master)[master] == 0, "the end of a master that is told to stop")
        held.say("check 100")
        expect("sequencer=valid handles=23/23" in held.until("^(checked|FAILED|expired)")[-1], "after a stop")
        cell.start(master)
        cell.wait_serving()
        held.finish()
        expect(held.code() == 0, "the end of the holder")
    c.good("lock", "/held/locked", "--try", "--", "true")
    wait_for(lambda: "ephemeral" not in c.good("ls", "/held"), DEADLINE_S, "the end of the ephemeral file")


CASES = {
    "files": files,
    "zookeeper": zookeeper,
    "locks": locks,
    "lost": lost,
    "election": election,
    "deadlock": deadlock,
    "events": events,
    "rights": rights,
    "survives": survives,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(CASES))
    parser.add_argument("--kills", type=int, default=20)
    args = parser.parse_args()
    passed = failed = 0
    settings = {"conclave.chubby.lease_ms": int(LEASE_S * 1000), "conclave.chubby.unopened_grace_ms": 3000}
    with Cell(settings=settings) as cell:
        cell.start()
        cell.wait_serving()
        commands = Commands(cell)
        for name, case in CASES.items():
            if args.only and name != args.only:
                continue
            began = time.monotonic()
            try:
                case(cell, commands, args.kills) if case is survives else case(cell, commands)
                print(f"  {name}: ok ({time.monotonic() - began:.1f} s)", flush=True)
                passed += 1
            except (Failed, EnsembleError, subprocess.TimeoutExpired) as e:
                print(f"FAILED: {name}: {e}", flush=True)
                failed += 1
                cell.keep = True
        if failed:
            print(cell.describe())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EnsembleError as e:
        print(f"FAILED: {e}\n0 passed, 1 failed")
        sys.exit(1)
