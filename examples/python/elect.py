#!/usr/bin/python3
"""Leader election through the gRPC gateway: one of many copies of this program works at a time.

    clients/python/build build/python
    PYTHONPATH=build/python examples/python/elect.py 127.0.0.1:2290 /jobs-leader "$(hostname)"

Who leads writes its name into the file, for others to read. Everything that it has done elsewhere carries the lock's
generation, which grows with every leader (a fencing token): a store that remembers the largest one it has seen refuses a
former leader that was paused and woke up late. `Store` stands for such a store here.

Prints one line per change, so that a script can follow. Ends on SIGTERM or SIGINT, with the lock released.
"""
import signal
import sys
import threading

import conclave


class Store:
    """A resource that the lock guards."""

    def __init__(self):
        self.newest = 0

    def write(self, fencing_token, value):
        if fencing_token < self.newest:
            raise PermissionError(f"token {fencing_token} is older than {self.newest}")
        self.newest = fencing_token
        return value


def lead(session, path, name, stop, store):
    # Nobody else leads for two seconds after we were lost, so that what we sent before arrives before (lock-delay).
    with session.lock(path, lock_delay_s=2.0, timeout_s=5.0) as lock:
        lock.file.write(name.encode())
        print(f"leader {name} token={lock.generation} sequencer={lock.sequencer}", flush=True)
        beat = 0
        while lock.held and not stop.wait(0.05):
            beat += 1
            store.write(lock.generation, beat)
        print(f"{'lost' if not lock.held else 'done'} {name}", flush=True)


def main():
    target, path, name = sys.argv[1:4]
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = Store()
    while not stop.is_set():
        # After the end of a session a new one is needed, and the lock must be won anew.
        with conclave.Session(target, on_state=lambda state: print(f"state {state.value}", flush=True)) as session:
            try:
                while not stop.is_set():
                    try:
                        lead(session, path, name, stop, store)
                    except TimeoutError:
                        pass  # somebody else leads: look whether we are to stop, and queue again
            except conclave.SessionExpired as e:
                print(f"expired {name}: {e.message}", flush=True)


if __name__ == "__main__":
    main()
