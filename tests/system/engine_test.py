#!/usr/bin/python3
"""Which engine a real cell runs, and that nothing of two engines is ever mixed: a replica with another engine is refused by the
cell, and a replica refuses a journal that another engine wrote. Each refusal names both engines and changes nothing.

    engine_test.py [--only NAME]

Prints the cases and `N passed, M failed`.
"""
import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import time

from cell import Cell, EnsembleError, wait_for

DEADLINE_S = 30
NAMES = {"paxos": "Multi-Paxos", "raft": "Raft"}


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def conclave(cell, *arguments):
    """(exit code, standard output, standard error) of a command."""
    done = subprocess.run([cell.binary, *map(str, arguments)], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return done.returncode, done.stdout, done.stderr


def set_engine(replica, engine):
    """The replica starts with this engine from now on."""
    kept = [line for line in replica.config.read_text().splitlines() if not line.startswith("conclave.consensus.engine")]
    replica.config.write_text("\n".join([*kept, f"conclave.consensus.engine={engine}", ""]))


def content(directory):
    """{path: digest} of every file but LOCK, which names the process that used the directory last."""
    return {path.relative_to(directory): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(directory.rglob("*")) if path.is_file() and path.name != "LOCK"}


def set_and_get(cell, number, text):
    """A write through one replica, read back there."""
    address = cell.replicas[number].address
    expect(conclave(cell, "shell", address, "set", "/engine", text)[0] == 0, f"a write through replica {number}")
    expect(conclave(cell, "shell", address, "get", "/engine")[1] == f"{text}\n", f"a read through replica {number}")


def refuses_its_journal(cell, number, own, other):
    """A start of a replica whose journal is of the engine `other`: exit code 1, a reason, and no file is touched."""
    replica = cell.replicas[number]
    before = content(replica.data_dir)
    log_bytes = replica.log.stat().st_size
    set_engine(replica, own)
    cell.start(number)
    code = replica.process.wait(DEADLINE_S)
    said = replica.log.read_text()[log_bytes:]
    expect(code == 1, f"replica {number} ended with {code}: {said}")
    expect("cannot start" in said and "journal/segment-" in said and f"written by {NAMES[other]}" in said
           and f"is to run {NAMES[own]}" in said, f"replica {number} says: {said}")
    changed = {path for path, _ in before.items() ^ content(replica.data_dir).items()}
    expect(not changed, f"replica {number} changed its files: {sorted(map(str, changed))}")


# ---- the cases: each has a cell of its own that serves, and the node /engine

def shown(cell, engine, _other):
    """The engine is shown wherever one looks."""
    for number, replica in cell.replicas.items():
        expect(cell.mntr(number).get("conclave_engine") == engine, f"mntr of replica {number}: {cell.mntr(number)}")
        expect(f" engine={engine} " in replica.log.read_text(), f"no line of its start at replica {number} names the engine")
        set_and_get(cell, number, f"through {number}")
    code, text, _ = conclave(cell, "status", cell.hosts())
    expect(code == 0 and "ENGINE" in text and text.count(f"  {engine} ") == 3, f"status: {code} {text}")
    code, text, _ = conclave(cell, "status", "--json", cell.hosts())
    engines = [replica["figures"]["engine"] for replica in json.loads(text)["replicas"]]
    expect(code == 0 and engines == [engine] * 3, f"status --json: {code} {engines}")
    cell.stop(1)
    code, text, _ = conclave(cell, "journal", "dump", cell.replicas[1].data_dir)
    expect(code == 0 and f" live engine={NAMES[engine]}\n" in text, f"journal dump: {code} {text[:300]}")


def flag(cell, engine, other):
    """--engine goes before the file; a name that is no engine is refused with what there is."""
    config = cell.replicas[1].config
    for arguments, shown_engine in [((), engine), (("--engine", other), other)]:
        code, text, _ = conclave(cell, "server", "--zoo-cfg", config, "--check", *arguments)
        expect(code == 0 and text.endswith(f"engine {shown_engine}\n"), f"--check {arguments}: {code} {text}")
    code, _, errors = conclave(cell, "server", "--zoo-cfg", config, "--check", "--engine", "zab")
    expect(code == 2 and "paxos" in errors and "raft" in errors, f"--engine zab: {code} {errors}")


def journal(cell, engine, other):
    """A replica does not take up a journal of another engine, and goes on when it has its own again."""
    cell.stop(2)
    refuses_its_journal(cell, 2, other, engine)
    set_engine(cell.replicas[2], engine)
    cell.start(2)
    cell.wait_serving()
    set_and_get(cell, 2, "it is back")


def peers(cell, engine, other):
    """An empty replica of another engine never becomes a part of the cell, be it the side that connects (3) or accepts (1)."""
    for number in (3, 1):
        replica = cell.replicas[number]
        rest = [n for n in cell.replicas if n != number]
        cell.stop(number)
        # Its own disk is put aside: without that it would be no voter any more (B38).
        for name in ("journal", "snapshots"):
            (replica.data_dir / name).rename(replica.data_dir / f"own-{name}")
        set_engine(replica, other)
        started = {n: r.log.stat().st_size for n, r in cell.replicas.items()}

        def said(n):
            return cell.replicas[n].log.read_text()[started[n]:]

        cell.start(number)
        # The side that accepts names both and tells the other one, which logs what it was told. One line per host in 30 s.
        for n in rest:
            accepts, connects = min(n, number), max(n, number)
            names = {number: NAMES[other], n: NAMES[engine]}
            reason = f"replica {connects} runs {names[connects]}, replica {accepts} of this cell {names[accepts]}"
            wait_for(lambda: "refused by a peer" in said(connects) and reason in said(connects), DEADLINE_S,
                     lambda: f"\"{reason}\" at replica {connects}: {said(connects)}")
            expect("refused a peer" in said(accepts), f"replica {accepts} does not say that it refused: {said(accepts)}")
        cell.wait_serving(*rest)
        set_and_get(cell, rest[0], f"without {number}")
        expect(replica.running() and cell.mode(number) is None, f"replica {number} serves: {cell.mode(number)}")
        cell.stop(number)
        # The mistake has left a journal behind, which is of the wrong engine.
        refuses_its_journal(cell, number, engine, other)
        for name in ("journal", "snapshots"):
            shutil.rmtree(replica.data_dir / name)
            (replica.data_dir / f"own-{name}").rename(replica.data_dir / name)
        cell.start(number)
        cell.wait_serving()
        expect(conclave(cell, "shell", replica.address, "sync", "/")[0] == 0, f"sync at replica {number}")
        _, text, _ = conclave(cell, "shell", replica.address, "get", "/engine")
        expect(text == f"without {number}\n", f"replica {number} has caught up with {text}")


CASES = {"shown": shown, "flag": flag, "journal": journal, "peers": peers}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(CASES))
    args = parser.parse_args()
    passed = failed = 0
    for engine, other in [("paxos", "raft"), ("raft", "paxos")]:
        for name, case in CASES.items():
            if args.only and name != args.only:
                continue
            began = time.monotonic()
            with Cell(engine=engine) as cell:
                try:
                    cell.start()
                    cell.wait_serving()
                    code, _, errors = conclave(cell, "shell", cell.hosts(), "create", "/engine", "made")
                    expect(code == 0, f"create: {code} {errors}")
                    case(cell, engine, other)
                    print(f"  {name} on {NAMES[engine]}: ok ({time.monotonic() - began:.1f} s)", flush=True)
                    passed += 1
                except (Failed, EnsembleError, subprocess.TimeoutExpired) as e:
                    print(f"FAILED: {name} on {NAMES[engine]}: {e}\n{cell.describe()}", flush=True)
                    failed += 1
                    cell.keep = True
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
