#include "replica/driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/world/world.h"
#include "wire/peer/peer_message.h"

namespace conclave::replica {
namespace {

using consensus::Entry;
using consensus::EntryKind;
using consensus::Output;
using testing::ElementsAre;
using testing::IsEmpty;

const ReplicaId kPeer(2);

// Gives the outputs the test has put in, in order, and notes what it was told.
class ScriptedEngine final : public consensus::Engine {
 public:
  explicit ScriptedEngine(std::deque<Output>* script, std::vector<std::string>* told) : script_(script), told_(told) {}
  Output step(const consensus::Event& event) override {
    if (const auto* persisted = std::get_if<consensus::Persisted>(&event.body)) {
      told_->push_back("persisted " + std::to_string(persisted->persist));
    } else if (const auto* applied = std::get_if<consensus::Applied>(&event.body)) {
      told_->push_back("applied " + to_string(applied->index));
    } else if (std::holds_alternative<consensus::Tick>(event.body) && !script_->empty()) {
      Output output = std::move(script_->front());
      script_->pop_front();
      return output;
    }
    return {};
  }
  consensus::EngineStatus status(Instant) const override { return {}; }
  std::unique_ptr<Engine> clone() const override { return std::make_unique<ScriptedEngine>(*this); }
  void fold(consensus::StateFold&) const override {}

 private:
  std::deque<Output>* script_;
  std::vector<std::string>* told_;
};

// A disk that is done when the test says so.
class SlowJournal final : public storage::Journal {
 public:
  explicit SlowJournal(std::deque<Task>* writes) : writes_(writes) {}
  void append(const consensus::Persist&, Task done) override { writes_->push_back(std::move(done)); }
  void release(Index) override {}
  void on_failure(std::move_only_function<void(Error)> handler) override { fail = std::move(handler); }
  storage::JournalFigures figures() const override { return {}; }
  storage::JournalHoldings holdings() const override { return {}; }

  std::move_only_function<void(Error)> fail;

 private:
  std::deque<Task>* writes_;
};

// Notes the engine types of the messages sent.
class NotedPeers final : public env::PeerNetwork {
 public:
  void set_peers(env::PeerTable /*table*/) override {}
  void start(env::PeerReceiver*) override {}
  void send(ReplicaId, Bytes frame) override {
    sent.push_back(std::get<wire::peer::EngineMessage>(*wire::peer::decode(frame)).message.type);
  }
  bool connected(ReplicaId) const override { return true; }
  std::vector<int> sent;
};

class DriverTest : public testing::Test, public DriverHandler {
 protected:
  void on_committed(const Entry& entry) override { done.push_back("apply " + to_string(entry.index)); }
  void on_reads_granted(const std::vector<consensus::ReadGrant>&) override { done.push_back("read"); }
  void on_reads_refused(const std::vector<uint64_t>&) override { done.push_back("read refused"); }
  void on_proposal_refused(uint64_t) override { done.push_back("refused"); }
  void on_role(const consensus::RoleChange&) override { done.push_back("role"); }
  void on_snapshot_needed(const consensus::SnapshotNeeded&) override { done.push_back("snapshot"); }
  void on_fatal(const Error& error) override { done.push_back("fatal: " + error.message); }

  static consensus::Envelope message(uint8_t type) { return {kPeer, {.type = type, .header = {}, .entries = {}}}; }
  static Entry entry(uint64_t index) { return {Index(index), {1, ReplicaId(1)}, EntryKind::noop, Blob()}; }
  void tick(Output output) {
    script.push_back(std::move(output));
    driver.feed(consensus::Tick{});
  }
  void write_completes() {
    Task task = std::move(writes.front());
    writes.pop_front();
    task();
  }
  env::World with_noted_peers() {
    const env::World sim = simulated.host(1).env();
    return {.clock = sim.clock,
            .executor = sim.executor,
            .journal_worker = sim.journal_worker,
            .snapshot_worker = sim.snapshot_worker,
            .files = sim.files,
            .journal_files = sim.journal_files,
            .peers = peers,
            .network = sim.network,
            .entropy = sim.entropy,
            .faults = sim.faults};
  }

  sim::World simulated{1};
  NotedPeers peers;
  env::World world = with_noted_peers();
  std::deque<Output> script;
  std::deque<Task> writes;
  std::vector<std::string> told;
  std::vector<std::string> done;
  SlowJournal* journal = new SlowJournal(&writes);
  Driver driver{
      world, std::make_unique<ScriptedEngine>(&script, &told), std::unique_ptr<storage::Journal>(journal), Index(0), {},
      *this};
};

TEST_F(DriverTest, D1_NothingLeavesBeforeWhatItClaimsIsDurable) {
  tick({.persist = {.number = 1}, .send = {message(1)}, .send_when_durable = {message(2)}});
  tick({.persist = {.number = 2}, .send = {}, .send_when_durable = {message(3)}});
  EXPECT_THAT(peers.sent, ElementsAre(1));
  write_completes();
  EXPECT_THAT(peers.sent, ElementsAre(1, 2));
  write_completes();
  EXPECT_THAT(peers.sent, ElementsAre(1, 2, 3));
  EXPECT_THAT(told, ElementsAre("persisted 1", "persisted 2"));
}

TEST_F(DriverTest, D1_AMessageWithoutAPersistOfItsOwnWaitsForTheEarlierOnes) {
  tick({.persist = {.number = 1}});
  tick({.persist = {}, .send = {}, .send_when_durable = {message(2)}});
  EXPECT_THAT(peers.sent, IsEmpty());
  write_completes();
  EXPECT_THAT(peers.sent, ElementsAre(2));
  tick({.persist = {}, .send = {}, .send_when_durable = {message(3)}});  // nothing outstanding: at once
  EXPECT_THAT(peers.sent, ElementsAre(2, 3));
}

TEST_F(DriverTest, D2_EntriesAreAppliedInOrderAndTheRoleIsToldAfterThem) {
  Output output{.committed = {entry(1), entry(2)}};
  output.role = consensus::RoleChange{};
  output.reads.push_back({.token = 1, .index = Index(2)});
  tick(std::move(output));
  EXPECT_THAT(done, ElementsAre("apply 1", "apply 2", "read", "role"));
  EXPECT_THAT(told, ElementsAre("applied 2"));
  EXPECT_EQ(driver.applied(), Index(2));
}

TEST_F(DriverTest, D2_AGapIsABrokenEngine) {
  EXPECT_DEATH(tick({.committed = {entry(2)}}), "broken invariant");
}

TEST_F(DriverTest, D3_AfterAFailedWriteNothingHappensAnyMore) {  // B36
  tick({.persist = {.number = 1}, .send = {}, .send_when_durable = {message(2)}});
  journal->fail({ErrorKind::io, "disk gone"});
  EXPECT_TRUE(driver.failed());
  EXPECT_THAT(done, ElementsAre("fatal: disk gone"));
  write_completes();  // a late completion
  tick({.persist = {}, .send = {message(3)}});
  EXPECT_THAT(peers.sent, IsEmpty());
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(DriverTest, EverythingElseReachesItsHandler) {
  Output output;
  output.refused = {7};
  output.reads_refused = {1};
  output.snapshots_needed = {{kPeer, Index(5)}};
  tick(std::move(output));
  EXPECT_THAT(done, ElementsAre("read refused", "refused", "snapshot"));
}

}  // namespace
}  // namespace conclave::replica
