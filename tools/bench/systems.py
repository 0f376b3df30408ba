"""How each system is started, which program drives load at it, and what its processes use.

A system has three server processes on loopback, its defaults, and syncs to disk before it acknowledges. Beside Conclave stand
Apache ZooKeeper and etcd as Debian packages them, and the roofline, a null log (src/app/roofline).
"""
import contextlib
import ctypes
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "system"))
from cell import HOST, PR_SET_PDEATHSIG, Ensemble, EnsembleError, conclave_binary, ensemble, wait_for  # noqa: E402

LOAD_TIMEOUT_S = 900  # a generator that counts operations takes as long as the servers do
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class InvalidRun(Exception):
    """The load generator rejected a reply, or a server broke."""


def cpu_seconds(pids):
    """User and system time of processes; one that is gone counts as zero."""
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return total


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise EnsembleError(f"process {pid} has no VmRSS")


class System:
    """Something that serves, and the generator that drives it. Subclasses start and stop it."""

    title = "?"         # in tables
    jvm = False         # compiles while it runs, so needs to be warm before it counts
    protocol = "zookeeper"

    def load(self, arguments, seconds, warmup):
        """One run of the generator; its JSON as a dict. InvalidRun if it does not count."""
        command = [*self.generator(), "--servers", self.hosts(), "--watch-pids", ",".join(map(str, self.pids())),
                   "--seconds", str(seconds), "--warmup", str(warmup), "--json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + warmup + LOAD_TIMEOUT_S)
        if done.returncode != 0:
            raise InvalidRun(f"{self.title}: {done.stderr.strip()}\n{self.describe()}")
        return json.loads(done.stdout)

    def generator(self):
        named = os.environ.get("CONCLAVE_BENCH")
        return [named] if named else [str(conclave_binary()), "bench"]

    def memory_kib(self):
        """Resident memory of the median process."""
        return statistics.median(resident_kib(pid) for pid in self.pids())

    def count_nodes(self):
        """How many nodes each server says it holds; nothing where servers do not say."""
        return []


class EnsembleSystem(System):
    """One of the ensembles of tests/system."""

    def __init__(self, servers):
        self.servers = servers

    def start(self):
        self.servers.start()

    def wait_serving(self):
        self.servers.wait_serving()

    def pids(self):
        return self.servers.pids()

    def hosts(self):
        return self.servers.hosts()

    def describe(self):
        return self.servers.describe()

    def close(self):
        self.servers.close()


class Conclave(EnsembleSystem):
    title = "Conclave"

    def __init__(self):
        super().__init__(ensemble("conclave"))

    def count_nodes(self):
        return [int(self.servers.mntr(number).get("zk_znode_count", 0)) for number in self.servers.replicas]


class ZooKeeper(EnsembleSystem):
    title = "ZooKeeper 3.8"
    jvm = True

    def __init__(self):
        super().__init__(ensemble("zookeeper"))

    count_nodes = Conclave.count_nodes


class EtcdEnsemble(Ensemble):
    """Three etcd members. The quota is raised, since its history of a benchmark is larger than its default allows."""

    name = "etcd"

    def __init__(self):
        self.program = shutil.which("etcd")
        if not self.program:
            raise EnsembleError("etcd is not installed (Debian package etcd-server)")
        super().__init__()

    def configure(self, replica):
        pass

    def command(self, replica):
        client, peer = f"http://{replica.address}", self.peer_url(replica)
        return [self.program, "--name", f"m{replica.number}", "--data-dir", str(replica.data_dir),
                "--listen-client-urls", client, "--advertise-client-urls", client,
                "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                "--initial-cluster", ",".join(f"m{r.number}={self.peer_url(r)}" for r in self.replicas.values()),
                "--initial-cluster-token", self.directory.name, "--quota-backend-bytes", str(8 << 30),
                "--logger", "zap", "--log-level", "warn"]

    @staticmethod
    def peer_url(replica):
        return f"http://{HOST}:{replica.peer_ports[0]}"

    def mode(self, number):
        """"leader" of every healthy member: who leads is of no interest here."""
        try:
            with urllib.request.urlopen(f"http://{self.replicas[number].address}/health", timeout=2) as answer:
                return "leader" if json.load(answer).get("health") == "true" else None
        except (OSError, ValueError):
            return None


class Etcd(EnsembleSystem):
    title = "etcd"
    protocol = "etcd"

    def __init__(self):
        super().__init__(EtcdEnsemble())

    def generator(self):
        program = pathlib.Path(os.environ.get("CONCLAVE_ETCD_LOAD") or conclave_binary().parent / "conclave_etcd_load")
        if not program.is_file():
            raise EnsembleError(f"no load program at {program}: run ./dev build release conclave_etcd_load")
        return [str(program)]


class Roofline(System):
    """The null log; one process that starts its three members and says where they are."""

    title = "roofline"

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="roofline-")
        self.process = None
        self.told = {}

    def start(self):
        self.process = subprocess.Popen(
            [str(conclave_binary()), "bench", "--roofline", "--serve-only", "--directory", self.directory],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL))  # and its members with it

    def wait_serving(self):
        for _ in range(2):  # "servers: ..." and "pids: ..."
            line = self.process.stdout.readline()
            if not line:
                raise EnsembleError("the roofline does not start; it said why above")
            key, _, value = line.partition(": ")
            self.told[key] = value.strip()

    def pids(self):
        return [int(pid) for pid in self.told["pids"].split(",")]

    def hosts(self):
        return self.told["servers"]

    def describe(self):
        return f"--- roofline: {self.told}, exit code {self.process.poll()}"

    def close(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(15)
        shutil.rmtree(self.directory, ignore_errors=True)


SYSTEMS = {"conclave": Conclave, "zookeeper": ZooKeeper, "etcd": Etcd, "roofline": Roofline}


@contextlib.contextmanager
def running(names):
    """Systems of these names, all serving, in a dict; a name may come twice. Always cleans up."""
    systems = {}
    try:
        for name in names:
            key = name if name not in systems else f"{name} again"
            systems[key] = SYSTEMS[name]()
        for system in systems.values():
            system.start()
        for system in systems.values():
            system.wait_serving()
        yield systems
    finally:
        for system in systems.values():
            system.close()


def wait_for_nodes(system, count, deadline_s=30):
    """Until every server that says so holds `count` nodes."""
    wait_for(lambda: all(n >= count for n in system.count_nodes()), deadline_s,
             lambda: f"{count} nodes at every server of {system.title}: {system.count_nodes()}", 0.2)
    time.sleep(3)  # collectors and snapshots settle
