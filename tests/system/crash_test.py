#!/usr/bin/python3
"""Kills real servers under load and lets a checker that knows every acknowledged write look for all of them.

Each cycle kills with SIGKILL, at a random moment, the master, a follower, or all replicas at once, waits until writes succeed
again, restarts what was killed, and looks for everything acknowledged so far through one replica. In the end every
replica is read directly and the whole history is judged by crash_checker (its list says what is promised).

    crash_test.py [--cycles 30] [--system conclave|zookeeper] [--seed N] [--workers 6]

Prints figures and `N passed, M failed`; exit code 0 when nothing failed. The seed fixes the sequence of kills, not the
scheduling of the processes.
"""
import argparse
import asyncio
import collections
import random
import shutil
import statistics
import sys
import time

import crash_checker
import crash_checker_test
from cell import EnsembleError, ensemble
from crash_checker import OK, UNKNOWN, History
from crash_client import Client, ConnectionLoss, ZooError, addresses, open_client
from crash_load import BASE, IdleSession, Shared, Worker, leave_dead_session, look, make

RECOVERY_DEADLINE_S = 30
DEAD_TIMEOUT_MS = 4000  # the shortest that the default tick allows


async def off_loop(function, *args):
    """Waiting for processes must not hold up the clients."""
    return await asyncio.get_running_loop().run_in_executor(None, function, *args)


class CrashTest:
    def __init__(self, args, servers):
        self.args = args
        self.servers = servers
        self.random = random.Random(args.seed)
        self.history = History()
        self.shared = Shared(self.history, addresses(servers))
        self.kills = collections.Counter()
        self.gaps_s = {"master": [], "follower": [], "all": []}
        self.problems = []
        self.dead = []
        self.cycle = 0

    async def run_and_judge(self):
        """All problems. When the run itself breaks off, what the servers hold at that point is judged all the same."""
        try:
            return await asyncio.wait_for(self.run(), 120 + 20 * self.args.cycles)
        except (EnsembleError, ConnectionLoss, ZooError, asyncio.TimeoutError) as e:
            self.problems.append(f"in cycle {self.cycle} (seed {self.args.seed}): {type(e).__name__} {e}")
        try:
            trees = await asyncio.wait_for(self._read_all_replicas(), 60)
            self.problems += crash_checker.check(self.history, trees, self.args.expiry_bound_s)
        except (ConnectionLoss, ZooError, asyncio.TimeoutError) as e:
            self.problems.append(f"and the replicas could not be read afterwards: {e}")
        return self.problems

    async def run(self):
        self.servers.start()
        await off_loop(self.servers.wait_serving)
        setup = await open_client(self.shared.servers, name="setup")
        for path in (BASE, f"{BASE}/live", f"{BASE}/dead", f"{BASE}/log", f"{BASE}/counter"):
            await make(setup, path, b"")
        await self._next_queue(setup)
        await setup.close()

        workers = [Worker(self.shared, f"w{i}", self.args.timeout_ms, self.args.pause_s) for i in range(self.args.workers)]
        idle = IdleSession(self.shared, self.args.timeout_ms)
        tasks = [asyncio.ensure_future(w.run()) for w in [*workers, idle]]
        try:
            for self.cycle in range(1, self.args.cycles + 1):
                await self._one_cycle()
                broken = [t for t in tasks if t.done()]
                if broken:
                    await broken[0]
            self.shared.stopping = True
            await asyncio.wait_for(asyncio.gather(*tasks), RECOVERY_DEADLINE_S)
            await self._wait_for_dead_to_go()
            trees = await self._read_all_replicas()
        finally:
            for task in tasks:
                task.cancel()
        connected = [w for w in [*workers, idle.worker] if w.client]
        for w in connected:
            self.history.breaches += w.client.breaches
        self.problems += crash_checker.check(self.history, trees, self.args.expiry_bound_s)
        for w in connected:
            await w.client.close()
        self._print_figures([*workers, idle.worker], trees)
        return self.problems

    # ---- one cycle

    async def _one_cycle(self):
        await asyncio.sleep(self.random.uniform(0.2, 1.0))
        dead = await leave_dead_session(self.shared, self.cycle, DEAD_TIMEOUT_MS)
        if dead:
            self.dead.append(dead)
        kind, victims = await self._choose()
        at = self.servers.kill(*victims)
        self.kills[kind] += 1
        if kind == "all" and self.args.plant_rollback:
            self._plant_rollback()
        if kind == "all":
            self.servers.start(*victims)
            recovered = await self._wait_for_write(at)
        else:
            recovered = await self._wait_for_write(at)
            await asyncio.sleep(self.random.uniform(0, 0.5))
            self.servers.start(*victims)
        await off_loop(lambda: self.servers.wait_serving(deadline_s=RECOVERY_DEADLINE_S))
        self.gaps_s[kind].append(recovered - at)
        self.history.recoveries.append(recovered)
        await self._verify_so_far()
        if self.args.verbose:
            print(f"cycle {self.cycle}: {kind} {victims}, next write after {recovered - at:.3f} s", flush=True)

    def _plant_rollback(self):
        """The bug that this test is there to find: at the second kill of all, every disk forgets what came since the first."""
        for replica in self.servers.replicas.values():
            saved = replica.directory / "saved"
            if self.kills["all"] == 1:
                shutil.copytree(replica.data_dir, saved)
            elif self.kills["all"] == 2:
                shutil.rmtree(replica.data_dir)
                shutil.copytree(saved, replica.data_dir)

    async def _choose(self):
        kind = self.random.choices(["master", "follower", "all"], [4, 3, 3])[0]
        if self.cycle <= 3:
            kind = ["master", "follower", "all"][self.cycle - 1]  # each kind at least once
        master = await off_loop(self.servers.wait_serving)
        others = [n for n in self.servers.replicas if n != master]
        return kind, {"master": [master], "follower": [self.random.choice(others)], "all": list(self.servers.replicas)}[kind]

    async def _wait_for_write(self, after):
        """The time of the first acknowledgement of a write that was sent after `after`."""
        deadline = time.monotonic() + RECOVERY_DEADLINE_S
        while time.monotonic() < deadline:
            if self.shared.last_ack and self.shared.last_ack[0] > after:
                return self.shared.last_ack[1]
            await asyncio.sleep(0.002)
        raise EnsembleError(f"cycle {self.cycle}: no write acknowledged within {RECOVERY_DEADLINE_S} s of a kill\n"
                            + self.servers.describe())

    async def _verify_so_far(self):
        """Through one replica: all that was acknowledged before now in this cycle's queue, in logs and counters is there."""
        replica = self.random.choice(list(self.servers.replicas))
        client = Client(addresses(self.servers, replica), name="verifier")
        try:
            await client.connect()
            now = time.monotonic()
            acked = [o for o in self.history.ops if o.outcome == OK and o.done < now and not getattr(o, "verified", False)]
            await client.sync("/")
            queue = self.shared.queue
            names = set(await client.children(queue))
            found_in = {}
            for path in {o.target for o in acked if o.kind != "create"}:
                try:
                    found_in[path] = await client.get(path)
                except ZooError as e:
                    self.problems.append(f"cycle {self.cycle}: reading {path} at replica {replica} answers {e}")
            for op in acked:
                op.verified = True
                if op.kind != "create" and op.target not in found_in:
                    continue
                if op.kind == "create" and op.target == queue and op.path.rsplit("/", 1)[1] not in names:
                    self.problems.append(f"cycle {self.cycle}: acknowledged {op.path} is not at replica {replica}")
                if op.kind == "append" and str(op.number).encode() not in found_in[op.target][0].split():
                    self.problems.append(f"cycle {self.cycle}: append {op.number} to {op.target} is not at replica {replica}")
                if op.kind == "set" and found_in[op.target][1].version < op.version:
                    self.problems.append(f"cycle {self.cycle}: set {op.number} of {op.target} is not at replica {replica}")
            for ephemeral in self.dead[-4:]:
                self.history.sights.append(await look(client, ephemeral.path))
            await self._next_queue(client)
        except ConnectionLoss as e:
            self.problems.append(f"cycle {self.cycle}: replica {replica} did not serve the verifier: {e}")
        finally:
            await client.close()

    async def _next_queue(self, client):
        path = f"{BASE}/q{self.cycle:04}"
        await make(client, path, b"")
        self.shared.queue = path

    # ---- the end

    async def _wait_for_dead_to_go(self):
        """Polls the dead sessions' ephemerals until all are gone or clearly late; the checker judges what was seen."""
        client = await open_client(self.shared.servers, name="undertaker")
        limit = time.monotonic() + DEAD_TIMEOUT_MS / 1000 + self.args.expiry_bound_s + 1
        left = list(self.dead)
        while left and time.monotonic() < limit:
            sights = [await look(client, e.path) for e in left]
            self.history.sights += sights
            left = [e for e, sight in zip(left, sights) if sight.present]
            await asyncio.sleep(0.1)
        for ephemeral in left:
            self.problems.append(f"C8: {ephemeral.path} of a dead session never went")
        await client.close()

    async def _read_all_replicas(self):
        trees = {}
        for number in self.servers.replicas:
            client = Client(addresses(self.servers, number), name=f"reader-{number}")
            await client.connect()
            await client.sync("/")
            trees[number] = await client.tree()
            self.history.breaches += client.breaches
            client.abort()  # closing would be a write, and the next replica's tree would differ for a session's end
        live = {e.path for e in self.history.ephemerals if e.died is None}
        self.history.sights += [
            crash_checker.Sight(path, 0, time.monotonic(), path in tree, tree[path][1].owner if path in tree else None)
            for tree in trees.values() for path in live
        ]
        return trees

    def _print_figures(self, workers, trees):
        ops = self.history.ops
        outcomes = collections.Counter(o.outcome for o in ops)
        print(f"{sum(self.kills.values())} kill cycles ({', '.join(f'{n} of {k}' for k, n in sorted(self.kills.items()))}), "
              f"seed {self.args.seed}")
        print(f"{len(ops)} writes: {outcomes[OK]} acknowledged, {outcomes[UNKNOWN]} unknown, {outcomes['failed']} refused; "
              f"{len(self.history.reads)} local reads; {len(next(iter(trees.values())))} nodes at each of {len(trees)} replicas")
        expired = len(self.history.losses)
        print(f"{len(workers)} live sessions, {sum(w.reconnects for w in workers)} reconnections, {expired} expired; "
              f"{len(self.dead)} dead sessions")
        for kind, gaps in self.gaps_s.items():
            if gaps:
                print(f"from kill of {kind} to the next acknowledged write of anyone: median "
                      f"{statistics.median(gaps) * 1000:.0f} ms, max {max(gaps) * 1000:.0f} ms")


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cycles", type=int, default=30)
    parser.add_argument("--system", default="conclave", choices=["conclave", "zookeeper"])
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--workers", type=int, default=6)
    parser.add_argument("--timeout-ms", type=int, default=10000, help="session timeout of the workers")
    parser.add_argument("--pause-s", type=float, default=0.02, help="pause of each lane of a worker between two requests")
    parser.add_argument("--expiry-bound-s", type=float, default=3.0, help="how late beyond its timeout a session may end")
    parser.add_argument("--plant-rollback", action="store_true",
                        help="lose acknowledged writes on purpose at the second kill of all: this run must fail")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args(argv)


def main(argv=None):
    args = parse(argv)
    own_passed, own_failed = crash_checker_test.run()
    if own_failed:
        print(f"the checker fails its own test: its verdict would mean nothing\n{own_passed} passed, {own_failed} failed")
        return 1
    # Small snapshots often, so that recovery goes through snapshot and journal.
    with ensemble(args.system, settings={"snapCount": 1000}) as servers:
        test = CrashTest(args, servers)
        problems = asyncio.run(test.run_and_judge())
        servers.keep = bool(problems)
    for problem in problems[:40]:
        print(f"FAILED: {problem}")
    if len(problems) > 40:
        print(f"... and {len(problems) - 40} more")
    failed = len(problems)
    print(f"checker: {own_passed} known histories judged rightly")
    print(f"{own_passed + (0 if failed else sum(test.kills.values()))} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EnsembleError as e:
        print(f"FAILED: {e}\n0 passed, 1 failed")
        sys.exit(1)
