#!/usr/bin/python3
"""Drives ZooKeeper's own shell (ZooKeeperMain): the command that starts it and HOSTS on the command line, the protocol of
clients_test.py on stdin and stdout. Each command is typed and an expected answer waited for."""
import re
import subprocess
import sys
import threading
import time

WAIT_S = 30


class Shell:
    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        self.text = ""
        self.read = 0
        threading.Thread(target=self._reader, daemon=True).start()

    def _reader(self):
        while chunk := self.process.stdout.readline():
            self.text += chunk
            print(chunk, end="", file=sys.stderr)

    def expect(self, pattern, what, wait_s=WAIT_S):
        """Waits for the pattern in what was not yet consumed."""
        deadline = time.monotonic() + wait_s
        while not (found := re.compile(pattern, re.MULTILINE | re.DOTALL).search(self.text, self.read)):
            if time.monotonic() > deadline or (self.process.poll() is not None and not self.text[self.read:]):
                print(f"FAILED {what}: no {pattern!r} in {self.text[self.read:][-400:]!r}", flush=True)
                self.process.kill()
                sys.exit(1)
            time.sleep(0.02)
        self.read = found.end()
        return found

    def type(self, line, pattern):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.expect(pattern, line)


def case(name):
    print(f"ok {name}", flush=True)


def main():
    shell = Shell([*sys.argv[1:-1], "-waitforconnection", "-timeout", "20000", "-server", sys.argv[-1]])
    shell.expect(r"state:SyncConnected", "connect")
    shell.type("create /j one", r"Created /j$")
    shell.type("get /j", r"^one$")
    shell.type("set /j two", r"")
    shell.type("get -s /j", r"^two$.*cZxid = 0x.*dataVersion = 1$.*dataLength = 3$.*numChildren = 0$")
    shell.type("stat /j", r"mZxid = 0x.*dataVersion = 1$.*numChildren = 0$")
    shell.type("set -v 0 /j three", r"version No is not valid : /j")
    shell.type("get /none", r"Node does not exist: /none")
    shell.type("create /j two", r"Node already exists: /j")
    case("create, get, set, stat and their errors")
    shell.type("create -s -e /j/s- x", r"Created /j/s-0000000000$")
    shell.type("create -e -s /j/s- x", r"Created /j/s-0000000001$")
    shell.type("create -c /j/container", r"Created /j/container$")
    shell.type("ls /j", r"\[container, s-0000000000, s-0000000001\]")
    shell.type("ls -s /j", r"\]\ncZxid = .*numChildren = 3$")
    shell.type("ls -R /j", r"^/j/container$.*^/j/s-0000000001$")
    shell.type("getEphemerals /j", r"/j/s-000000000\d, /j/s-000000000\d")
    shell.type("getAllChildrenNumber /j", r"^3$")
    case("sequential, ephemeral and container nodes, ls, getEphemerals, getAllChildrenNumber")
    shell.type("getAcl /j", r"'world,'anyone\s*: cdrwa")
    shell.type("addauth digest alice:pw", r"")
    shell.type("setAcl /j/container auth::cdrwa", r"")
    shell.type("getAcl -s /j/container", r"'digest,'alice:V55/p2T0OpjQ\+low3NVAH4aLvm0=\s*: cdrwa.*aclVersion = 1$")
    shell.type("whoami", r"digest: alice|alice")
    shell.type("setAcl /j nothing:x:r", r"Acl is not valid")
    case("addauth, setAcl, getAcl, whoami")
    shell.type("sync /j", r"Sync is OK")
    shell.type("config", r"server\.1=.*:participant.*server\.3=.*version=")
    case("sync, config")
    shell.type("get -w /j", r"^two$")
    shell.type("set /j watched", r"type:NodeDataChanged path:/j$")
    case("a watch")
    shell.type("ls -w /j", r"\[container, s-0000000000, s-0000000001\]")

    print("READY", flush=True)
    if sys.stdin.readline().strip() != "GO":
        sys.exit("the word to go on")
    # The shell does not repeat what the loss of a connection cut off: ask until it answers.
    for attempt in range(30):
        shell.process.stdin.write(f"create /j/after{attempt} x\n")
        shell.process.stdin.flush()
        if shell.expect(r"Created /j/after\d+$|ConnectionLoss|KeeperErrorCode[^\n]*", "a write after the kill").group().startswith("Created"):
            break
        time.sleep(0.5)
    shell.type("ls /j", r"\[after\d+, container, s-0000000000, s-0000000001\]")
    if "type:NodeChildrenChanged path:/j" not in shell.text or "Expired" in shell.text:
        print("FAILED the watch older than the kill did not fire, or the session expired", flush=True)
        sys.exit(1)
    case("session, ephemerals and a watch survive the kill of the master")
    shell.type("delete /j/container", r"")
    shell.type("delete /j", r"Node not empty: /j")
    shell.type("deleteall /j", r"")
    shell.type("ls /", r"\[zookeeper\]")
    case("delete, deleteall")
    shell.process.stdin.write("quit\n")
    shell.process.stdin.close()
    if shell.process.wait(WAIT_S):
        print(f"FAILED the shell ended with {shell.process.returncode}", flush=True)
        sys.exit(1)
    case("quit")


main()
