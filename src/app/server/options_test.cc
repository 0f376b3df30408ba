#include "app/server/options.h"

#include <gtest/gtest.h>

#include "app/config/load.h"

namespace conclave::app {
namespace {

Configuration load(const std::string& text, const std::string& myid = "1") {
  Problems problems;
  const FileReader read = [&](const std::string& path) -> Result<std::string> {
    return path == "zoo.cfg" ? text : myid;
  };
  Configuration configuration = load_zoo_cfg("zoo.cfg", read, &problems);
  EXPECT_FALSE(problems.has_errors()) << to_string(problems.sorted().front());
  return configuration;
}

constexpr char kThree[] =
    "dataDir=/d\ndataLogDir=/l\nclientPort=2191\ntickTime=2000\nsyncLimit=3\n"
    "server.1=a:1:11\nserver.2=b:2:12;2182\nserver.3=[::3]:3:13:observer;[::3]:2183\n";

TEST(ServerOptions, World) {
  const os::WorldOptions options = world_options(load(kThree));
  EXPECT_EQ(options.data_directory, "/d");
  EXPECT_EQ(options.journal_directory, "/l");
  ASSERT_TRUE(options.peers.has_value());
  EXPECT_EQ(options.peers->self, ReplicaId(1));
  EXPECT_EQ(options.peers->listen, (env::Address{"a", 1}));
  EXPECT_EQ(world_options(load(std::string(kThree) + "quorumListenOnAllIPs=true\n")).peers->listen,
            (env::Address{"", 1}));
  EXPECT_FALSE(world_options(load("dataDir=/d\n")).peers.has_value());
}

TEST(ServerOptions, Replica) {
  const replica::Options options =
      replica_options(load(std::string(kThree) + "conclave.consensus.learning=everyone\n"), 42);
  EXPECT_EQ(options.consensus.self, ReplicaId(1));
  ASSERT_EQ(options.consensus.members.size(), 3u);
  EXPECT_FALSE(options.consensus.members[2].voter);
  EXPECT_EQ(options.consensus.seed, 42u);
  EXPECT_EQ(options.consensus.learning, consensus::Learning::everyone);
  EXPECT_EQ(options.serving_grace, Duration::millis(6'000));
  EXPECT_EQ(options.addresses.at(ReplicaId(1)).client, std::nullopt) << "it is not in the list";
  EXPECT_EQ(options.addresses.at(ReplicaId(2)).peers, (std::vector{state::HostPort{"b", 2}}));
  EXPECT_GT(options.evaluator.transaction_bytes_max, 1'048'575u);
}

TEST(ServerOptions, TheEngineIsThatOfReplicaAndHandshake) {
  const Configuration paxos = load(kThree);
  EXPECT_EQ(replica_options(paxos, 1).engine, consensus::EngineKind::paxos);
  EXPECT_EQ(world_options(paxos).peers->engine, EngineNumber::multi_paxos);
  const Configuration raft = load(std::string(kThree) + "conclave.consensus.engine=raft\n");
  EXPECT_EQ(replica_options(raft, 1).engine, consensus::EngineKind::raft);
  EXPECT_EQ(world_options(raft).peers->engine, EngineNumber::raft);
}

// A configuration with nothing but defaults gives each part what it would have by itself.
TEST(ServerOptions, DefaultsAgreeWithThePartsOwn) {
  const Configuration configuration = load("dataDir=/d\ntickTime=2000\n");
  const replica::Options got = replica_options(configuration, 0);
  const replica::Options own;
  EXPECT_EQ(got.snapshot_entries, own.snapshot_entries);
  EXPECT_EQ(got.snapshot_bytes, own.snapshot_bytes);
  EXPECT_EQ(got.snapshots_kept, own.snapshots_kept);
  EXPECT_EQ(got.snapshot_slice_bytes, own.snapshot_slice_bytes);
  EXPECT_EQ(got.entries_kept_in_memory, own.entries_kept_in_memory);
  EXPECT_EQ(got.journal_segment_bytes, own.journal_segment_bytes);
  EXPECT_EQ(got.transactions_in_flight_max, own.transactions_in_flight_max);
  EXPECT_EQ(got.transaction_bytes_in_flight_max, own.transaction_bytes_in_flight_max);
  EXPECT_EQ(got.container_check_interval, own.container_check_interval);
  EXPECT_EQ(got.reaped_per_check_max, own.reaped_per_check_max);
  EXPECT_EQ(got.touch_interval, own.touch_interval);
  EXPECT_EQ(got.forward_retry, own.forward_retry);
  EXPECT_EQ(got.serving_grace, own.serving_grace);
  EXPECT_EQ(got.slow_sync, own.slow_sync);
  EXPECT_EQ(got.consensus.tick, own.consensus.tick);
  EXPECT_EQ(got.consensus.heartbeat, own.consensus.heartbeat);
  EXPECT_EQ(got.consensus.election_timeout_min, own.consensus.election_timeout_min);
  EXPECT_EQ(got.consensus.election_timeout_max, own.consensus.election_timeout_max);
  EXPECT_EQ(got.consensus.leases, own.consensus.leases);
  EXPECT_EQ(got.consensus.clock_drift_ppm, own.consensus.clock_drift_ppm);
  EXPECT_EQ(got.consensus.learning, own.consensus.learning);
  EXPECT_EQ(got.consensus.distinguished_learners, own.consensus.distinguished_learners);
  EXPECT_EQ(got.consensus.slots_in_flight_max, own.consensus.slots_in_flight_max);
  EXPECT_EQ(got.consensus.bytes_in_flight_max, own.consensus.bytes_in_flight_max);
  EXPECT_EQ(got.consensus.message_bytes_max, own.consensus.message_bytes_max);
  EXPECT_EQ(got.evaluator.multi_ops_max, own.evaluator.multi_ops_max);
  EXPECT_EQ(got.evaluator.path_bytes_max, own.evaluator.path_bytes_max);
  EXPECT_EQ(got.evaluator.path_depth_max, own.evaluator.path_depth_max);
  EXPECT_EQ(got.evaluator.extended_types, own.evaluator.extended_types);

  const frontend::zookeeper::Settings front_end = front_end_settings(configuration);
  const frontend::zookeeper::Settings front_end_own;
  EXPECT_EQ(front_end.limits.frame_bytes_max, front_end_own.limits.frame_bytes_max);
  EXPECT_EQ(front_end.limits.connections_per_address_max, front_end_own.limits.connections_per_address_max);
  EXPECT_EQ(front_end.limits.connections_max, front_end_own.limits.connections_max);
  EXPECT_EQ(front_end.limits.outstanding_requests_max, front_end_own.limits.outstanding_requests_max);
  EXPECT_EQ(front_end.limits.outstanding_bytes_max, front_end_own.limits.outstanding_bytes_max);
  EXPECT_EQ(front_end.limits.unsent_bytes_max, front_end_own.limits.unsent_bytes_max);
  EXPECT_EQ(front_end.limits.unsent_bytes_pause, front_end_own.limits.unsent_bytes_pause);
  EXPECT_EQ(front_end.limits.multi_ops_max, front_end_own.limits.multi_ops_max);
  EXPECT_EQ(front_end.limits.connect_timeout, front_end_own.limits.connect_timeout);
  EXPECT_EQ(front_end.limits.partial_frame_timeout, front_end_own.limits.partial_frame_timeout);
  EXPECT_EQ(front_end.session_timeout_min_ms, front_end_own.session_timeout_min_ms);
  EXPECT_EQ(front_end.session_timeout_max_ms, front_end_own.session_timeout_max_ms);
}

TEST(ServerOptions, LockService) {
  const std::string text = std::string(kThree) +
                           "conclave.chubby.server.1=a:7\nconclave.chubby.server.2=b:7\n"
                           "conclave.chubby.lease_ms=2000\nconclave.cell.name=blue\n";
  const frontend::chubby::Settings settings = chubby_settings(load(text));
  EXPECT_EQ(settings.listen, (std::vector<env::Address>{{"a", 7}}));
  EXPECT_EQ(settings.cell, "blue");
  const replica::Options options = replica_options(load(text), 1);
  EXPECT_EQ(options.addresses.at(ReplicaId(2)).lock_service, (state::HostPort{"b", 7}));
  EXPECT_EQ(options.lock_service, (state::HostPort{"a", 7}));
  EXPECT_EQ(settings.lease, Duration::seconds(2));

  const frontend::chubby::Settings got = chubby_settings(load("dataDir=/d\n"));
  const frontend::chubby::Settings own;
  EXPECT_TRUE(got.listen.empty());
  EXPECT_EQ(got.lease, own.lease);
  EXPECT_EQ(got.lease_max, own.lease_max);
  EXPECT_EQ(got.lease_sessions, own.lease_sessions);
  EXPECT_EQ(got.offer, own.offer);
  EXPECT_EQ(got.unopened_grace, own.unopened_grace);
  EXPECT_EQ(got.limits.connections_max, own.limits.connections_max);
  EXPECT_EQ(got.limits.calls_max, own.limits.calls_max);
  EXPECT_EQ(got.limits.handles_max, own.limits.handles_max);
  EXPECT_EQ(got.limits.cached_max, own.limits.cached_max);
  EXPECT_EQ(got.limits.notices_max, own.limits.notices_max);
  EXPECT_EQ(got.limits.unsent_bytes_max, own.limits.unsent_bytes_max);
  EXPECT_EQ(got.limits.hello_timeout, own.limits.hello_timeout);
}

TEST(ServerOptions, MemberConfigIsTheSameAtEveryReplica) {
  const std::string expected =
      "server.1=a:1:11:participant\n"
      "server.2=b:2:12:participant;0.0.0.0:2182\n"
      "server.3=[::3]:3:13:observer;[::3]:2183\n"
      "version=0";
  const auto shown = [](const Configuration& configuration) {
    return member_config_text(
        {.membership = {.version = 1, .members = replica_options(configuration, 1).consensus.members, .outgoing = {}},
         .addresses = addresses_of(configuration)});
  };
  EXPECT_EQ(shown(load(kThree, "1")), expected);
  std::string other(kThree);
  other.replace(other.find("2191"), 4, "2182");
  EXPECT_EQ(shown(load(other, "2")), expected);
}

}  // namespace
}  // namespace conclave::app
