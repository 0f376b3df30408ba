// The session: master, leases, jeopardy, end.
#include "client/chubby/testing_client.h"

namespace conclave::chubby {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ClientTest, NothingIsConnectedBeforeItIsNeeded) {  // CH-66
  start();
  settle(Duration::seconds(5));
  EXPECT_EQ(replica.connections, 0u);
  EXPECT_EQ(client->session_state(), SessionState::none);
  client->open("/f", {}, record<Opened>("open"));
  ASSERT_TRUE(until([&] { return !replica.hellos.empty(); }));
  EXPECT_EQ(replica.hellos[0].protocol(), wire::kProtocol);
  EXPECT_EQ(replica.hellos[0].session(), 0);
  const wire::Call call = next_call();
  EXPECT_EQ(call.number(), 1u);
  EXPECT_EQ(call.epoch(), 5u);
  EXPECT_EQ(call.open().path(), "/f");
  EXPECT_EQ(client->session_state(), SessionState::safe);
  EXPECT_EQ(client->session(), SessionId(77));
  reply(call, wire::OK, opened(call));
  EXPECT_THAT(log, ElementsAre("open: opened"));
}

// The network of the world, with names that stand for several addresses.
class NamedNetwork final : public env::Network {
 public:
  NamedNetwork(env::Executor& executor, env::Network& network) : executor_(executor), network_(network) {}
  Result<std::unique_ptr<env::Listener>> listen(const env::Address& address, Accept accept) override {
    return network_.listen(address, std::move(accept));
  }
  void connect(const env::Address& address, Duration timeout, Connected done) override {
    tried.push_back(address.host);
    network_.connect(address, timeout, std::move(done));
  }
  void resolve(const env::Address& address, Duration timeout, Resolved done) override {
    if (address.host != "cell.example") return network_.resolve(address, timeout, std::move(done));
    ++look_ups;
    executor_.post([this, done = std::move(done)]() mutable { done(addresses); });
  }
  Result<std::unique_ptr<env::DatagramSocket>> open_datagrams(const env::Address& local, Receive receive) override {
    return network_.open_datagrams(local, std::move(receive));
  }

  std::vector<env::Address> addresses;
  std::vector<std::string> tried;
  int look_ups = 0;

 private:
  env::Executor& executor_;
  env::Network& network_;
};

TEST_F(ClientTest, CH_14_ANameInDnsStandsForAllReplicas) {
  ScriptedReplica master(world, 5);
  NamedNetwork named(host().env().executor, host().env().network);
  // The first three do not answer, so all addresses of one look-up are tried.
  named.addresses = {sim::World::address(2, 7000), sim::World::address(3, 7000), sim::World::address(4, 7000),
                     master.address()};
  options.replicas = {{.host = "cell.example", .port = 7000}};
  const env::World env = host().env();
  client = std::make_unique<Client>(env.clock, env.executor, named, env.entropy, options);
  client->open("/f", {}, record<Opened>("open"));
  const wire::Call call = next_call(master);
  EXPECT_EQ(named.look_ups, 1);
  EXPECT_TRUE(call.has_open());
  // The cell has moved: the name is looked up anew.
  named.addresses = {replica.address()};
  replica.session_over = "moved";
  master.disconnect();
  ASSERT_TRUE(until([&] { return !replica.hellos.empty(); }));
  EXPECT_EQ(named.look_ups, 2);
}

TEST_F(ClientTest, CredentialsAndCellAreInHello) {  // CH-26
  options.cell = "test";
  options.credentials = {{.scheme = "digest", .secret = "a:b"}};
  start_with("/f");
  EXPECT_EQ(replica.hellos[0].cell(), "test");
  ASSERT_EQ(replica.hellos[0].credentials_size(), 1);
  EXPECT_EQ(replica.hellos[0].credentials(0).secret(), "a:b");
}

// The lease counts from the sending of the KeepAlive, and is shorter by the bound of the clock rates.
TEST_F(ClientTest, LocalLease) {  // CH-70
  start_with("/f");
  const auto sent = host().env().clock.now();
  replica.grant();
  ASSERT_TRUE(until([&] { return replica.keep_alives.size() == 2; }));
  EXPECT_GT(client->lease_end(), sent + Duration::micros(11'870'000));
  EXPECT_LT(client->lease_end(), sent + Duration::micros(11'890'000));
  settle(Duration::seconds(8));
  replica.grant();
  settle();
  // (8 + 12) s * 0.99 behind the sending of the second.
  EXPECT_GT(client->lease_end(), sent + Duration::micros(19'790'000));
  EXPECT_LT(client->lease_end(), sent + Duration::micros(19'810'000));
}

// However slow the client's clock is within the bound, it is in jeopardy before the master's lease ends.
TEST_F(ClientTest, ASlowClockEndsTheLeaseInTime) {  // CH-70
  host().set_clock_rate_ppm(-9'900);
  start_with("/f");
  replica.grant();
  const Instant granted = world.now();
  replica.answers_hello = false;  // and nothing more
  world.isolate(1);
  ASSERT_TRUE(until([&] { return client->session_state() == SessionState::jeopardy; }, Duration::seconds(30)));
  EXPECT_LE(world.now(), granted + ScriptedReplica::kLease);
  EXPECT_GT(world.now(), granted + ScriptedReplica::kLease * 9 / 10);
}

TEST_F(ClientTest, KeepAlivesKeepTheSession) {  // CH-68
  replica.answers_keep_alives = true;
  start_with("/f");
  settle(Duration::seconds(100));
  EXPECT_EQ(client->session_state(), SessionState::safe);
  EXPECT_EQ(replica.connections, 1u);
  EXPECT_EQ(replica.keep_alives.size(), 13u);
  EXPECT_EQ(replica.keep_alives.back().number(), 13u);
  EXPECT_THAT(log, IsEmpty());
}

TEST_F(ClientTest, JeopardyThenSafe) {  // CH-71, CH-72, CH-76: back within the grace period
  const HandleId file = start_with("/f");
  replica.answers_hello = false;
  replica.disconnect();
  settle(Duration::seconds(13));
  EXPECT_THAT(log, ElementsAre("jeopardy"));
  client->get_contents(file, record<Contents>("get"));
  replica.answers_hello = true;
  ASSERT_TRUE(until([&] { return client->figures().connections == 2; }, Duration::seconds(10)));
  EXPECT_EQ(replica.hellos.back().session(), 77);
  EXPECT_EQ(replica.hellos.back().password(), "0123456789abcdef");
  // A Welcome alone does not end it: calls block.
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("jeopardy"));
  replica.grant();
  reply(next_call(), wire::OK, contents("text", false));
  EXPECT_THAT(log, ElementsAre("jeopardy", "safe", "get: text"));
}

TEST_F(ClientTest, ExpiredAfterTheGracePeriod) {  // CH-71, CH-72, CH-73
  const HandleId file = start_with("/f");
  replica.answers_hello = false;
  replica.disconnect();
  settle(Duration::seconds(20));
  const Instant end = client->lease_end();
  client->get_contents(file, record<Contents>("blocked"));
  settle(Duration::seconds(36));
  EXPECT_EQ(client->session_state(), SessionState::jeopardy);
  ASSERT_TRUE(until([&] { return client->session_state() == SessionState::expired; }, Duration::seconds(2)));
  EXPECT_GE(host().env().clock.now(), end + Duration::seconds(45));
  settle();
  client->get_stat(file, record<Stat>("stat"));
  client->open("/g", {}, record<Opened>("open"));
  client->poison(file);
  client->close(file, record<void>("close"));
  settle();
  EXPECT_THAT(log, ElementsAre("jeopardy", "expired", "blocked: session expired", "stat: session expired",
                               "open: session expired", "close: ok"));
}

TEST_F(ClientTest, ANewSessionWhenTheProgramAsks) {  // CH-73
  const HandleId old = start_with("/f");
  replica.session_over = "no such session";
  replica.disconnect();
  ASSERT_TRUE(until([&] { return client->session_state() == SessionState::expired; }));
  EXPECT_THAT(client->last_failure(), HasSubstr("no such session"));
  replica.session_over.clear();
  replica.session = 78;
  client->restart();
  const HandleId fresh = open_file("/f");
  EXPECT_EQ(replica.hellos.back().session(), 0);
  EXPECT_NE(fresh, old);
  client->get_stat(old, record<Stat>("old"));
  client->get_stat(fresh, record<Stat>("fresh"));
  reply(next_call(), wire::OK, [](wire::Reply& r) { fill_stat(r.mutable_stat()); });
  EXPECT_THAT(log, ElementsAre("expired", "old: session expired", "fresh: 20"));
}

// A process that was stopped finds out by the clock, whatever the timers and the network say first.
TEST_F(ClientTest, AStoppedProcessIsExpiredWhenItWakes) {  // CH-71
  replica.answers_keep_alives = true;
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  host().pause_for(Duration::seconds(70));
  settle(Duration::seconds(69));
  replica.grant();
  settle(Duration::seconds(2));
  EXPECT_EQ(client->session_state(), SessionState::expired);
  client->set_contents(file, "late", {}, record<Stat>("set"));
  settle();
  EXPECT_THAT(log, ElementsAre("jeopardy", "expired", "set: session expired"));
  EXPECT_TRUE(replica.calls.empty());
}

// A session is opened through the log: of a cell that is slow no other answer would ever come (seed 441 of the profile
// `locks`).
TEST_F(ClientTest, WhoDoesNotAnswerHelloIsGivenMoreTimeEachTime) {
  replica.answers_hello = false;
  start();
  client->open("/f", {}, record<Opened>("open"));
  std::vector<int64_t> seconds;
  Instant last;
  for (size_t n = 1; n <= 5; ++n) {
    ASSERT_TRUE(until([&] { return replica.hellos.size() == n; }, Duration::seconds(20)));
    if (n > 1) seconds.push_back((world.now() - last).ms() / 1000);
    last = world.now();
  }
  EXPECT_THAT(seconds, ElementsAre(2, 4, 8, 8));
  replica.welcome();
  ASSERT_TRUE(until([&] { return client->session_state() == SessionState::safe; }));
  replica.disconnect();
  ASSERT_TRUE(until([&] { return replica.hellos.size() == 6; }, Duration::seconds(2)));
  last = world.now();
  ASSERT_TRUE(until([&] { return replica.hellos.size() == 7; }, Duration::seconds(20)));
  EXPECT_EQ((world.now() - last).ms() / 1000, 2) << "an answer begins anew";
}

// While it slept its session may have ended, and its lock be somebody else's (seed 575 of the profile `locks`).
TEST_F(ClientTest, AnAnswerInJeopardyIsAskedForAgain) {  // CH-71: calls block
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  client->acquire(file, LockMode::exclusive, record<Acquired>("lock"));
  const wire::Call asked = next_call();
  host().pause_for(Duration::seconds(20));
  reply(asked, wire::OK, acquired());
  ASSERT_TRUE(until([&] { return !log.empty(); }, Duration::seconds(21)));
  ASSERT_TRUE(until([&] { return client->figures().connections == 2; }, Duration::seconds(2)));
  EXPECT_TRUE(no_call());
  EXPECT_THAT(log, ElementsAre("jeopardy"));
  replica.grant();
  const wire::Call again = next_call();
  EXPECT_EQ(again.number(), asked.number());
  reply(again, wire::OK, acquired());
  EXPECT_THAT(log, ElementsAre("jeopardy", "safe", "lock: conclave-lock/1 x 1e /f"));
}

TEST_F(ClientTest, AnAnswerInJeopardyCountsForNothingIfTheSessionIsOver) {  // CH-71, CH-73
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  client->acquire(file, LockMode::exclusive, record<Acquired>("lock"));
  const wire::Call asked = next_call();
  host().pause_for(Duration::seconds(20));
  reply(asked, wire::OK, acquired());
  replica.session_over = "no such session";
  ASSERT_TRUE(until([&] { return client->session_state() == SessionState::expired; }, Duration::seconds(25)));
  settle();
  EXPECT_THAT(log, ElementsAre("jeopardy", "expired", "lock: session expired"));
}

// Half-open connection: nobody says that it broke.
TEST_F(ClientTest, ASilentMasterIsNoticedBeforeTheLeaseEnds) {  // CH-69
  ScriptedReplica other(world, 2);
  options.replicas.push_back(other.address());
  replica.answers_hello = other.answers_hello = true;
  start();
  client->open("/f", {}, record<Opened>("open"));
  ASSERT_TRUE(until([&] { return !replica.calls.empty() || !other.calls.empty(); }));
  ScriptedReplica& master = replica.calls.empty() ? other : replica;
  ScriptedReplica& next = replica.calls.empty() ? replica : other;
  next.epoch = master.epoch;
  master.reply(master.calls.front().number(), wire::OK, opened(master.calls.front()));
  settle(Duration::seconds(8));
  master.grant();
  settle();
  ASSERT_TRUE(until([&] { return next.keep_alives.size() == 1; }, Duration::seconds(30)));
  EXPECT_LT(host().env().clock.now() + Duration::seconds(2), client->lease_end());
  next.grant();
  settle(Duration::seconds(3));
  EXPECT_EQ(client->session_state(), SessionState::safe);
  EXPECT_THAT(log, ElementsAre("open: opened"));
}

TEST_F(ClientTest, ElsewhereIsFollowed) {  // CH-14
  ScriptedReplica second(world, 2);
  ScriptedReplica third(world, 3);
  const auto name = [](const ScriptedReplica& at) {
    wire::Elsewhere out;
    out.set_master_host(at.address().host);
    out.set_master_port(at.address().port);
    return out;
  };
  replica.elsewhere = name(second);
  second.elsewhere = name(third);
  options.replicas = {replica.address(), replica.address(), replica.address()};
  start();
  client->open("/f", {}, record<Opened>("open"));
  EXPECT_TRUE(next_call(third).has_open());
  EXPECT_EQ(client->figures().redirections, 2u);
  EXPECT_EQ(client->replica(), third.address());
}

TEST_F(ClientTest, ReplicasThatNameEachOtherAreAskedWithPauses) {  // CH-14
  ScriptedReplica second(world, 2);
  wire::Elsewhere to_second, to_first;
  to_second.set_master_host(second.address().host);
  to_second.set_master_port(second.address().port);
  to_first.set_master_host(replica.address().host);
  to_first.set_master_port(replica.address().port);
  replica.elsewhere = to_second;
  second.elsewhere = to_first;
  options.replicas = {replica.address(), second.address()};
  start();
  client->open("/f", {}, record<Opened>("open"));
  settle(Duration::seconds(10));
  EXPECT_LT(client->figures().redirections, 150u);
  EXPECT_GT(client->figures().redirections, 10u);
  replica.elsewhere.reset();
  EXPECT_TRUE(until([&] { return client->session_state() == SessionState::safe; }, Duration::seconds(3)));
}

TEST_F(ClientTest, SilentAndDeadReplicasArePassedOver) {  // CH-15
  ScriptedReplica silent(world, 2);
  silent.answers_hello = false;
  options.replicas = {silent.address(), sim::World::address(3, 7000), replica.address()};
  start();
  client->open("/f", {}, record<Opened>("open"));
  EXPECT_TRUE(until([&] { return !replica.calls.empty(); }, Duration::seconds(5)));
}

TEST_F(ClientTest, NoMasterAtAll) {  // CH-71: a call waits no longer than the grace period
  replica.answers_hello = false;
  start();
  client->open("/f", {}, record<Opened>("open"));
  settle(Duration::seconds(44));
  EXPECT_THAT(log, IsEmpty());
  settle(Duration::seconds(2));
  EXPECT_THAT(log, ElementsAre("open: session expired"));
  EXPECT_EQ(client->session_state(), SessionState::none);
  replica.answers_hello = true;
  open_file("/f");
}

TEST_F(ClientTest, AnotherCellThanAskedFor) {  // CH-20
  replica.session_over = "this cell is called test";
  start();
  std::string words;
  client->open("/f", {}, [&](Outcome<Opened> result) { words = result.error().message; });
  settle(Duration::millis(100));
  EXPECT_EQ(words, "this cell is called test");
  EXPECT_EQ(client->session_state(), SessionState::none);
}

TEST_F(ClientTest, AnIdleSessionIsEnded) {  // CH-66
  replica.answers_keep_alives = true;
  const HandleId file = start_with("/f");
  settle(Duration::seconds(200));
  EXPECT_EQ(client->session_state(), SessionState::safe) << "a handle is open";
  client->close(file, record<void>("close"));
  settle(Duration::seconds(55));
  EXPECT_TRUE(replica.calls.empty());
  ASSERT_TRUE(until([&] { return !replica.calls.empty(); }, Duration::seconds(6)));
  const wire::Call end = next_call();
  EXPECT_TRUE(end.has_end_session());
  client->open("/g", {}, record<Opened>("open"));  // meanwhile: in the next session
  EXPECT_TRUE(no_call());
  reply(end);
  const wire::Call open = next_call();
  EXPECT_EQ(replica.hellos.back().session(), 0);
  EXPECT_EQ(open.number(), 1u);
  reply(open, wire::OK, opened(open));
  EXPECT_THAT(log, ElementsAre("close: ok", "open: opened"));
}

TEST_F(ClientTest, EndIsToldToTheMaster) {  // CH-66
  const HandleId file = start_with("/f", {.mode = kReadWrite});
  client->set_contents(file, "last", {}, record<Stat>("set"));
  client->end(Duration::seconds(1), [&] { log.push_back("ended"); });
  const wire::Call set = next_call();
  const wire::Call end = next_call();
  EXPECT_TRUE(end.has_end_session());
  reply(set, wire::OK, [](wire::Reply& r) { fill_stat(r.mutable_stat()); });
  reply(end);
  EXPECT_THAT(log, ElementsAre("set: 20", "ended"));
  client->get_stat(file, record<Stat>("stat"));
  settle();
  EXPECT_EQ(log.back(), "stat: session expired");
}

TEST_F(ClientTest, EndDoesNotWaitForEver) {  // CH-66
  start_with("/f");
  client->end(Duration::seconds(1), [&] { log.push_back("ended"); });
  settle(Duration::millis(900));
  EXPECT_THAT(log, IsEmpty());
  settle(Duration::millis(200));
  EXPECT_THAT(log, ElementsAre("ended"));
}

TEST_F(ClientTest, MalformedBytesEndTheConnection) {
  start_with("/f");
  const std::pair<Bytes, const char*> cases[] = {
      {Bytes("\0\0\0\2\xff\xff", 6), "malformed"},
      {Bytes("\x7f\xff\xff\xff", 4), "above the limit"},
      {Bytes("\0\0\0\0", 4), "unknown kind"},
  };
  uint64_t violations = 0;
  for (const auto& [bytes, words] : cases) {
    const size_t before = replica.hellos.size();
    replica.send_bytes(bytes);
    ASSERT_TRUE(until([&] { return replica.hellos.size() > before; }));
    EXPECT_THAT(client->last_failure(), HasSubstr("broke the protocol"));
    EXPECT_THAT(client->last_failure(), HasSubstr(words));
    EXPECT_EQ(client->figures().violations, ++violations);
    settle();
  }
  EXPECT_EQ(client->session_state(), SessionState::safe);
}

TEST_F(ClientTest, MessagesThatMakeNoSenseEndTheConnection) {
  start_with("/f");
  const std::pair<std::function<void()>, const char*> cases[] = {
      {[&] { replica.welcome(); }, "a second Welcome"},
      {[&] { replica.reply(99, wire::OK); }, "a reply 99 to no call"},
      {[&] { replica.grant({ScriptedReplica::invalidation(2, "/f")}); }, "notice 2 after 0"},
      {[&] { replica.grant({}, Duration::seconds(100'000)); }, "a lease without end"},
      {[&] {
         replica.keep_alives.back().set_number(7);
         replica.grant();
       },
       "an answer to KeepAlive 7"},
  };
  for (const auto& [send, words] : cases) {
    const size_t before = replica.keep_alives.size();
    send();
    ASSERT_TRUE(until([&] { return replica.keep_alives.size() > before; })) << words;
    EXPECT_THAT(client->last_failure(), HasSubstr(words));
  }
  replica.session = 78;
  replica.disconnect();
  EXPECT_TRUE(until([&] { return client->last_failure().contains("another session"); }));
}

// A former master that does not know it yet.
TEST_F(ClientTest, AnEarlierEpochIsNotFollowed) {  // CH-77
  start_with("/f");
  replica.epoch = 4;
  replica.disconnect();
  settle(Duration::millis(200));
  EXPECT_THAT(client->last_failure(), HasSubstr("a former master"));
  EXPECT_EQ(client->epoch(), 5u);
}

TEST_F(ClientTest, DestroyedInsideItsOwnCallbacks) {
  const HandleId file = start_with("/f", {.on_event = [&](const Event&) { client.reset(); }});
  client->get_contents(file, record<Contents>("never"));
  replica.grant({ScriptedReplica::event(1, 1, wire::Event::HANDLE_INVALID)});
  settle(Duration::seconds(1));
  EXPECT_EQ(client, nullptr);

  start();
  client->open("/g", {}, [&](Outcome<Opened>) { client.reset(); });
  wire::Call call = next_call();
  while (!call.has_open()) call = next_call();
  reply(call, wire::OK, opened(call));
  EXPECT_EQ(client, nullptr);

  start();
  client->on_session([&](SessionEvent) { client.reset(); });
  open_file("/g");
  replica.session_over = "over";
  replica.disconnect();
  settle(Duration::seconds(1));
  EXPECT_EQ(client, nullptr);
  EXPECT_THAT(log, IsEmpty());
}

}  // namespace
}  // namespace conclave::chubby
