#!/usr/bin/python3
"""The gRPC gateway of a real cell of three, with the Python client: what another language sees of the lock service (CH-95).

    gateway_test.py [--only NAME]

Leases last two seconds. Prints the cases and `N passed, M failed`.
"""
import argparse
import base64
import hashlib
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import grpc

from cell import HOST, PR_SET_PDEATHSIG, ROOT, Cell, EnsembleError, _libc, free_ports, wait_for

LEASE_S = 2.0
CLIENT_TIMEOUT_S = 3.0
GRACE_S = 3.0
DEADLINE_S = 15

PACKAGE = tempfile.TemporaryDirectory(prefix="conclave-python-")
subprocess.run([ROOT / "clients/python/build", PACKAGE.name], check=True)
sys.path.insert(0, PACKAGE.name)

import conclave  # noqa: E402: it was made just now
from conclave.lease import LocalLease  # noqa: E402
from conclave.v1 import lock_service_pb2 as pb  # noqa: E402
from conclave.v1 import lock_service_pb2_grpc as rpc  # noqa: E402


class Failed(Exception):
    """A case did not see what it should. The text says what it saw."""


def expect(condition, what):
    if not condition:
        raise Failed(what)


def refused(code, call, *args, **kwargs):
    try:
        result = call(*args, **kwargs)
    except conclave.CallError as e:
        expect(e.code == code, f"{code.name} expected, not {e}")
        return e
    raise Failed(f"{code.name} expected, not {result}")


class Process:
    """A process whose lines are read as they come. It dies with this one."""

    def __init__(self, *command, **kwargs):
        self.process = subprocess.Popen([*map(str, command)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True, errors="replace",
                                        preexec_fn=lambda: _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), **kwargs)
        self.lines = queue.Queue()
        self.seen = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))
        self.lines.put(None)

    def until(self, start, deadline_s=DEADLINE_S):
        """The next line that starts so."""
        deadline = time.monotonic() + deadline_s
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"no line '{start}...' within {deadline_s} s, only: {self.seen}") from None
            if line is None:
                raise Failed(f"ended before a line '{start}...': {self.seen}")
            self.seen.append(line)
            if line.startswith(start):
                return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


class Gateway(Process):
    """A gateway of the cell, with short times."""

    def __init__(self, cell, *options):
        self.port = free_ports(1)[0]
        self.target = f"{HOST}:{self.port}"
        super().__init__(cell.binary.parent / "conclave-gateway", "--servers", cell.chubby_hosts(), "--listen", self.target,
                         "--client-timeout", int(CLIENT_TIMEOUT_S * 1000), "--grace", int(GRACE_S * 1000), *options)
        try:
            while "serves" not in (line := self.until("")):
                expect("cannot start" not in line, line)
        except BaseException:
            self.__exit__()
            raise


def elector(gateway, path, name):
    return Process("/usr/bin/python3", "-u", ROOT / "examples/python/elect.py", gateway.target, path, name,
                   env=os.environ | {"PYTHONPATH": PACKAGE.name})


def files(cell, gateway):
    """CH-45, CH-47, CH-48: files, directories, compare and swap."""
    with conclave.Session(gateway.target) as session:
        with session.open("/files", directory=True, create=True) as directory, \
                session.open("a", parent=directory, write=True, exclusive_create=True, contents=b"one") as a:
            contents, stat = a.contents_and_stat()
            expect((contents, stat.length) == (b"one", 3), f"{contents} {stat}")
            stat = a.write(b"two", generation=stat.content_generation)
            refused(conclave.Code.GENERATION_MISMATCH, a.write, b"three", generation=stat.content_generation - 1)
            expect(a.contents() == b"two", "the swap that was refused")
            expect([name for name, _ in directory.children()] == ["a"], "children")
            refused(conclave.Code.NODE_EXISTS, session.open, "/files/a", exclusive_create=True)
            refused(conclave.Code.NO_NODE, session.open, "/files/b")
            refused(conclave.Code.NOT_EMPTY, session.open("/files", write=True).delete)
            refused(conclave.Code.WRONG_MODE, session.open("/files/a").write, b"")
            a.write(b"x" * (256 << 10))
            expect(a.stat().length == 256 << 10, "256 KiB")
            refused(conclave.Code.TOO_LARGE, a.write, b"x" * ((256 << 10) + 1))
            a.poison()
            refused(conclave.Code.POISONED, a.stat)
        with session.open("/files/e", ephemeral=True, create=True) as e:
            expect(e.stat().ephemeral, "ephemeral")
        with session.open("/files") as directory:
            wait_for(lambda: [name for name, _ in directory.children()] == ["a"], DEADLINE_S, "the end of an ephemeral file")


def rights(cell, gateway):
    """CH-26: users pass through at the beginning of a session."""
    digest = "jane:" + base64.b64encode(hashlib.sha1(b"jane:secret").digest()).decode()
    with conclave.Session(gateway.target) as anybody, conclave.Session(gateway.target, users=["jane:secret"]) as jane:
        anybody.open("/acl", directory=True, create=True).close()
        anybody.open("/acl/jane", create=True, contents=f"digest:{digest}\n".encode()).close()
        with anybody.open("/private", create=True, change_acl=True, contents=b"hers") as file:
            file.set_acl(read="jane", write="jane")
        expect(jane.open("/private").contents() == b"hers", "she may read")
        refused(conclave.Code.PERMISSION_DENIED, anybody.open, "/private")


def events(cell, gateway):
    """CH-40, CH-41."""
    seen = queue.Queue()
    with conclave.Session(gateway.target) as one, conclave.Session(gateway.target) as two:
        one.open("/events", directory=True, create=True, child_events=True, on_event=seen.put)
        with two.open("/events/f", write=True, create=True) as theirs, \
                one.open("/events/f", write=True, contents_events=True, conflict_events=True, on_event=seen.put) as mine:
            expect(seen.get(timeout=DEADLINE_S).kind == conclave.EventKind.CHILD_ADDED, "a child")
            theirs.write(b"new")
            kinds = {seen.get(timeout=DEADLINE_S).kind for _ in range(2)}
            expect(kinds == {conclave.EventKind.CONTENTS_CHANGED, conclave.EventKind.CHILD_CHANGED}, f"{kinds}")
            expect(mine.contents() == b"new", "an event comes after what it tells of")
            mine.acquire()
            refused(conclave.Code.LOCK_HELD, theirs.try_acquire)
            expect(seen.get(timeout=DEADLINE_S).kind == conclave.EventKind.LOCK_CONFLICT, "a conflict")
            theirs.delete()
            kinds = {seen.get(timeout=DEADLINE_S).kind for _ in range(2)}
            expect(kinds == {conclave.EventKind.HANDLE_INVALID, conclave.EventKind.CHILD_REMOVED}, f"{kinds}")
            refused(conclave.Code.HANDLE_INVALID, mine.stat)


def locks(cell, gateway):
    """CH-50, CH-98: waiting, giving up, sequencers."""
    with conclave.Session(gateway.target) as one, conclave.Session(gateway.target) as two:
        with one.lock("/lock") as lock:
            expect(lock.held and one.check_sequencer(lock.sequencer) and two.check_sequencer(lock.sequencer), "held")
            first = lock.generation
            theirs = two.open("/lock", write=True)
            try:
                theirs.acquire(timeout_s=0.3)
                raise Failed("acquired although it is held")
            except TimeoutError:
                pass
            waiter = threading.Thread(target=theirs.acquire, daemon=True)
            waiter.start()
            waiter.join(0.2)
            expect(waiter.is_alive(), "it waits")
        waiter.join(DEADLINE_S)
        expect(not waiter.is_alive(), "its turn")
        expect(not one.check_sequencer(lock.sequencer) and not lock.held, "released")
        expect(two.check_sequencer(theirs.sequencer()), "the next one")
        refused(conclave.Code.LOCK_NOT_HELD, one.open("/lock", write=True).sequencer)
        theirs.release()
        with one.lock("/lock", timeout_s=DEADLINE_S) as again:
            expect(again.generation > first + 1, "every holder has a larger generation")


def election(cell, gateway):
    """CH-39, CH-53: one leads; killed, it loses the lock when its lease ends, and nobody gets it during the lock-delay."""
    with elector(gateway, "/leader", "one") as one:
        token = int(one.until("leader one").split("token=")[1].split()[0])
        with elector(gateway, "/leader", "two") as two, conclave.Session(gateway.target) as session:
            two.until("state safe")
            file = session.open("/leader", write=True)
            expect(file.contents() == b"one", "who leads")
            at = time.monotonic()
            one.process.kill()
            refused(conclave.Code.LOCK_HELD, file.try_acquire)
            line = two.until("leader two")
            took_s = time.monotonic() - at
            expect(int(line.split("token=")[1].split()[0]) > token, f"the larger token: {line}")
            # silence is borne that long, and the lock-delay is two seconds
            expect(took_s > CLIENT_TIMEOUT_S + 1.5, f"after {took_s:.1f} s")
            expect(file.contents() == b"two", "who leads now")
            two.process.terminate()
            two.until("done two")
            expect(two.process.wait(DEADLINE_S) == 0, "the end of the second")
            session.open("/leader", write=True).try_acquire()
            print(f"  the next leader after {took_s:.1f} s")


class RawSession:
    """The protocol by hand, for what the client does not do."""

    def __init__(self, gateway):
        self.channel = grpc.insecure_channel(gateway.target)
        self.stub = rpc.LockServiceStub(self.channel)
        self.requests = queue.Queue()
        self.stream = self.stub.Session(iter(self.requests.get, None))
        self.requests.put(pb.SessionRequest(begin=pb.Begin()))
        self.token = next(self.stream).begun.session

    def call(self, number=0, below=0):
        return pb.Call(session=self.token, number=number, answered_below=below)

    def close(self):
        self.requests.put(None)
        self.channel.close()


def once(cell, gateway):
    """RP-02 over the second hop: a call that is sent again is done once; limits are refused by name."""
    raw = RawSession(gateway)
    try:
        stub = raw.stub
        file = stub.Open(pb.OpenRequest(call=raw.call(1), name="/once", read=True, write=True,
                                        creation=pb.OpenRequest.IF_MISSING)).handle
        write = pb.SetContentsRequest(call=raw.call(2), handle=file, contents=b"1")
        stats = [stub.SetContents(write).stat for _ in range(3)]
        now = stub.GetStat(pb.GetStatRequest(call=raw.call(), handle=file)).stat
        expect(len({s.content_generation for s in [*stats, now]}) == 1, f"written once: {stats} {now}")

        def status(method, request):
            try:
                method(request)
            except grpc.RpcError as e:
                return e.code(), dict(e.trailing_metadata()).get("conclave-code")
            return None

        expect(status(stub.Delete, pb.DeleteRequest(call=raw.call(2), handle=file)) ==
               (grpc.StatusCode.INVALID_ARGUMENT, "BAD_NUMBER"), "a number of another call")
        stub.GetStat(pb.GetStatRequest(call=raw.call(0, 3), handle=file))
        expect(status(stub.SetContents, write) == (grpc.StatusCode.INVALID_ARGUMENT, "BAD_NUMBER"), "acknowledged")
        expect(status(stub.SetContents, pb.SetContentsRequest(call=raw.call(4), handle=file, contents=b"x" * (1 << 20)))[0] ==
               grpc.StatusCode.RESOURCE_EXHAUSTED, "a message that is too large")
        wrong = pb.Call(session=raw.token[:-1] + ("0" if raw.token[-1] != "0" else "1"))
        expect(status(stub.GetStat, pb.GetStatRequest(call=wrong, handle=file)) ==
               (grpc.StatusCode.UNAUTHENTICATED, "NO_SESSION"), "a wrong token")
        # Cancel takes back what was granted already.
        expect(stub.Acquire(pb.AcquireRequest(call=raw.call(4), handle=file)).generation > 0, "a lock")
        stub.Cancel(pb.CancelRequest(call=raw.call(), cancelled=4))
        expect(status(stub.GetSequencer, pb.GetSequencerRequest(call=raw.call(), handle=file)) ==
               (grpc.StatusCode.FAILED_PRECONDITION, "LOCK_NOT_HELD"), "cancelled")
        # A gRPC call that ends takes its place in the queue with it (CH-98).
        with conclave.Session(gateway.target) as session:
            with session.lock("/once"):
                acquire = pb.AcquireRequest(call=raw.call(5), handle=file)
                expect(status(lambda r: stub.Acquire(r, timeout=0.3), acquire)[0] == grpc.StatusCode.DEADLINE_EXCEEDED, "a wait")
            with session.lock("/once", timeout_s=DEADLINE_S):
                pass
        health = raw.channel.unary_unary("/grpc.health.v1.Health/Check")
        expect(health(b"") == b"\x08\x01", "the health service says SERVING")
    finally:
        raw.close()


class Wire:
    """A TCP connection to the gateway that can be cut in the middle."""

    def __init__(self, port):
        self.upstream = port
        self.pairs = []
        self.listener = socket.create_server((HOST, 0))
        self.target = "%s:%d" % self.listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        try:
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection((HOST, self.upstream))
                self.pairs.append((client, server))
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()
        except OSError:
            pass  # the listener was closed

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        pairs, self.pairs = self.pairs, []
        for pair in pairs:
            for end in pair:
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        return len(pairs)


def cuts(cell, gateway):
    """RP-02 over the second hop, by the Python client: connections break in the middle of calls, and each is done once."""
    wire = Wire(gateway.port)
    watched = []
    with conclave.Session(wire.target, on_state=watched.append) as session:
        seen = []
        with session.lock("/cuts") as lock, \
                session.open("/cuts", write=True, contents_events=True, on_event=lambda e: seen.append(e.kind)) as file:
            cut, stop = 0, threading.Event()

            def cutter():
                nonlocal cut
                while not stop.wait(0.15):
                    cut += wire.cut()

            thread = threading.Thread(target=cutter, daemon=True)
            thread.start()
            writes, stat, deadline = 0, file.stat(), time.monotonic() + 3
            while time.monotonic() < deadline:
                # Done twice it would find its own generation there.
                stat = file.write(b"%d" % writes, generation=stat.content_generation)
                writes += 1
            stop.set()
            thread.join()
            expect(file.contents() == b"%d" % (writes - 1), "the last one")
            expect(lock.held and session.check_sequencer(lock.sequencer), "session and lock outlive connections")
            expect(cut >= 5 and writes >= 20, f"{cut} cuts, {writes} writes")
            wait_for(lambda: len(seen) >= writes, DEADLINE_S, lambda: f"{writes} events, not {len(seen)}")
            expect(len(seen) == writes, f"each event once: {len(seen)} of {writes}")
        expect(watched == [conclave.State.SAFE], f"{watched}")
    wire.listener.close()
    print(f"  {writes} writes over {cut} broken connections")


def program(cell, gateway):
    """The command line, and TLS on both sides."""
    binary = cell.binary.parent / "conclave-gateway"

    def run(*options):
        done = subprocess.run([binary, *map(str, options)], capture_output=True, text=True, timeout=DEADLINE_S,
                              env={k: v for k, v in os.environ.items() if k != "CONCLAVE_SERVERS"})
        return done.returncode, done.stderr

    for code, text, options in (
            (2, "--servers", ()),
            (2, "reached from other machines", ("--servers", "a", "--listen", "0.0.0.0:1")),
            (2, "go together", ("--servers", "a", "--tls-key", binary)),
            (2, "--listen", ("--servers", "a", "--listen", "nowhere")),
            (1, "cannot listen", ("--servers", "a", "--listen", gateway.target))):
        got, errors = run(*options)
        expect(got == code and text in errors, f"{options}: {got} {errors}")

    directory = pathlib.Path(PACKAGE.name)
    for name in ("server", "client"):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                        "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                        directory / f"{name}.key", "-out", directory / f"{name}.crt"], check=True, capture_output=True)
    server, client = (directory / "server.crt").read_bytes(), (directory / "client.crt").read_bytes()
    with Gateway(cell, "--tls-cert", directory / "server.crt", "--tls-key", directory / "server.key", "--tls-client-ca",
                 directory / "client.crt") as tls:
        good = grpc.ssl_channel_credentials(server, (directory / "client.key").read_bytes(), client)
        with conclave.Session(tls.target, credentials=good) as session:
            session.open("/").stat()
        for bad in (None, grpc.ssl_channel_credentials(server)):
            try:
                conclave.Session(tls.target, credentials=bad, timeout_s=0.5)
                raise Failed("a client without a certificate got in")
            except (grpc.RpcError, conclave.CallError):
                pass


class Watched:
    """A session that notes its states."""

    def __init__(self, gateway):
        self.states = queue.Queue()
        self.session = conclave.Session(gateway.target, on_state=self.states.put)
        self.next(conclave.State.SAFE)

    def next(self, state, deadline_s=DEADLINE_S):
        try:
            got = self.states.get(timeout=deadline_s)
        except queue.Empty:
            raise Failed(f"no state {state} within {deadline_s} s; it is {self.session.state}") from None
        expect(got == state, f"{got} instead of {state}")


def survives(cell, gateway):
    """CH-72, CH-73 over two hops: a master that is killed, a gateway that stands still, a gateway that is killed."""
    with Gateway(cell) as own:
        watched = Watched(own)
        session = watched.session
        file = session.open("/survives", write=True, create=True)
        sequencer = file.acquire().sequencer
        master = cell.wait_serving()
        cell.kill(master)
        file.write(b"after the kill")
        expect(session.check_sequencer(sequencer), "the lock after a fail-over")
        cell.start(master)
        cell.wait_serving()
        while not watched.states.empty():  # an election may take longer than a lease
            watched.states.get()

        own.process.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        watched.next(conclave.State.JEOPARDY, LEASE_S + 1)
        expect(not session.safe, "it may be lost")
        silent_s = time.monotonic() - began
        own.process.send_signal(signal.SIGCONT)
        watched.next(conclave.State.SAFE)
        expect(session.check_sequencer(sequencer), "it was not")
        print(f"  in jeopardy {silent_s:.1f} s after the gateway stopped")

        own.process.kill()
        watched.next(conclave.State.JEOPARDY, LEASE_S + 1)
        watched.next(conclave.State.EXPIRED, GRACE_S + 1)
        refused(conclave.Code.SESSION_EXPIRED, file.contents)
        session.close()
    with conclave.Session(gateway.target) as session, session.lock("/survives", timeout_s=DEADLINE_S) as lock:
        expect(lock.held and lock.generation > 0 and not session.check_sequencer(sequencer), "the next holder")


def stops(cell, gateway):
    """A gateway that is told to stop tells its clients, and releases no lock in order: they may still believe in it (CH-39)."""
    with Gateway(cell) as own:
        watched = Watched(own)
        file = watched.session.open("/stops", write=True, create=True, lock_delay_s=1.0)
        file.acquire()
        own.process.terminate()
        watched.next(conclave.State.EXPIRED, 1)
        expect(own.process.wait(5) == 0, "its exit code")
        with conclave.Session(gateway.target) as session:
            theirs = session.open("/stops", write=True)

            def refusal():
                try:
                    theirs.try_acquire()
                    raise Failed("got without its lock-delay")
                except conclave.CallError as e:
                    return e.code

            expect(refusal() == conclave.Code.LOCK_HELD, "held by the dead")
            wait_for(lambda: refusal() == conclave.Code.LOCK_DELAYED, DEADLINE_S, "the end of its lease")
            theirs.acquire(timeout_s=DEADLINE_S)


def leases(cell, gateway):
    """CH-70, CH-71: the client's own view of its lease, by itself."""
    lease = LocalLease()
    first = lease.asked(100.0)
    second = lease.asked(101.0)
    expect(not lease.runs(100.0), "nothing is granted yet")
    expect(lease.granted(second, 10.0) and abs(lease.end_s - 110.9) < 1e-9, f"from the sending, less 1 %: {lease.end_s}")
    expect(not lease.granted(first, 50.0) and not lease.granted(7, 50.0), "an older answer, an invented one")
    third = lease.asked(102.0)
    expect(lease.granted(third, 1.0) and abs(lease.end_s - 110.9) < 1e-9, "the end only moves later")
    lease.asked(103.0)
    lease.stream_lost()
    expect(not lease.granted(4, 50.0), "an answer of a stream that was lost")
    expect(lease.runs(110.8) and not lease.runs(110.9), "its end")


CASES = {case.__name__: case for case in
         (leases, files, rights, events, locks, once, cuts, program, election, survives, stops)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=sorted(CASES))
    args = parser.parse_args()
    passed = failed = 0
    settings = {"conclave.chubby.lease_ms": int(LEASE_S * 1000), "conclave.chubby.unopened_grace_ms": 3000}
    with Cell(settings=settings) as cell:
        cell.start()
        cell.wait_serving()
        with Gateway(cell) as gateway:
            for name, case in CASES.items():
                if args.only and name != args.only:
                    continue
                began = time.monotonic()
                try:
                    case(cell, gateway)
                    print(f"  {name}: ok ({time.monotonic() - began:.1f} s)", flush=True)
                    passed += 1
                except (Failed, EnsembleError, grpc.RpcError, conclave.CallError, queue.Empty,
                        subprocess.SubprocessError) as e:
                    print(f"FAILED: {name}: {type(e).__name__}: {e}", flush=True)
                    failed += 1
                    cell.keep = True
            if failed:
                print(cell.describe())
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (EnsembleError, Failed) as e:
        print(f"FAILED: {e}\n0 passed, 1 failed")
        sys.exit(1)
