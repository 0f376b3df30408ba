// The npm package `zookeeper` against a cell: HOSTS as the argument, the protocol of clients_test.py on stdin and stdout.
"use strict";
const assert = require("node:assert/strict");
const readline = require("node:readline");
const { setTimeout: sleep } = require("node:timers/promises");
const ZooKeeper = require("zookeeper");

const WAIT_MS = 30000;
const hosts = process.argv[2];

const ok = (name) => console.log(`ok ${name}`);

async function until(condition, what) {
  const deadline = Date.now() + WAIT_MS;
  while (!(await condition())) {
    assert(Date.now() < deadline, `not within ${WAIT_MS} ms: ${what}`);
    await sleep(10);
  }
}

const refused = (code, promise) =>
  promise.then(
    () => assert.fail(`not refused with ${code}`),
    (error) => assert.match(String(error), new RegExp(`\\b${-code} `)),  // "Error: -103 bad version"
  );

async function connect() {
  const zk = new ZooKeeper({
    connect: hosts, timeout: 20000, debug_level: ZooKeeper.ZOO_LOG_LEVEL_ERROR, host_order_deterministic: true,
  });
  const connected = new Promise((resolve) => zk.once("connect", resolve));
  zk.init({});
  await Promise.race([connected, sleep(WAIT_MS).then(() => assert.fail("not connected"))]);
  return zk;
}

async function readsAndWrites(zk) {
  assert.equal(await zk.create("/n", "one", ZooKeeper.ZOO_PERSISTENT), "/n");
  const [stat, data] = await zk.get("/n", false);
  assert.equal(data.toString(), "one");
  assert.equal(stat.version, 0);
  assert.equal((await zk.set("/n", "two", 0)).version, 1);
  await refused(ZooKeeper.ZBADVERSION, zk.set("/n", "three", 0));
  await refused(ZooKeeper.ZNODEEXISTS, zk.create("/n", "", ZooKeeper.ZOO_PERSISTENT));
  await refused(ZooKeeper.ZNONODE, zk.get("/none", false));
  assert.equal(await zk.create("/n/s-", "", ZooKeeper.ZOO_SEQUENCE), "/n/s-0000000000");
  assert.deepEqual(await zk.get_children("/n", false), ["s-0000000000"]);
  const [names, parent] = await zk.get_children2("/n", false);
  assert.deepEqual([names.length, parent.numChildren], [1, 1]);
  await refused(ZooKeeper.ZNOTEMPTY, zk.delete_("/n", -1));
  await zk.delete_("/n/s-0000000000", 0);
  assert.equal((await zk.exists("/n", false)).cversion, 2);
  const acl = await zk.get_acl("/n");
  assert.equal(acl[0][0].scheme, "world");
  ok("create, get, set, exists, children, delete, getACL and their errors");
}

async function watches(zk) {
  const events = [];
  const note = (type, state, path) => events.push(`${type} ${path}`);
  await zk.w_get("/n", note);
  await zk.w_get_children("/n", note);
  await zk.set("/n", "x", -1);
  await zk.create("/n/child", "", ZooKeeper.ZOO_EPHEMERAL);
  await until(() => events.length === 2, "two events");
  assert.deepEqual(events, [`${ZooKeeper.ZOO_CHANGED_EVENT} /n`, `${ZooKeeper.ZOO_CHILD_EVENT} /n`]);
  ok("watches");
}

async function pipelining(zk) {
  const paths = Array.from({ length: 500 }, (_, i) => `/n/p${i}`);
  assert.deepEqual(await Promise.all(paths.map((path) => zk.create(path, path, ZooKeeper.ZOO_PERSISTENT))), paths);
  const values = await Promise.all(paths.map((path) => zk.get(path, false)));
  assert.deepEqual(values.map(([, data]) => data.toString()), paths);
  ok("1000 requests without waiting");
}

async function main() {
  const zk = await connect();
  await readsAndWrites(zk);
  await watches(zk);
  await pipelining(zk);

  const session = zk.client_id;
  await zk.create("/ephemeral", "", ZooKeeper.ZOO_EPHEMERAL);
  await zk.create("/watched", "", ZooKeeper.ZOO_PERSISTENT);
  await zk.create("/counted", "0", ZooKeeper.ZOO_PERSISTENT);
  const fired = [];
  await zk.w_get("/watched", (type, state, path) => fired.push(`${type} ${path}`));
  let going = true, written = 0, failures = 0;
  const writer = (async () => {
    while (going) {
      try {
        await zk.set("/counted", String(written + 1), -1);
        written += 1;
      } catch (error) {
        failures += 1;
        await sleep(10);
      }
    }
  })();
  await until(() => written > 20, "writes before the kill");
  const lines = readline.createInterface({ input: process.stdin });
  const go = new Promise((resolve) => lines.once("line", resolve));
  console.log("READY");
  assert.equal(await go, "GO");
  lines.close();
  const before = written;
  await until(() => written > before + 20, "writes after the kill");
  going = false;
  await writer;
  assert.equal((await zk.get("/counted", false))[1].toString(), String(written));
  assert.equal(zk.client_id, session);
  assert((await zk.exists("/ephemeral", false)).ephemeralOwner, "the ephemeral is kept");
  ok(`session, writes and ephemeral survive the kill of the master (requests that failed: ${failures})`);
  await zk.set("/watched", "x", -1);
  await until(() => fired.includes(`${ZooKeeper.ZOO_CHANGED_EVENT} /watched`), `a watch older than the kill: ${fired}`);
  ok("a watch survives the kill");
  zk.close();
}

main().then(
  () => process.exit(0),
  (error) => {
    console.log(`FAILED ${error}`.replaceAll("\n", " "));
    process.exit(1);
  },
);
