// Connections between replicas over loopback: the contract of env::PeerNetwork, refusals, and reconnecting (B15, B29).
#include "os/peers.h"

#include <gtest/gtest.h>
#include <map>
#include <vector>

#include "base/log.h"
#include "os/test_world.h"
#include "os/world.h"

namespace conclave::os {
namespace {

class Receiver final : public env::PeerReceiver {
 public:
  void on_peer_frame(ReplicaId from, BytesView frame) override {
    EXPECT_TRUE(up[from]) << "frames come between up and down only";
    frames[from].emplace_back(frame);
  }
  void on_peer_up(ReplicaId peer) override {
    EXPECT_FALSE(up[peer]);
    up[peer] = true;
    ++ups;
    if (on_up) on_up(peer);
  }
  void on_peer_down(ReplicaId peer) override {
    EXPECT_TRUE(up[peer]);
    up[peer] = false;
    ++downs;
  }
  std::map<ReplicaId, bool> up;
  std::map<ReplicaId, std::vector<Bytes>> frames;
  int ups = 0, downs = 0;
  std::function<void(ReplicaId)> on_up;
};

struct Replica {
  std::unique_ptr<Peers> peers;
  Receiver receiver;
};

class PeersTest : public testing::Test {
 protected:
  PeersTest() {
    log::set_sink([this](log::Level, std::string_view, std::string_view message, log::Fields fields) {
      std::string line(message);
      for (const auto& field : fields) line += " " + std::string(field.key) + "=" + field.value;
      lines_.push_back(line);
    });
  }
  ~PeersTest() override { log::set_sink({}); }

  PeerOptions options(uint8_t id) {
    PeerOptions out;
    out.self = ReplicaId(id);
    out.cell = CellId(77);
    out.listen = {.host = "127.0.0.1", .port = 0};
    out.backoff_min = Duration::millis(1);
    out.backoff_max = Duration::millis(5);
    return out;
  }
  // These replicas, where they listen or will not be found.
  env::PeerTable table(std::initializer_list<uint8_t> ids, uint64_t version = 0) {
    env::PeerTable table{.version = version, .replicas = {}};
    for (const uint8_t id : ids) {
      table.replicas[ReplicaId(id)] = addresses_.contains(id) ? addresses_[id] : env::Address{"127.0.0.1", 1};
    }
    return table;
  }
  std::unique_ptr<Replica> start(PeerOptions options, uint64_t incarnation = 1) {
    return start(std::move(options), incarnation, table({1, 2, 3}));
  }
  std::unique_ptr<Replica> start(PeerOptions options, uint64_t incarnation, env::PeerTable peers) {
    auto replica = std::make_unique<Replica>();
    const uint8_t id = options.self.value;
    replica->peers = Peers::create(loop_, network_, incarnation, std::move(options)).value();
    addresses_[id] = replica->peers->local();
    replica->peers->set_peers(std::move(peers));
    replica->peers->start(&replica->receiver);
    return replica;
  }
  bool wait_for(const std::function<bool()>& reached) { return run_until(loop_, reached); }
  size_t lines_with(std::string_view part) const {
    return static_cast<size_t>(
        std::count_if(lines_.begin(), lines_.end(), [&](const auto& line) { return line.contains(part); }));
  }

  std::map<uint8_t, env::Address> addresses_;
  std::vector<std::string> lines_;
  Loop loop_;
  Network network_{loop_};
};

TEST_F(PeersTest, ThreeConnectAndFramesArriveInOrder) {
  auto one = start(options(1)), two = start(options(2)), three = start(options(3));
  ASSERT_TRUE(wait_for([&] { return one->receiver.ups == 2 && two->receiver.ups == 2 && three->receiver.ups == 2; }));
  EXPECT_TRUE(one->peers->connected(ReplicaId(3)));
  EXPECT_FALSE(one->peers->connected(ReplicaId(1)));
  EXPECT_FALSE(one->peers->connected(ReplicaId(9)));
  std::vector<Bytes> sent;
  for (size_t i = 0; i < 500; ++i) {
    sent.emplace_back(i % 10 == 0 ? 50'000 + i : i % 100, static_cast<char>('a' + i % 26));
    one->peers->send(ReplicaId(3), sent.back());
    three->peers->send(ReplicaId(1), sent.back());
  }
  one->peers->send(ReplicaId(1), "to itself: nowhere");
  one->peers->send(ReplicaId(9), "to nobody");
  ASSERT_TRUE(wait_for([&] {
    return one->receiver.frames[ReplicaId(3)].size() == 500 && three->receiver.frames[ReplicaId(1)].size() == 500;
  }));
  EXPECT_EQ(one->receiver.frames[ReplicaId(3)], sent);
  EXPECT_EQ(three->receiver.frames[ReplicaId(1)], sent);
  EXPECT_EQ(one->receiver.downs, 0);
}

TEST_F(PeersTest, FramesSentFromInsideOnPeerUpArrive) {
  auto one = start(options(1));
  one->receiver.on_up = [&](ReplicaId peer) { one->peers->send(peer, "first words"); };
  auto two = start(options(2));
  ASSERT_TRUE(wait_for([&] { return two->receiver.frames[ReplicaId(1)].size() == 1; }));
}

TEST_F(PeersTest, LostPeerIsToldAndComesBack) {
  auto one = start(options(1));
  auto two = start(options(2));
  ASSERT_TRUE(wait_for([&] { return one->receiver.ups == 1 && two->receiver.ups == 1; }));
  two.reset();
  ASSERT_TRUE(wait_for([&] { return one->receiver.downs == 1; }));
  EXPECT_FALSE(one->peers->connected(ReplicaId(2)));
  two = start(options(2), 2);
  ASSERT_TRUE(wait_for([&] { return one->receiver.ups == 2 && two->receiver.ups == 1; }));
  // The lower one restarts at another address; the higher one finds it again.
  one = start(options(1), 3);
  ASSERT_TRUE(wait_for([&] { return two->receiver.downs == 1; }));
  two->peers->set_peers(table({1, 2, 3}));
  ASSERT_TRUE(wait_for([&] { return two->receiver.ups == 2 && one->receiver.ups == 1; }));
  EXPECT_EQ(lines_with("lost the connection to a peer peer=1"), 1u);
}

TEST_F(PeersTest, NewConnectionReplacesTheOldOfTheSameReplica) {
  auto one = start(options(1));
  auto two = start(options(2));
  ASSERT_TRUE(wait_for([&] { return one->receiver.ups == 1 && two->receiver.ups == 1; }));
  auto twin = start(options(2), 2, table({1}));  // the old process's end has not been noticed
  ASSERT_TRUE(wait_for([&] { return twin->receiver.ups >= 1; }));
  EXPECT_GE(one->receiver.downs, 1);
}

// B29: replicas of another cell, with another id or unknown are refused, and each side says why, once.
TEST_F(PeersTest, WrongOnesAreRefusedInWordsOnBothSides) {
  struct Case {
    const char* reason;
    std::function<void(PeerOptions&)> spoil;
    uint8_t believed = 1;  // the id that replica 1 is taken for
  };
  const std::vector<Case> cases = {
      {"replica 2 is of cell 78, replica 1 of cell 77", [](PeerOptions& o) { o.cell = CellId(78); }},
      {"replica 2 runs Raft, replica 1 of this cell Multi-Paxos",
       [](PeerOptions& o) { o.engine = EngineNumber::raft; }},
      {"replica 4 is not a member of the cell, as far as replica 1 knows (members version 0)",
       [](PeerOptions& o) { o.self = ReplicaId(4); }},
      {"meant for replica 3, but this is replica 1", [](PeerOptions& o) { o.self = ReplicaId(4); }, 3},
  };
  for (const Case& it : cases) {
    lines_.clear();
    auto one = start(options(1));
    auto wrong = options(2);
    it.spoil(wrong);
    env::PeerTable peers;
    peers.replicas[ReplicaId(it.believed)] = addresses_[1];
    auto other = start(std::move(wrong), 1, peers);
    const std::string mine = std::string("refused a peer address=127.0.0.1:");
    ASSERT_TRUE(wait_for([&] { return lines_with(it.reason) >= 2 && lines_with("refused by a peer") > 0; }))
        << it.reason;
    // Many more attempts follow, and no line.
    uint32_t until = 0;
    ASSERT_TRUE(wait_for([&] { return ++until > 100; }));
    EXPECT_EQ(lines_with("refused a peer"), 1u) << it.reason;
    EXPECT_EQ(lines_with("refused by a peer"), 1u) << it.reason;
    EXPECT_EQ(one->receiver.ups + other->receiver.ups, 0);
    addresses_.erase(2);
    addresses_.erase(4);
  }
}

// The members change while all run.
TEST_F(PeersTest, ANewMemberIsLetInAndAFormerOneIsPartedFrom) {
  auto one = start(options(1), 1, table({1, 2}, 1)), two = start(options(2), 1, table({1, 2}, 1));
  auto three = start(options(3), 1, table({1, 2}));  // it knows nothing of the cell but where it is
  ASSERT_TRUE(wait_for([&] { return one->peers->connected(ReplicaId(2)); }));
  ASSERT_TRUE(wait_for([&] { return lines_with("replica 3 is not a member of the cell") >= 2; }));
  EXPECT_EQ(three->receiver.ups, 0);

  for (Replica* replica : {one.get(), two.get()}) replica->peers->set_peers(table({1, 2, 3}, 2));
  ASSERT_TRUE(wait_for([&] { return three->receiver.ups == 2; }));

  for (Replica* replica : {one.get(), three.get()}) replica->peers->set_peers(table({1, 3}, 3));
  ASSERT_TRUE(wait_for([&] { return two->receiver.downs == 2; }));
  ASSERT_TRUE(wait_for([&] {
    return lines_with(
               "replica 2 is not a member of the cell, as far as replica 1 knows "
               "(members version 3)") >= 2;
  }));
  EXPECT_EQ(one->receiver.downs, 1);
  EXPECT_TRUE(three->peers->connected(ReplicaId(1)));
}

// Whoever was away while all others were replaced has to be found by these.
TEST_F(PeersTest, WhoKnowsNewerMembersIsLetInUnknown) {
  auto old = start(options(1), 1, table({1}, 3));
  auto later = start(options(2), 1, table({1, 2}, 4));
  ASSERT_TRUE(wait_for([&] { return old->receiver.ups == 1 && later->receiver.ups == 1; }));
  old->peers->set_peers(table({1}, 3));
  EXPECT_EQ(old->receiver.downs, 0) << "that is no newer";
  old->peers->set_peers(table({1, 3}, 5));
  EXPECT_EQ(old->receiver.downs, 1) << "now it is known that it is none";
}

class Wire final : public env::StreamHandler {
 public:
  void on_data(BytesView bytes) override { text += bytes; }
  void on_closed(const Error& /*reason*/) override { closed = true; }
  std::string text;
  bool closed = false;
};

class PeersWireTest : public PeersTest {
 protected:
  // Sends `bytes` to replica 1 and waits until it hangs up; what it answered.
  std::string talk(Replica& one, Bytes bytes) {
    Wire wire;
    std::unique_ptr<env::Stream> stream;
    network_.connect(one.peers->local(), Duration::seconds(5), [&](auto result) {
      stream = std::move(*result);
      stream->set_handler(&wire);
      stream->write(bytes);
    });
    EXPECT_TRUE(wait_for([&] { return wire.closed; }));
    return wire.text;
  }
  Hello hello_from(uint8_t id) {
    Hello hello;
    hello.cell = CellId(77);
    hello.from = ReplicaId(id);
    hello.to = ReplicaId(1);
    return hello;
  }
  std::string refusal(const std::string& answer) {
    const auto decoded = decode_hello(answer);
    return decoded && *decoded ? (*decoded)->hello.reason : "(none)";
  }
};

TEST_F(PeersWireTest, StrangersAndSpoiltHandshakesAreClosed) {
  auto one = start(options(1));
  EXPECT_EQ(talk(*one, "GET / HTTP/1.1\r\n\r\n"), "");
  Bytes bad = encode(hello_from(2));
  bad.back() = static_cast<char>(bad.back() ^ 1);
  EXPECT_EQ(talk(*one, bad), "");
  EXPECT_EQ(lines_with("closed a connection to the peer port"), 1u) << "rate-limited";
  Hello old = hello_from(2);
  old.version = 0;
  EXPECT_EQ(refusal(talk(*one, encode(old))),
            "peer protocol versions 1 to 0 of replica 2 do not meet 1 to 1 of replica 1");
  Hello welcome = hello_from(2);
  welcome.status = Hello::Status::welcome;
  EXPECT_EQ(refusal(talk(*one, encode(welcome))), "handshake out of order");
  EXPECT_EQ(one->receiver.ups, 0);
}

// One that takes every engine, as builds before engines had numbers do, is refused by the side that connects.
TEST_F(PeersWireTest, AWelcomeFromAnotherEngineIsRefused) {
  Wire wire;
  std::unique_ptr<env::Stream> stream;
  auto listener = network_.listen({.host = "127.0.0.1", .port = 0}, {}, [&](auto accepted) {
    stream = std::move(accepted);
    stream->set_handler(&wire);
    Hello welcome = hello_from(1);
    welcome.to = ReplicaId(2);
    welcome.status = Hello::Status::welcome;
    stream->write(encode(welcome));
  });
  addresses_[1] = (*listener)->local();
  PeerOptions raft = options(2);
  raft.engine = EngineNumber::raft;
  auto two = start(std::move(raft));
  ASSERT_TRUE(wait_for([&] { return wire.closed; }));
  EXPECT_EQ(lines_with("replica 1 runs Multi-Paxos, replica 2 of this cell Raft"), 2u) << "refused, and not reached";
  EXPECT_EQ(two->receiver.ups, 0);
}

TEST_F(PeersWireTest, SilentStrangersAreClosed) {
  auto hasty = options(1);
  hasty.connect_timeout = Duration::millis(20);
  auto one = start(std::move(hasty));
  EXPECT_EQ(talk(*one, "CNCL"), "");
  EXPECT_EQ(lines_with("handshake timed out"), 1u);
}

TEST_F(PeersWireTest, SpoiltFrameClosesTheConnection) {
  auto one = start(options(1));
  Bytes bytes = encode(hello_from(2));
  append_frame_header(&bytes, 0, "good");
  bytes += "good";
  append_frame_header(&bytes, 1, "bad");
  bytes += "bat";
  talk(*one, bytes);
  EXPECT_EQ(one->receiver.frames[ReplicaId(2)], std::vector<Bytes>{"good"});
  EXPECT_EQ(one->receiver.ups, 1);
  EXPECT_EQ(one->receiver.downs, 1);
  EXPECT_EQ(lines_with("reason=frame 1 fails its checksum"), 1u);
}

TEST_F(PeersTest, FramesOverTheBoundsAreDroppedAndSaidSo) {
  auto one = start(options(1));
  auto small = options(2);
  small.queue_bytes_max = 1000;
  small.frame_bytes_max = 500;
  auto two = start(std::move(small));
  ASSERT_TRUE(wait_for([&] { return two->receiver.ups == 1 && one->receiver.ups == 1; }));
  loop_.post([&] {
    two->peers->send(ReplicaId(1), Bytes(501, 'x'));
    for (int i = 0; i < 3; ++i) two->peers->send(ReplicaId(1), Bytes(400, 'y'));
  });
  ASSERT_TRUE(wait_for([&] { return one->receiver.frames[ReplicaId(2)].size() == 2; }));
  EXPECT_EQ(lines_with("dropped"), 1u) << "rate-limited";
  two->peers->send(ReplicaId(1), "later");
  ASSERT_TRUE(wait_for([&] { return one->receiver.frames[ReplicaId(2)].size() == 3; }));
  EXPECT_EQ(one->receiver.frames[ReplicaId(2)].back(), "later");
  EXPECT_EQ(one->receiver.downs, 0);
}

TEST_F(PeersTest, BadOptionsFailAtOnce) {
  EXPECT_FALSE(Peers::create(loop_, network_, 1, options(0)).has_value());
  auto taken = start(options(1));
  auto same = options(2);
  same.listen = taken->peers->local();
  EXPECT_EQ(Peers::create(loop_, network_, 1, same).error().kind, ErrorKind::already_exists);
}

TEST(World, BundlesAllAndRuns) {
  TemporaryDirectory directory;
  PeerOptions peers;
  peers.self = ReplicaId(1);
  peers.listen = {.host = "127.0.0.1", .port = 0};
  auto world = World::create({.data_directory = directory.path() + "/data", .peers = peers}).value();
  const env::World env = world->env();
  Receiver receiver;
  env.peers.start(&receiver);
  bool saved = false;
  env.journal_worker.submit([&] { saved = env.files.open("f", env::Files::Open::create_new).has_value(); },
                            [&] { env.executor.schedule(Duration{1}, [&] { world->stop(); }); });
  world->run();
  EXPECT_TRUE(saved);
  EXPECT_FALSE(env.faults.fires("any"));
  world->on_signal({SIGUSR1}, [&](int) { world->stop(); });
  raise(SIGUSR1);
  world->run();
}

TEST(World, ClientsNeedNeitherFilesNorPeers) {
  auto world = World::create({}).value();
  const env::World env = world->env();
  Receiver receiver;
  env.peers.start(&receiver);
  env.peers.send(ReplicaId(1), "nowhere");
  EXPECT_FALSE(env.peers.connected(ReplicaId(1)));
  EXPECT_FALSE(env.files.list("").has_value());
  EXPECT_FALSE(World::create({.data_directory = "/proc/none/at/all"}).has_value());
}

}  // namespace
}  // namespace conclave::os
