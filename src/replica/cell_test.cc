// Whole cells in the virtual world: the very code that ships, on virtual time, from one seed.
#include <gtest/gtest.h>

#include "replica/testing_cell.h"

namespace conclave::replica {
namespace {

using state::Code;

std::string data_at(Replica& replica, const std::string& path) {
  const auto node = replica.state().get(path, {});
  return node ? std::string(node->data) : "(" + std::to_string(static_cast<int>(node.error())) + ")";
}

// A refusal completes before what its session asked for behind it, at the master as anywhere (F4).
TEST(Cell, ARefusalAtTheMasterIsToldAheadOfTheNextRequest) {
  TestCell cell(5);
  const ReplicaId master = cell.wait_for_master();
  ASSERT_TRUE(cell.write(master, open_session(SessionId(9), 10'000)));
  std::vector<state::Code> codes;
  for (int round = 0; round < 50; ++round) {
    codes.clear();
    const auto note = [&codes](const Reply& reply) { codes.push_back(reply.outcome.code); };
    cell.at(master).submit(set("/missing", "x", state::kAnyVersion, SessionId(9)), note);
    cell.at(master).submit(create("/n" + std::to_string(round), "", state::NodeKind::persistent, SessionId(9)), note);
    ASSERT_TRUE(cell.world.run_until([&] { return codes.size() == 2; }, Duration::seconds(5)));
    EXPECT_EQ(codes, (std::vector{state::Code::no_node, state::Code::ok})) << round;
  }
}

TEST(Cell, OneMasterServesAndEveryReplicaAppliesItsWrites) {
  TestCell cell(1);
  const ReplicaId master = cell.wait_for_master();
  const auto reply = cell.write(master, create("/a", "one"));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->outcome.code, Code::ok);
  ASSERT_TRUE(cell.converge());
  for (const ReplicaId id : cell.ids) EXPECT_EQ(data_at(cell.at(id), "/a"), "one");
}

TEST(Cell, CH_30_HasOneSecretUnderEveryMaster) {
  TestCell cell(5);
  const ReplicaId first = cell.wait_for_master();
  ASSERT_TRUE(cell.write(first, create("/b")));
  const Bytes secret(cell.at(first).state().cell_secret());
  EXPECT_EQ(secret.size(), state::kCellSecretBytes);
  cell.world.host(first).crash();
  const ReplicaId second = cell.wait_for_master();
  ASSERT_TRUE(cell.write(second, create("/a")));
  cell.world.host(first).restart();
  ASSERT_TRUE(cell.converge());
  for (const ReplicaId id : cell.ids) EXPECT_EQ(cell.at(id).state().cell_secret(), secret);
}

TEST(Cell, ACellOfOneWaitsForItsDisk) {  // B21
  TestCell cell(2, 1);
  cell.wait_for_master();
  ASSERT_TRUE(cell.write(ReplicaId(1), create("/a", "one")));
  cell.world.host(1).crash();
  cell.world.host(1).restart();
  cell.wait_for_master();
  EXPECT_EQ(data_at(cell.at(1), "/a"), "one");
}

TEST(Cell, AFollowerForwardsAndAnswersFromItsOwnState) {
  TestCell cell(3);
  const ReplicaId follower = cell.follower();
  const auto made = cell.write(follower, create("/a", "x"));
  ASSERT_TRUE(made);
  EXPECT_EQ(made->outcome.code, Code::ok);
  EXPECT_EQ(data_at(cell.at(follower), "/a"), "x");
  const auto again = cell.write(follower, create("/a", "y"));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->outcome.code, Code::node_exists);
}

TEST(Cell, ObserversHearOfAChangeBeforeTheReplyShowsIt) {  // ZK-07
  struct Observer final : GatewayObserver {
    explicit Observer(std::vector<std::string>& log) : told(log) {}
    void on_applied(const state::Applied& applied) override {
      for (const state::NodeEvent& event : applied.events) told.push_back("event " + event.path);
    }
    void on_state_replaced() override {}
    void on_serving_changed(bool) override {}
    std::vector<std::string>& told;
  };
  TestCell cell(5);
  cell.wait_for_master();
  for (const ReplicaId id : cell.ids) {
    ASSERT_TRUE(cell.converge());
    std::vector<std::string> told;
    Observer observer(told);
    cell.at(id).add_observer(&observer);
    const std::string path = "/" + to_string(id);
    cell.at(id).submit(create(path), [&](const Reply&) { told.push_back("reply"); });
    ASSERT_TRUE(cell.world.run_until([&] { return told.size() == 3; }, Duration::seconds(10)));
    EXPECT_EQ(told, (std::vector<std::string>{"event " + path, "event /", "reply"}));
    cell.at(id).remove_observer(&observer);
  }
}

TEST(Cell, SyncShowsEveryWriteAcknowledgedBefore) {
  TestCell cell(4);
  const ReplicaId follower = cell.follower();
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(cell.write(cell.wait_for_master(), i == 0 ? create("/a", "0") : set("/a", std::to_string(i))));
    ASSERT_TRUE(cell.sync(follower));
    EXPECT_EQ(data_at(cell.at(follower), "/a"), std::to_string(i));
  }
}

// The promise of ADR 6: requests of clients elsewhere survive the master's death, each applied exactly once, in order.
TEST(Cell, RequestsOfSurvivorsOutliveTheMasterExactlyOnceAndInOrder) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    TestCell cell(100 + seed);
    const ReplicaId master = cell.wait_for_master();
    const ReplicaId follower = cell.follower();
    ASSERT_TRUE(cell.write(follower, create("/n", "")));
    int answered = 0, submitted = 0;
    const auto submit = [&] {
      const int expected = submitted++;
      // The version says that every earlier one was applied, once.
      cell.at(follower).submit(set("/n", std::to_string(expected), expected), [&answered, expected, seed](Reply reply) {
        EXPECT_EQ(reply.outcome.code, Code::ok) << "seed " << seed << " request " << expected;
        EXPECT_EQ(answered, expected);
        ++answered;
      });
    };
    for (int i = 0; i < 200; ++i) {
      submit();
      if (i == 100) cell.world.host(master).crash(seed % 2 ? sim::Crash::kill : sim::Crash::power_cut);
      cell.world.run_for(Duration::micros(static_cast<int64_t>(cell.world.random().below(600))));
    }
    ASSERT_TRUE(cell.world.run_until([&] { return answered == submitted; }, Duration::seconds(10))) << "seed " << seed;
    EXPECT_EQ(cell.at(follower).state().stat("/n", {})->version, 200);
  }
}

TEST(Cell, ABrokenLinkToTheMasterLosesAndDoublesNothing) {
  TestCell cell(5);
  const ReplicaId master = cell.wait_for_master();
  const ReplicaId follower = cell.follower();
  ASSERT_TRUE(cell.write(follower, create("/n", "")));
  int answered = 0;
  for (int i = 0; i < 100; ++i) {
    cell.at(follower).submit(set("/n", std::to_string(i), i), [&answered, i](Reply reply) {
      EXPECT_EQ(reply.outcome.code, Code::ok) << i;
      ++answered;
    });
    cell.world.run_for(Duration::micros(300));
    if (i % 25 == 10) cell.world.partition({follower.value}, {master.value});
    if (i % 25 == 20) cell.world.heal_all();
  }
  cell.world.heal_all();
  EXPECT_TRUE(cell.world.run_until([&] { return answered == 100; }, Duration::seconds(20)));
}

TEST(Cell, SessionsLiveByAnySignOfLifeAtAnyReplicaAndDieWithoutOne) {  // B47, S3
  TestCell cell(6);
  const ReplicaId follower = cell.follower();
  const SessionId living = cell.at(follower).new_session_id();
  const SessionId silent = cell.at(follower).new_session_id();
  EXPECT_NE(living, silent);
  for (const SessionId session : {living, silent}) {
    ASSERT_TRUE(cell.write(follower, open_session(session, 1000)));
    ASSERT_TRUE(cell.write(follower, create("/e" + to_string(session), "", state::NodeKind::ephemeral, session)));
  }
  for (int i = 0; i < 50; ++i) {
    cell.at(follower).touch(living);
    cell.world.run_for(Duration::millis(100));
    if (i == 8) {
      EXPECT_TRUE(cell.at(follower).state().exists("/e" + to_string(silent))) << "expired early";
    }
  }
  EXPECT_TRUE(cell.at(follower).state().exists("/e" + to_string(living)));
  EXPECT_FALSE(cell.at(follower).state().exists("/e" + to_string(silent)));
  EXPECT_FALSE(cell.at(follower).state().session(silent));
}

TEST(Cell, SessionsSurviveTheirMaster) {
  TestCell cell(7);
  const ReplicaId follower = cell.follower();
  const SessionId session = cell.at(follower).new_session_id();
  ASSERT_TRUE(cell.write(follower, open_session(session, 1000)));
  cell.world.host(cell.wait_for_master()).crash();
  for (int i = 0; i < 30; ++i) {
    cell.at(follower).touch(session);
    cell.world.run_for(Duration::millis(100));
  }
  EXPECT_TRUE(cell.at(follower).state().session(session));
}

TEST(Cell, ASessionMovesWithItsPasswordAndItsOldReplicaIsToldSo) {
  TestCell cell(8);
  const ReplicaId master = cell.wait_for_master();
  const ReplicaId follower = cell.follower();
  const SessionId session = cell.at(follower).new_session_id();
  ASSERT_TRUE(cell.write(follower, open_session(session, 4000)));
  EXPECT_EQ(cell.write(master, resume_session(session, "0123456789abcdeX"))->outcome.code, Code::session_expired);
  EXPECT_EQ(cell.write(master, resume_session(session))->outcome.code, Code::ok);
  EXPECT_EQ(cell.at(master).state().session(session)->owner, master) << "what it was told shows here";
  EXPECT_EQ(cell.write(follower, create("/late", "", state::NodeKind::persistent, session))->outcome.code,
            Code::session_moved);
  EXPECT_EQ(cell.write(master, create("/now", "", state::NodeKind::persistent, session))->outcome.code, Code::ok);
}

// The old replica still holds a request when its session goes on elsewhere, and submits it again to the next master,
// which was not there when the session moved.
TEST(Cell, ARequestThatItsSessionLeftBehindDoesNotTakeEffectUnderTheNextMaster) {
  for (uint64_t seed = 200; seed < 220; ++seed) {
    TestCell cell(seed);
    const ReplicaId first = cell.wait_for_master();
    const ReplicaId left = cell.follower();
    const ReplicaId next = *std::ranges::find_if(cell.ids, [&](ReplicaId id) { return id != first && id != left; });
    const SessionId session = cell.at(left).new_session_id();
    ASSERT_TRUE(cell.write(left, open_session(session, 4000)));
    ASSERT_TRUE(cell.write(left, create("/n", "0", state::NodeKind::persistent, session)));
    cell.world.isolate(left.value);
    std::optional<Code> old;
    cell.at(left).submit(set("/n", "old", state::kAnyVersion, session), [&](Reply r) { old = r.outcome.code; });
    EXPECT_EQ(cell.write(next, resume_session(session))->outcome.code, Code::ok);
    EXPECT_EQ(cell.write(next, set("/n", "new", state::kAnyVersion, session))->outcome.code, Code::ok);
    cell.world.host(first).crash();
    cell.world.heal_all();
    ASSERT_TRUE(cell.world.run_until([&] { return old.has_value(); }, Duration::seconds(10))) << "seed " << seed;
    EXPECT_EQ(*old, Code::session_moved) << "seed " << seed;
    EXPECT_EQ(data_at(cell.at(next), "/n"), "new") << "seed " << seed;
  }
}

TEST(Cell, EverythingAcknowledgedSurvivesAPowerCutOfTheWholeCell) {
  TestCell cell(9);
  cell.wait_for_master();
  ASSERT_TRUE(cell.write(ReplicaId(1), create("/n", "")));
  for (int i = 1; i <= 100; ++i) ASSERT_TRUE(cell.write(ReplicaId(1), set("/n", std::to_string(i))));
  for (const ReplicaId id : cell.ids) cell.world.host(id).crash();
  for (const ReplicaId id : cell.ids) cell.world.host(id).restart();
  cell.wait_for_master();
  ASSERT_TRUE(cell.converge());
  EXPECT_EQ(data_at(cell.at(2), "/n"), "100");
}

TEST(Cell, ALaggardCatchesUpBySnapshotAndTheJournalStaysBounded) {
  const auto small = [](Options& options) {
    options.snapshot_entries = 100;
    options.entries_kept_in_memory = 20;
  };
  TestCell cell(10, 3, small);
  cell.wait_for_master();
  const ReplicaId away = cell.follower();
  ASSERT_TRUE(cell.write(cell.wait_for_master(), create("/n", "")));
  cell.world.host(away).crash();
  for (int i = 0; i < 600; ++i) ASSERT_TRUE(cell.write(cell.wait_for_master(), set("/n", std::string(2000, 'x'))));
  ASSERT_TRUE(cell.write(cell.wait_for_master(), set("/n", "end")));
  EXPECT_GT(cell.at(cell.wait_for_master()).status().snapshot, Index(400));
  cell.world.host(away).restart();
  ASSERT_TRUE(cell.converge());
  EXPECT_EQ(data_at(cell.at(away), "/n"), "end");
  EXPECT_GT(cell.at(away).status().snapshot, Index(400)) << "came by snapshot";
  // And it is as good as any other after a restart of its own.
  cell.world.host(away).crash();
  cell.world.host(away).restart();
  ASSERT_TRUE(cell.converge());
  EXPECT_EQ(data_at(cell.at(away), "/n"), "end");
}

// One that always comes too late takes no snapshot of its own, and still keeps no more than others.
TEST(Cell, WhatComesBySnapshotIsTrimmedAsWhatIsTakenHere) {
  TestCell cell(25, 3, [](Options& options) {
    options.snapshot_entries = 100;
    options.snapshots_kept = 2;
    options.entries_kept_in_memory = 0;
    options.journal_segment_bytes = 64 << 10;
  });
  const ReplicaId away = cell.follower();
  ASSERT_TRUE(cell.write(cell.wait_for_master(), create("/n", "")));
  for (int round = 0; round < 5; ++round) {
    cell.world.isolate(away.value);
    cell.world.run_for(Duration::seconds(6));  // until its connections break: nothing of this reaches it late
    for (int i = 0; i < 104; ++i) ASSERT_TRUE(cell.write(cell.wait_for_master(), set("/n", std::string(2000, 'x'))));
    cell.world.heal_all();
    ASSERT_TRUE(cell.converge());
  }
  cell.world.run_for(Duration::seconds(1));
  const ReplicaFigures held = cell.at(away).figures();
  EXPECT_GT(held.snapshot, Index(400)) << "came by snapshot";
  ASSERT_EQ(held.snapshots.size(), 2u);
  EXPECT_GT(held.journal.oldest_last, held.snapshots[1]);
}

// Killed between a snapshot and what follows from it, it gives back at the next start what the snapshot covers.
TEST(Cell, AStartTrimsWhatTheLastLifeDidNot) {
  TestCell cell(26, 1, [](Options& options) {
    options.snapshot_entries = 100;
    options.journal_segment_bytes = 64 << 10;
  });
  const ReplicaId only(1);
  ASSERT_TRUE(cell.write(cell.wait_for_master(), create("/n", "")));
  cell.world.host(only).disk().inject(
      {.on = {sim::DiskOperation::rename}, .effect = sim::DiskEffect::kill, .prefix = "journal/segment-", .nth = 1});
  while (cell.up(only)) cell.write(only, set("/n", std::string(2000, 'x')), Duration::millis(100));
  cell.world.host(only).restart();
  cell.wait_for_master();
  cell.world.run_for(Duration::seconds(1));
  const ReplicaFigures held = cell.at(only).figures();
  ASSERT_GE(held.snapshots.size(), 2u);
  EXPECT_GT(held.journal.oldest_last, held.snapshots[1]);
}

// Spoils the snapshots on the disk of a replica that has some, while it is down.
class SpoiledSnapshots : public testing::Test {
 protected:
  using Entries = sim::Inode::Entries;

  void run(size_t missing_positions_max, const std::function<void(Entries&)>& spoil) {
    cell.emplace(22, 3, [=](Options& options) {
      options.snapshot_entries = 50;
      options.entries_kept_in_memory = 20;
      options.journal_segment_bytes = 64 << 10;
      options.missing_positions_max = missing_positions_max;
    });
    victim = cell->follower();
    ASSERT_TRUE(cell->write(cell->wait_for_master(), create("/n")));
    for (int i = 0; i < 400; ++i) {
      ASSERT_TRUE(cell->write(cell->wait_for_master(), set("/n", std::string(1000, 'x'))));
    }
    cell->world.run_for(Duration::seconds(3));  // the hint of what is committed reaches the disk when idle
    cell->world.host(victim).crash(sim::Crash::kill);
    auto& files = cell->world.host(victim).disk().root()->entries.at("snapshots")->entries;
    ASSERT_GE(files.size(), 2u);
    spoil(files);
    cell->world.host(victim).restart();
  }

  std::optional<TestCell> cell;
  ReplicaId victim;
};

TEST_F(SpoiledSnapshots, ADamagedNewestOneCostsNothing) {
  run(10, [](Entries& files) {
    sim::Inode& newest = *files.rbegin()->second;  // names sort by index
    Bytes byte = newest.content.read(newest.content.size() / 2, 1);
    byte[0] = static_cast<char>(byte[0] ^ 1);
    newest.content.write(newest.content.size() / 2, byte);
  });
  ASSERT_TRUE(cell->up(victim));
  EXPECT_EQ(cell->at(victim).status().damaged, 0u) << "the journal reaches back to the one before";
  ASSERT_TRUE(cell->converge());
}

TEST_F(SpoiledSnapshots, B34_WhatIsMissingIsFetchedFromThePeers) {
  run(10'000, [](Entries& files) { files.clear(); });
  ASSERT_TRUE(cell->up(victim));
  EXPECT_GT(cell->at(victim).status().damaged, 0u) << "abstains";
  ASSERT_TRUE(cell->converge());
  EXPECT_EQ(cell->at(victim).state().stat("/n", {})->version, 400);
  EXPECT_EQ(cell->at(victim).status().damaged, 0u);
}

TEST_F(SpoiledSnapshots, B34_TooMuchMissingIsRefusedByName) {
  run(10, [](Entries& files) { files.clear(); });
  ASSERT_FALSE(cell->up(victim));
  ASSERT_TRUE(cell->process(victim).refused);
  EXPECT_EQ(cell->process(victim).refused->kind, ErrorKind::corrupt);
  EXPECT_NE(cell->process(victim).refused->message.find("files are missing"), std::string::npos);
}

TEST(Cell, B52_TheZxidsOfAnEpochRunOutWithoutAVisiblePause) {
  TestCell cell(21, 3, [](Options& options) { options.evaluator.epoch_counter_high = 50; });
  const ReplicaId master = cell.wait_for_master();
  const ReplicaId follower = cell.follower();
  ASSERT_TRUE(cell.write(follower, create("/n")));
  const Epoch first = cell.at(follower).state().last_zxid().epoch();
  Zxid last;
  for (int i = 0; i < 300; ++i) {
    const Instant began = cell.world.now();
    const auto reply = cell.write(i % 2 ? master : follower, set("/n", std::to_string(i), i));
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->outcome.code, Code::ok) << i;
    EXPECT_GT(reply->zxid, last);
    last = reply->zxid;
    EXPECT_LT(cell.world.now() - began, Duration::millis(50)) << i;
  }
  EXPECT_GT(last.epoch(), first);
  EXPECT_EQ(cell.wait_for_master(), master) << "the same replica goes on";
}

TEST(Cell, StoppingTheMasterHandsOverTheLead) {
  TestCell cell(11);
  const ReplicaId master = cell.wait_for_master();
  const ReplicaId follower = cell.follower();
  ASSERT_TRUE(cell.write(follower, create("/n", "")));
  bool stopped = false;
  const Instant began = cell.world.now();
  cell.at(master).stop(Duration::seconds(5), [&] { stopped = true; });
  ASSERT_TRUE(cell.world.run_until([&] { return stopped; }, Duration::seconds(6)));
  EXPECT_LT(cell.world.now() - began, Duration::millis(200));
  EXPECT_NE(cell.wait_for_master(), master);
  ASSERT_TRUE(cell.write(follower, set("/n", "after")));
}

TEST(Cell, AMinorityStopsServingAndComesBack) {
  TestCell cell(12);
  const ReplicaId master = cell.wait_for_master();
  cell.world.isolate(master.value);
  ASSERT_TRUE(cell.world.run_until([&] { return !cell.at(master).serving(); }, Duration::seconds(10)));
  const auto lost = cell.write(master, create("/x"), Duration::seconds(1));
  EXPECT_FALSE(lost) << "no answer without a majority";
  const ReplicaId next = cell.wait_for_master();
  EXPECT_NE(next, master);
  ASSERT_TRUE(cell.write(next, create("/y")));
  cell.world.heal_all();
  ASSERT_TRUE(cell.converge());
  EXPECT_TRUE(cell.at(master).state().exists("/y"));
}

// M4. The promises of the others end before check-quorum tells the master that it is cut off: in between there is a
// next one, and its clients have made the node that the old one knows nothing of.
TEST(Cell, ADeposedMasterDoesNotRefuseByWhatItKnew) {
  TestCell cell(1);
  const ReplicaId deposed = cell.wait_for_master();
  cell.world.run_for(Duration::seconds(2));
  cell.world.isolate(deposed.value);
  std::optional<ReplicaId> next;
  ASSERT_TRUE(cell.world.run_until(
      [&] {
        for (const ReplicaId id : cell.ids) {
          if (id != deposed && cell.at(id).status().role == Role::leader && cell.at(id).serving()) next = id;
        }
        return next.has_value();
      },
      Duration::seconds(10)));
  const auto made = cell.write(*next, create("/x", "1"), Duration::millis(200));
  ASSERT_TRUE(made);
  ASSERT_EQ(made->outcome.code, Code::ok);
  ASSERT_EQ(cell.at(deposed).status().role, Role::leader) << "it has not noticed yet";
  const auto reply = cell.write(deposed, set("/x", "2"), Duration::millis(100));
  EXPECT_FALSE(reply) << "answered with code " << static_cast<int>(reply->outcome.code);
}

TEST(Cell, TheSameSeedGivesTheSameTrace) {
  const auto run = [](uint64_t seed) {
    TestCell cell(seed);
    const ReplicaId master = cell.wait_for_master();
    for (int i = 0; i < 20; ++i) (void)cell.write(master, i == 0 ? create("/n") : set("/n", "x"));
    cell.world.host(master).crash();
    cell.wait_for_master();
    return cell.world.trace_hash();
  };
  EXPECT_EQ(run(13), run(13));
  EXPECT_NE(run(13), run(14));
}

}  // namespace
}  // namespace conclave::replica
