import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.framework.recipes.shared.SharedCount;
import org.apache.curator.framework.state.ConnectionState;
import org.apache.curator.retry.RetryForever;
import org.apache.zookeeper.CreateMode;

/** Curator's recipes against a cell: HOSTS as the argument, the protocol of clients_test.py on stdin and stdout. */
public final class CuratorClient {
  private static final int WAIT_S = 30;

  private CuratorClient() {}

  private static void ok(String name) {
    System.out.println("ok " + name);
  }

  private static void check(boolean condition, String what) {
    if (!condition) throw new AssertionError(what);
  }

  private static void until(Callable<Boolean> condition, String what) throws Exception {
    final long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_S);
    while (!condition.call()) {
      check(System.nanoTime() < deadline, "not within " + WAIT_S + " s: " + what);
      Thread.sleep(10);
    }
  }

  private static CuratorFramework client(String hosts) throws Exception {
    final CuratorFramework client =
        CuratorFrameworkFactory.newClient(hosts, 20_000, WAIT_S * 1000, new RetryForever(50));
    client.start();
    check(client.blockUntilConnected(WAIT_S, TimeUnit.SECONDS), "connected");
    return client;
  }

  private static void mutex(CuratorFramework one, CuratorFramework two, String when) throws Exception {
    final InterProcessMutex mine = new InterProcessMutex(one, "/mutex-" + when);
    final InterProcessMutex theirs = new InterProcessMutex(two, "/mutex-" + when);
    check(mine.acquire(WAIT_S, TimeUnit.SECONDS) && mine.acquire(1, TimeUnit.SECONDS), "acquired twice, it is reentrant");
    check(!theirs.acquire(100, TimeUnit.MILLISECONDS), "held");
    mine.release();
    check(!theirs.acquire(100, TimeUnit.MILLISECONDS), "held once more");
    mine.release();
    check(theirs.acquire(WAIT_S, TimeUnit.SECONDS), "free");
    theirs.release();
    ok("InterProcessMutex " + when + " the kill");
  }

  private static void count(CuratorFramework one, CuratorFramework two, String when) throws Exception {
    try (SharedCount a = new SharedCount(one, "/count-" + when, 7); SharedCount b = new SharedCount(two, "/count-" + when, 7)) {
      a.start();
      b.start();
      check(a.getCount() == 7, "the seed");
      final var old = b.getVersionedValue();
      a.setCount(8);
      until(() -> b.getCount() == 8, "the other sees the change");
      check(!b.trySetCount(old, 9), "a change upon an old version is refused");
      check(b.trySetCount(b.getVersionedValue(), 9), "a change upon the present version");
      until(() -> a.getCount() == 9, "and back");
    }
    ok("SharedCount " + when + " the kill");
  }

  private static LeaderLatch leader(List<LeaderLatch> latches) throws Exception {
    until(() -> latches.stream().filter(LeaderLatch::hasLeadership).count() == 1, "one leader");
    return latches.stream().filter(LeaderLatch::hasLeadership).findFirst().get();
  }

  private static void run(String hosts) throws Exception {
    final CuratorFramework one = client(hosts);
    final CuratorFramework two = client(hosts);
    mutex(one, two, "before");
    count(one, two, "before");
    one.inTransaction().create().forPath("/tx", new byte[] {1}).and().setData().forPath("/tx", new byte[] {2}).and().commit();
    check(one.getData().forPath("/tx")[0] == 2, "transaction");
    ok("a transaction");

    // Held across the kill.
    final AtomicBoolean lost = new AtomicBoolean();
    final AtomicInteger suspended = new AtomicInteger();
    for (CuratorFramework client : List.of(one, two)) {
      client.getConnectionStateListenable().addListener((c, state) -> {
        if (state == ConnectionState.LOST) lost.set(true);
        if (state == ConnectionState.SUSPENDED) suspended.incrementAndGet();
      });
    }
    final long session = one.getZookeeperClient().getZooKeeper().getSessionId();
    final InterProcessMutex held = new InterProcessMutex(one, "/held");
    held.acquire();
    final PersistentNode node = new PersistentNode(one, CreateMode.EPHEMERAL, false, "/node", "here".getBytes());
    node.start();
    check(node.waitForInitialCreate(WAIT_S, TimeUnit.SECONDS), "persistent node");
    final List<String> cached = Collections.synchronizedList(new ArrayList<>());
    final CuratorCache cache = CuratorCache.build(two, "/cached");
    cache.listenable().addListener(CuratorCacheListener.builder().forCreates(data -> cached.add(data.getPath())).build());
    one.create().forPath("/cached");
    cache.start();
    until(() -> cached.contains("/cached"), "cache");
    final List<LeaderLatch> latches = List.of(new LeaderLatch(one, "/latch", "one"), new LeaderLatch(two, "/latch", "two"));
    for (LeaderLatch latch : latches) latch.start();
    leader(latches);
    ok("LeaderLatch, PersistentNode and CuratorCache before the kill");
    one.create().forPath("/counted", "0".getBytes());
    final AtomicInteger written = new AtomicInteger();
    final AtomicBoolean stop = new AtomicBoolean();
    final Thread writer = new Thread(() -> {
      try {
        while (!stop.get()) {
          one.setData().forPath("/counted", String.valueOf(written.get() + 1).getBytes());
          written.incrementAndGet();
        }
      } catch (Exception e) {
        e.printStackTrace();
      }
    });
    writer.setDaemon(true);
    writer.start();
    until(() -> written.get() > 20, "writes before the kill");
    System.out.println("READY");
    check("GO".equals(new BufferedReader(new InputStreamReader(System.in)).readLine()), "the word to go on");
    final int before = written.get();
    until(() -> written.get() > before + 20, "writes after the kill");
    stop.set(true);
    writer.join();
    check(new String(one.getData().forPath("/counted")).equals(String.valueOf(written.get())), "the last acknowledged write is there");
    check(!lost.get(), "no session was lost");
    check(one.getZookeeperClient().getZooKeeper().getSessionId() == session, "the same session");
    ok("session and writes survive the kill of the master (connections that broke: " + suspended.get() + ")");
    check(!new InterProcessMutex(two, "/held").acquire(100, TimeUnit.MILLISECONDS), "the mutex is still held");
    held.release();
    check(new String(two.getData().forPath("/node")).equals("here"), "the persistent node is there");
    one.create().forPath("/cached/later");
    until(() -> cached.contains("/cached/later"), "the cache goes on");
    ok("InterProcessMutex, PersistentNode and CuratorCache survive the kill");
    final LeaderLatch first = leader(latches);
    final LeaderLatch second = latches.get(first == latches.get(0) ? 1 : 0);
    first.close();
    until(second::hasLeadership, "the other latch leads");
    second.close();
    ok("LeaderLatch survives the kill and passes on the lead");
    mutex(one, two, "after");
    count(one, two, "after");
    node.close();
    cache.close();
    one.close();
    two.close();
  }

  public static void main(String[] arguments) {
    try {
      run(arguments[0]);
    } catch (Throwable e) {
      System.out.println("FAILED " + e);
      e.printStackTrace();
      System.exit(1);
    }
    System.exit(0);
  }
}
