#!/usr/bin/python3
"""Flips single bits in one replica's journal and snapshot files and restarts it: it repairs itself from its peers, or it
stops and says why. It never serves a wrong byte and never dies without a named cause.

For every sample: stop the replica, flip one bit of one file, start it, and then either
  - it serves: the very first reads, which may be stale, show only data that was written, at its place and version; after a
    sync every read equals the last acknowledged write and the peers' stats; or
  - it ends: with an exit code, not by a signal, and its last log lines name the cause.
Positions are sampled over the head, the records, the tail and the unused end of every file.

    corruption_test.py [--samples 40] [--system conclave|zookeeper] [--seed N]

Prints what became of the samples and `N passed, M failed`.
"""
import argparse
import asyncio
import collections
import hashlib
import os
import pathlib
import random
import re
import shutil
import sys
import time

from cell import EnsembleError, ensemble, wait_for
from crash_client import Client, ConnectionLoss, ZooError, addresses, open_client
from crash_load import make

BASE = "/corruption"
SERVE_DEADLINE_S = 30
NOT_STATE = {"myid", "zookeeper_server.pid"}
HEAD_BYTES = 64
CAUSE = re.compile(
    r"corrupt|damage|checksum|crc|mismatch|invalid|malformed|unreadable|bad magic|version|inconsisten|less than", re.IGNORECASE)


def payload(path, version):
    """Data that proves itself: path, version, filler and a digest of all that."""
    body = f"{path} {version} ".encode() + b"." * (37 * version % 300)
    return body + b" " + hashlib.sha256(body).hexdigest().encode()


def is_payload_of(path, data):
    """The version of self-proving data, or None when it is not what was written to this path."""
    body, _, digest = data.rpartition(b" ")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        return None
    name, version = body.split(b" ")[:2]
    return int(version) if name.decode() == path else None


class Flip:
    """One flipped bit."""

    def __init__(self, path, offset, bit, region):
        self.path, self.offset, self.bit, self.region = path, offset, bit, region

    def apply(self):
        with open(self.path, "r+b") as f:
            f.seek(self.offset)
            byte = f.read(1)[0]
            f.seek(self.offset)
            f.write(bytes([byte ^ (1 << self.bit)]))
            f.flush()
            os.fsync(f.fileno())

    def __str__(self):
        return f"bit {self.bit} of byte {self.offset} of {self.path.name} ({self.region})"


def used_size(path):
    """Bytes up to the last one that is not zero: behind it lies what was only preallocated."""
    size = path.stat().st_size
    with open(path, "rb") as f:
        end = size
        while end > 0:
            start = max(0, end - (1 << 16))
            f.seek(start)
            chunk = f.read(end - start).rstrip(b"\0")
            if chunk:
                return start + len(chunk)
            end = start
    return 0


def state_files(directory):
    return sorted(p for p in pathlib.Path(directory).rglob("*") if p.is_file() and p.name not in NOT_STATE and p.stat().st_size)


def choose_flip(rng, directory, region):
    """A random bit of the wanted region of a random file; large files are not favoured over small ones."""
    files = state_files(directory)
    path = rng.choice(files)
    size, used = path.stat().st_size, used_size(path)
    low, high = {
        "head": (0, min(HEAD_BYTES, used)),
        "records": (min(HEAD_BYTES, max(used - 1, 0)), used),
        "tail": (max(0, used - HEAD_BYTES), used),
        "unused": (used, size),
    }[region]
    if low >= high:
        low, high, region = 0, used or size, "records"
    return Flip(path, rng.randrange(low, high), rng.randrange(8), region)


class CorruptionTest:
    def __init__(self, args, servers):
        self.args = args
        self.servers = servers
        self.rng = random.Random(args.seed)
        self.versions = {}  # path -> version acknowledged last
        self.outcomes = collections.Counter()
        self.files = collections.Counter()  # kinds of files hit, numbers left out
        self.problems = []
        self.passed = 0

    async def off_loop(self, function, *args):
        return await asyncio.get_running_loop().run_in_executor(None, function, *args)

    async def run(self):
        self.servers.start()
        await self.off_loop(self.servers.wait_serving)
        writer = await open_client(addresses(self.servers), name="writer")
        await make(writer, BASE, b"")
        await self.write(writer, 2500)
        await writer.close()
        regions = ["head", "records", "tail", "records", "unused"]
        for sample in range(self.args.samples):
            await self.one_sample(sample, regions[sample % len(regions)])

    async def write(self, client, count):
        """Creates some nodes and overwrites others."""
        for start in range(0, count, 100):
            batch = []
            for _ in range(min(100, count - start)):
                if len(self.versions) < 300 or self.rng.random() < 0.2:
                    path = f"{BASE}/n{len(self.versions):06}"
                    batch.append((path, 0, client.create(path, payload(path, 0))))
                    self.versions[path] = 0
                else:
                    path = self.rng.choice(list(self.versions))
                    version = self.versions[path] + 1
                    batch.append((path, version, client.set(path, payload(path, version))))
                    self.versions[path] = version
            await asyncio.gather(*(future for _, _, future in batch))

    async def one_sample(self, sample, region):
        victim = 1 + sample % len(self.servers.replicas)
        replica = self.servers.replicas[victim]
        others = [n for n in self.servers.replicas if n != victim]
        if self.rng.random() < 0.5:
            await self.off_loop(self.servers.stop, victim)
        else:
            self.servers.kill(victim)
        await self.off_loop(lambda: self.servers.wait_serving(*others))
        # What the victim misses, it must fetch; and its peers must hold what it may have lost.
        writer = await open_client(addresses(self.servers, *others), name="writer")
        await self.write(writer, 30)
        await writer.close()

        saved = self.servers.directory / "saved"
        shutil.rmtree(saved, ignore_errors=True)
        shutil.copytree(replica.data_dir, saved)
        flip = choose_flip(self.rng, replica.data_dir, region)
        flip.apply()
        self.files[re.sub(r"[0-9a-f]*\d[0-9a-f]*", "*", flip.path.name)] += 1
        log_before = replica.log.stat().st_size
        started = time.monotonic()
        self.servers.start(victim)
        try:
            outcome = await self.observe(victim, others)
        except (EnsembleError, ConnectionLoss, ZooError, AssertionError, asyncio.TimeoutError) as e:
            outcome = None
            self.problems.append(f"sample {sample}, replica {victim}, {flip}: {type(e).__name__} {e}")
        log = replica.log.read_bytes()[log_before:].decode(errors="replace")
        if outcome == "stopped":
            code = replica.process.returncode
            if code < 0:
                self.problems.append(f"sample {sample}, replica {victim}, {flip}: died of signal {-code}\n{log[-1500:]}")
                outcome = None
            elif not CAUSE.search(log):
                self.problems.append(f"sample {sample}, replica {victim}, {flip}: ended with {code} and no cause\n{log[-1500:]}")
                outcome = None
        if outcome:
            self.passed += 1
            self.outcomes[(flip.region, outcome)] += 1
        if self.args.verbose:
            print(f"sample {sample}: replica {victim}, {flip}: {outcome or 'FAILED'} in {time.monotonic() - started:.1f} s", flush=True)
            if outcome == "stopped" or not outcome:
                print("    " + "\n    ".join(log.splitlines()[-3:]))
        if outcome != "served":
            # As an operator would: put back the state from before the damage. It took no part in between.
            self.servers.kill(victim)
            shutil.rmtree(replica.data_dir)
            shutil.copytree(saved, replica.data_dir)
            self.servers.start(victim)
        await self.off_loop(self.servers.wait_serving)

    async def observe(self, victim, others):
        """"served" after all its reads were right, or "stopped" when the process ended."""
        replica = self.servers.replicas[victim]

        def settled():
            return not replica.running() or self.servers.mode(victim) in ("leader", "follower")

        await self.off_loop(lambda: wait_for(settled, SERVE_DEADLINE_S, f"replica {victim} serves or stops\n{replica.log_tail()}"))
        if not replica.running():
            return "stopped"
        client = Client(addresses(self.servers, victim), name="reader")
        try:
            await client.connect(10)
            self.check_stale(await client.tree(BASE))
            await client.sync(BASE)
            tree = await client.tree(BASE)
        except ConnectionLoss:
            if not replica.running():
                return "stopped"  # it found the damage while serving, and said nothing wrong until then
            raise
        finally:
            client.abort()
        self.check_exact(tree)
        peer = await open_client(addresses(self.servers, others[0]), name="peer")
        await peer.sync(BASE)
        expected = await peer.tree(BASE)
        peer.abort()
        for path in expected:
            assert tree.get(path) == expected[path], f"{path}: {tree.get(path)} here, {expected[path]} at replica {others[0]}"
        assert client.breaches == [], client.breaches
        return "served"

    def check_stale(self, tree):
        """Reads without a sync may be old, but everything they show was written, at that place."""
        for path, (data, stat) in tree.items():
            if path == BASE:
                continue
            assert path in self.versions, f"{path} was never created"
            version = is_payload_of(path, data)
            assert version is not None, f"{path} reads {data[:80]!r}"
            assert version == stat.version, f"{path} holds the data of version {version} at version {stat.version}"
            assert version <= self.versions[path], f"{path} is at version {version}, written up to {self.versions[path]}"

    def check_exact(self, tree):
        """After a sync all that was acknowledged is there, at its last version."""
        self.check_stale(tree)
        for path, version in self.versions.items():
            assert path in tree, f"{path} is lost"
            assert tree[path][1].version == version, f"{path} is at version {tree[path][1].version}, acknowledged {version}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--system", default="conclave", choices=["conclave", "zookeeper"])
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    # Small snapshots often, so that both kinds of file are there and both are needed.
    with ensemble(args.system, settings={"snapCount": 500}) as servers:
        test = CorruptionTest(args, servers)
        try:
            asyncio.run(asyncio.wait_for(test.run(), 60 + 45 * args.samples))
        except (EnsembleError, ConnectionLoss, ZooError, asyncio.TimeoutError) as e:
            test.problems.append(f"{type(e).__name__} {e}")
        servers.keep = bool(test.problems)
    print(f"{args.samples} single-bit flips, seed {args.seed}: " + ", ".join(
        f"{region} {outcome} {count}" for (region, outcome), count in sorted(test.outcomes.items())))
    print("files hit: " + ", ".join(f"{name} {count}" for name, count in sorted(test.files.items())))
    for problem in test.problems:
        print(f"FAILED: {problem}")
    print(f"{test.passed} passed, {len(test.problems)} failed")
    return 1 if test.problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except EnsembleError as e:
        print(f"FAILED: {e}\n0 passed, 1 failed")
        sys.exit(1)
