"""Three real server processes on loopback: start, stop, kill, restart, ask who is master, and always clean up.

`Ensemble` is the interface; `Cell` runs Conclave and `zk_ensemble.ZooKeeperEnsemble` runs Apache ZooKeeper behind the
same one, so that a test or a benchmark drives either without knowing which. Both read a zoo.cfg.

    with Cell() as cell:
        cell.start()
        cell.wait_serving()
        master = cell.master()
        cell.kill(master)
        cell.start(master)
        cell.wait_serving()

Replicas are numbered from 1, as `myid` is. Data, configuration and logs live in one temporary directory which goes away
with the ensemble unless `keep` is set or an exception passed through it. Processes die with this one even when it is
killed (PR_SET_PDEATHSIG), so nothing is left behind; the signal follows the thread, so call `start` from the main one.
Every wait has a deadline and its error shows the ends of the logs.
"""
import ctypes
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_ports_given = set()


class EnsembleError(Exception):
    """A deadline passed or a process ended that should run. The text says which and shows its log."""


def free_ports(count):
    """Ports nobody listens on now, below the range the kernel draws client ports from, and never twice from one process."""
    ports = []
    candidate = 10000 + os.getpid() * 37 % 20000
    while len(ports) < count:
        candidate = candidate + 1 if candidate < 32000 else 10000
        if candidate in _ports_given:
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((HOST, candidate))
            except OSError:
                continue
        _ports_given.add(candidate)
        ports.append(candidate)
    return ports


def four_letter_word(port, word, timeout=2.0):
    """The answer to a four-letter word, or None when the server is not there."""
    try:
        with socket.create_connection((HOST, port), timeout=timeout) as s:
            s.settimeout(timeout)
            s.sendall(word.encode())
            chunks = []
            while chunk := s.recv(65536):
                chunks.append(chunk)
            return b"".join(chunks).decode(errors="replace")
    except OSError:
        return None


def wait_for(condition, deadline_s, what, interval_s=0.02):
    """Calls `condition` until it returns something true and returns that; EnsembleError after the deadline."""
    deadline = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise EnsembleError(f"not within {deadline_s:g} s: {what() if callable(what) else what}")
        time.sleep(interval_s)


class Replica:
    """One server process and its files."""

    def __init__(self, number, directory, client_port, peer_ports, chubby_port=0):
        self.number = number
        self.directory = directory
        self.data_dir = directory / "data"
        self.config = directory / "zoo.cfg"
        self.log = directory / "server.log"
        self.client_port = client_port
        self.peer_ports = peer_ports
        self.chubby_port = chubby_port  # of Conclave's lock service
        self.process = None

    @property
    def address(self):
        return f"{HOST}:{self.client_port}"

    @property
    def pid(self):
        return self.process.pid if self.process else None

    def running(self):
        return self.process is not None and self.process.poll() is None

    def log_tail(self, lines=15):
        try:
            text = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return "(no log)"
        return "\n".join(text[-lines:]) or "(empty log)"


class Ensemble:
    """The common part. Subclasses say how a replica is configured and which command runs it."""

    name = "?"
    start_deadline_s = 30

    def __init__(self, replicas=3, settings=None, keep=False, directory=None):
        """`settings`: lines added to zoo.cfg or replacing its defaults, as {"snapCount": 1000}."""
        self.settings = dict(settings or {})
        self.keep = keep
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{self.name}-", dir=directory))
        ports = free_ports(4 * replicas)
        self.replicas = {}
        for i in range(replicas):
            number = i + 1
            directory = self.directory / str(number)
            self.replicas[number] = Replica(number, directory, ports[4 * i], ports[4 * i + 1 : 4 * i + 3], ports[4 * i + 3])
        for replica in self.replicas.values():
            replica.data_dir.mkdir(parents=True)
            self.configure(replica)

    # ---- what a subclass provides

    def command(self, replica):
        raise NotImplementedError

    def environment(self, replica):
        return dict(os.environ)

    # ---- configuration

    def default_settings(self):
        return {
            "tickTime": 2000,
            "initLimit": 10,
            "syncLimit": 5,
            "maxClientCnxns": 0,
            "4lw.commands.whitelist": "*",
        }

    def configure(self, replica):
        settings = self.default_settings() | self.settings
        settings |= {"dataDir": replica.data_dir, "clientPort": replica.client_port, "clientPortAddress": HOST}
        for other in self.replicas.values():
            settings[f"server.{other.number}"] = f"{HOST}:{other.peer_ports[0]}:{other.peer_ports[1]}"
        replica.config.write_text("".join(f"{key}={value}\n" for key, value in settings.items()))
        (replica.data_dir / "myid").write_text(f"{replica.number}\n")

    # ---- processes

    def start(self, *numbers):
        """Starts the named replicas (all when none is named) without waiting for them to serve."""
        for number in numbers or self.replicas:
            replica = self.replicas[number]
            if replica.running():
                raise EnsembleError(f"replica {number} runs already")
            with open(replica.log, "ab") as log:
                replica.process = subprocess.Popen(
                    self.command(replica),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=replica.directory,
                    env=self.environment(replica),
                    start_new_session=True,
                    preexec_fn=lambda: _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
                )

    def kill(self, *numbers):
        """SIGKILL, all at once, then reaps. Returns the time of the first signal (time.monotonic)."""
        chosen = [self.replicas[n] for n in (numbers or self.replicas) if self.replicas[n].running()]
        at = time.monotonic()
        for replica in chosen:
            os.kill(replica.pid, signal.SIGKILL)
        for replica in chosen:
            replica.process.wait()
        return at

    def stop(self, *numbers, deadline_s=15):
        """SIGTERM and wait; SIGKILL after the deadline. Returns {number: exit code}."""
        chosen = [self.replicas[n] for n in (numbers or self.replicas) if self.replicas[n].running()]
        for replica in chosen:
            replica.process.terminate()
        deadline = time.monotonic() + deadline_s
        codes = {}
        for replica in chosen:
            try:
                codes[replica.number] = replica.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                replica.process.kill()
                codes[replica.number] = replica.process.wait()
        return codes

    def close(self):
        self.kill()
        if not self.keep:
            shutil.rmtree(self.directory, ignore_errors=True)
        else:
            print(f"kept: {self.directory}", file=sys.stderr)

    def __enter__(self):
        # A test that is told to end cleans up like one that is interrupted.
        if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        return self

    def __exit__(self, error_type, error, traceback):
        if error_type is not None and issubclass(error_type, Exception):
            self.keep = True
            print(self.describe(), file=sys.stderr)
        self.close()

    # ---- questions

    def pids(self):
        return [r.pid for r in self.replicas.values() if r.running()]

    def hosts(self, *numbers):
        """HOST:PORT,... of the named replicas (all when none is named), as clients take it."""
        return ",".join(self.replicas[n].address for n in (numbers or self.replicas))

    def mode(self, number):
        """"leader", "follower", "observer" or None when the replica does not serve."""
        answer = four_letter_word(self.replicas[number].client_port, "srvr") or ""
        for line in answer.splitlines():
            if line.startswith("Mode: "):
                return line[len("Mode: "):].strip()
        return None

    def master(self):
        """The number of the serving master, or None."""
        for number, replica in self.replicas.items():
            if replica.running() and self.mode(number) == "leader":
                return number
        return None

    def followers(self):
        return [n for n, r in self.replicas.items() if r.running() and self.mode(n) in ("follower", "observer")]

    def mntr(self, number):
        """The figures of `mntr` as {key: text}; empty when the replica does not answer."""
        answer = four_letter_word(self.replicas[number].client_port, "mntr") or ""
        return dict(line.split("\t", 1) for line in answer.splitlines() if "\t" in line)

    def wait_serving(self, *numbers, deadline_s=None):
        """Until the named replicas (all when none is named) serve clients and one replica is master. Returns the master."""
        deadline_s = deadline_s or self.start_deadline_s
        chosen = numbers or tuple(self.replicas)

        def serving():
            for number in chosen:
                replica = self.replicas[number]
                if not replica.running():
                    code = replica.process.returncode if replica.process else None
                    raise EnsembleError(f"replica {number} of {self.name} ended with {code}:\n{replica.log_tail()}")
            if all(self.mode(n) in ("leader", "follower", "observer") for n in chosen):
                return self.master()
            return None

        return wait_for(serving, deadline_s, lambda: f"{self.name} replicas {chosen} serving\n{self.describe()}", 0.05)

    def describe(self):
        lines = []
        for number, replica in self.replicas.items():
            if replica.running():
                state = f"pid {replica.pid}, mode {self.mode(number)}"
            else:
                state = f"ended with {replica.process.returncode}" if replica.process else "not started"
            lines.append(f"--- {self.name} replica {number}: {state}\n{replica.log_tail()}")
        return "\n".join(lines)

    def memory_kib(self, number, field="VmRSS"):
        """A field of /proc/PID/status in KiB."""
        for line in pathlib.Path(f"/proc/{self.replicas[number].pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise EnsembleError(f"replica {number} has no {field}")


def conclave_binary():
    """The program that CONCLAVE names, or the release build of this checkout."""
    named = os.environ.get("CONCLAVE")
    path = pathlib.Path(named) if named else ROOT / "build" / "release" / "conclave"
    if not path.is_file():
        raise EnsembleError(f"no server at {path}: run ./dev build, or name one in CONCLAVE")
    return path.resolve()


class Cell(Ensemble):
    """A cell of Conclave replicas."""

    name = "conclave"

    def __init__(self, *args, binary=None, engine=None, **kwargs):
        """`engine`: "paxos" or "raft"; otherwise what CONCLAVE_ENGINE names, or the server's default."""
        self.engine = engine or os.environ.get("CONCLAVE_ENGINE")
        self.binary = pathlib.Path(binary) if binary else conclave_binary()
        super().__init__(*args, **kwargs)

    def default_settings(self):
        addresses = {f"conclave.chubby.server.{r.number}": f"{HOST}:{r.chubby_port}" for r in self.replicas.values()}
        engine = {"conclave.consensus.engine": self.engine} if self.engine else {}
        return super().default_settings() | addresses | engine

    def chubby_hosts(self):
        """HOST:PORT,... of the lock service, as its clients take it."""
        return ",".join(f"{HOST}:{r.chubby_port}" for r in self.replicas.values())

    def command(self, replica):
        return [str(self.binary), "server", "--zoo-cfg", str(replica.config)]


def ensemble(kind, **kwargs):
    """An ensemble by name: "conclave" or "zookeeper"."""
    if kind == "conclave":
        return Cell(**kwargs)
    if kind == "zookeeper":
        from zk_ensemble import ZooKeeperEnsemble

        return ZooKeeperEnsemble(**kwargs)
    raise ValueError(f"{kind}: must be conclave or zookeeper")
