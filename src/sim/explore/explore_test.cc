// Explorations of small cells: all of a bound, counted; and broken engines, which must be found.
#include "sim/explore/explore.h"

#include <algorithm>
#include <cstdio>
#include <gtest/gtest.h>
#include <iterator>

namespace conclave::sim::explore {
namespace {

using namespace conclave::consensus;

ExploreResult run(const char* name, const ExploreOptions& options) {
  const ExploreResult result = explore(options);
  const ExploreFigures& f = result.figures;
  std::printf("%s: %llu states, %llu transitions, depth %u, %u rounds led, log of %llu\n", name,
              static_cast<unsigned long long>(f.states), static_cast<unsigned long long>(f.transitions), f.depth,
              f.rounds_led, static_cast<unsigned long long>(f.given));
  return result;
}

// `result`, and its trace if an invariant is broken.
std::string text(const ExploreResult& result) {
  std::string out = result.violation;
  for (const std::string& line : result.trace) out += "\n" + line;
  return out;
}

// ---------------------------------------------------------------- the engines that ship

class EngineThatShips : public testing::TestWithParam<EngineKind> {
 protected:
  // A leader of Raft begins its term with an entry.
  uint64_t noops() const { return GetParam() == EngineKind::raft ? 1 : 0; }
};

INSTANTIATE_TEST_SUITE_P(Explore, EngineThatShips, testing::Values(EngineKind::paxos, EngineKind::raft),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

TEST_P(EngineThatShips, EveryRunOfOneElectionAndOneProposal) {
  const ExploreResult result =
      run("one election, one proposal", {.bounds = {.timeouts = 1, .proposals = 1}, .engine = GetParam()});
  EXPECT_EQ(result.end, ExploreEnd::complete) << text(result);
  EXPECT_EQ(result.figures.rounds_led, 1u);
  EXPECT_EQ(result.figures.given, 1u + noops());
  EXPECT_GT(result.figures.states, 100'000u);
}

TEST_P(EngineThatShips, EveryRunOfTwoReplicasThatCompeteAndCrash) {
  const ExploreResult result =
      run("two replicas compete, one crash",
          {.replicas = 2, .bounds = {.timeouts = 2, .crashes = 1, .proposals = 1}, .engine = GetParam()});
  EXPECT_EQ(result.end, ExploreEnd::complete) << text(result);
  EXPECT_GE(result.figures.rounds_led, 2u);
  EXPECT_GT(result.figures.states, 40'000u);
}

TEST_P(EngineThatShips, EveryRunOfAReadAndAChangeOfMaster) {
  const ExploreResult result = run("a read, a change of master", {.bounds = {.timeouts = 1, .proposals = 0, .reads = 1},
                                                                  .start = ExploreStart::led,
                                                                  .lose_idle = true,
                                                                  .engine = GetParam()});
  EXPECT_EQ(result.end, ExploreEnd::complete) << text(result);
  EXPECT_EQ(result.figures.rounds_led, 2u);
  EXPECT_GT(result.figures.reads_granted, 0u);
}

TEST(Explore, ASecondRunCountsTheSame) {
  const ExploreOptions options{.bounds = {.timeouts = 1, .crashes = 1, .proposals = 1, .transfers = 1, .duplicates = 1},
                               .depth = 7,
                               .start = ExploreStart::led};
  const ExploreResult once = run("seven actions of every kind", options);
  const ExploreResult again = explore(options);
  EXPECT_EQ(once.end, ExploreEnd::depth) << text(once);
  EXPECT_EQ(once.figures.states, again.figures.states);
  EXPECT_EQ(once.figures.transitions, again.figures.transitions);
}

// What folds alike behaves alike: the engine's fold misses nothing that an exploration meets.
TEST_P(EngineThatShips, TakesEveryStepAlikeWhenItFoldsAlike) {
  const Counts all{
      .timeouts = 2, .resends = 2, .crashes = 1, .proposals = 2, .reads = 1, .transfers = 1, .duplicates = 1};
  for (ExploreOptions options : {
           ExploreOptions{.bounds = {.timeouts = 1, .proposals = 1}, .audit = true},
           ExploreOptions{.replicas = 2, .bounds = {.timeouts = 2, .crashes = 1, .proposals = 1}, .audit = true},
           ExploreOptions{.bounds = all, .states = 30'000, .start = ExploreStart::led, .audit = true},
           ExploreOptions{.bounds = all, .states = 30'000, .start = ExploreStart::led, .leases = true, .audit = true},
       }) {
    options.engine = GetParam();
    const ExploreResult result = explore(options);
    EXPECT_NE(result.end, ExploreEnd::violation) << text(result);
    EXPECT_GT(result.figures.audited, 5'000u);
  }
}

TEST(Explore, EveryCutIsSaid) {
  EXPECT_EQ(explore({.states = 1000}).end, ExploreEnd::states);
  EXPECT_EQ(explore({.depth = 3}).end, ExploreEnd::depth);
  uint64_t seen = 0;
  const auto stop = [&](const ExploreFigures& figures) { return (seen = figures.states) == 0; };
  EXPECT_EQ(explore({.bounds = {.timeouts = 2}}, stop).end, ExploreEnd::stopped);
  EXPECT_GT(seen, 10'000u);
}

TEST(Explore, WhatCannotBeExploredIsSaid) {
  EXPECT_EQ(check({}), "");
  EXPECT_NE(check({.replicas = 1}), "");
  EXPECT_NE(check({.replicas = 6}), "");
  EXPECT_NE(check({.bounds = {.resends = 9}}), "");
  EXPECT_NE(check({.replicas = 2, .first_candidate = ReplicaId(3)}), "");
}

// ---------------------------------------------------------------- broken engines

// An engine whose outputs are bent, so that it breaks a promise of the contract.
class Bent final : public Engine {
 public:
  using Rule = std::function<void(Engine& inner, Instant now, Output& output)>;
  using Before = std::function<void(const Engine& inner, Event& event)>;

  Bent(
      std::unique_ptr<Engine> inner, Rule rule, Before before = [](const Engine&, Event&) {})
      : inner_(std::move(inner)), rule_(std::move(rule)), before_(std::move(before)) {}
  Output step(const Event& given) override {
    Event event = given;
    before_(*inner_, event);
    Output output = inner_->step(event);
    rule_(*inner_, event.now, output);
    return output;
  }
  EngineStatus status(Instant now) const override { return inner_->status(now); }
  std::unique_ptr<Engine> clone() const override { return std::make_unique<Bent>(inner_->clone(), rule_, before_); }
  void fold(StateFold& fold) const override { inner_->fold(fold); }

 private:
  std::unique_ptr<Engine> inner_;
  Rule rule_;
  Before before_;
};

EngineMaker bent(Bent::Rule rule, EngineKind kind = EngineKind::paxos) {
  return [rule = std::move(rule), kind](Config config, Recovered recovered) {
    return std::make_unique<Bent>(make_engine(kind, std::move(config), std::move(recovered)), rule);
  };
}

// Forgets its promise, or its vote, when it restarts.
EngineMaker forgetful(EngineKind kind) {
  return [kind](Config config, Recovered recovered) {
    recovered.hard_state.promised = {};
    return make_engine(kind, std::move(config), std::move(recovered));
  };
}

// `options` must find the broken invariant `name`, by a trace that ends with it.
void expect_found(const char* what, const ExploreOptions& options, const std::string& name) {
  const ExploreResult result = run(what, options);
  ASSERT_EQ(result.end, ExploreEnd::violation);
  EXPECT_TRUE(result.violation.starts_with(name)) << text(result);
  EXPECT_GE(result.trace.size(), result.figures.depth);
}

TEST(BrokenEngine, ForgetsItsPromiseInACrash) {
  expect_found("a promise forgotten",
               {.replicas = 2, .bounds = {.timeouts = 2, .crashes = 1}, .make = forgetful(EngineKind::paxos)},
               "promise:");
}

// Tells what must wait for the disk at once.
void send_too_early(Engine&, Instant, Output& output) {
  if (output.persist.entries.empty()) return;
  for (Envelope& envelope : output.send_when_durable) output.send.push_back(std::move(envelope));
  output.send_when_durable.clear();
}

TEST(BrokenEngine, AnswersBeforeItsAcceptanceIsDurable) {
  expect_found("an acceptance told too early",
               {.bounds = {.proposals = 1}, .start = ExploreStart::led, .make = bent(send_too_early)}, "E1:");
}

TEST(BrokenEngine, IsShownInATranscript) {
  const ExploreResult result =
      explore({.replicas = 2, .bounds = {.proposals = 1}, .start = ExploreStart::led, .make = bent(send_too_early)});
  EXPECT_EQ(text(result), R"(E1: replica 1 gave out [1: 1.1 transaction "v1"], which no quorum has durably accepted
   1  propose at replica 1 value v1
        1 -> 2  Accept ballot=1.1 committed=0 stamp=21000000us [1: 1.1 transaction "v1"]
   2  deliver 1 -> 2  Accept ballot=1.1 committed=0 stamp=21000000us [1: 1.1 transaction "v1"]
        2 -> 1  Accepted ballot=1.1 first=1 last=1 committed=0 stamp=21000000us
   3  deliver 2 -> 1  Accepted ballot=1.1 first=1 last=1 committed=0 stamp=21000000us
   4  written at replica 1: [1: 1.1 transaction "v1"]
        1 -> 2  Chosen ballot=1.1 committed=1)");
}

TEST(BrokenEngine, CountsItsOwnAcceptanceBeforeItIsDurable) {
  const auto vain = [](Engine& inner, Instant now, Output& output) {
    if (output.persist.entries.empty()) return;
    (void)inner.step({.now = now, .body = Persisted{output.persist.number}});
  };
  expect_found("an acceptance counted too early",
               {.bounds = {.proposals = 1}, .start = ExploreStart::led, .make = bent(vain)}, "E1:");
}

TEST(BrokenEngine, SharesItsRoundWithAnotherMaster) {
  const auto same_round = [](Engine&, Instant, Output& output) {
    if (output.role) output.role->ballot.round = 1;
  };
  expect_found("a round shared", {.start = ExploreStart::led, .make = bent(same_round)}, "E5:");
}

TEST(BrokenEngine, ServesBeforeItIsInStep) {
  const auto eager = [](Engine&, Instant, Output& output) {
    if (output.role && output.role->role == Role::synchronising) output.role->role = Role::master;
  };
  expect_found("serving too early", {.start = ExploreStart::led, .instant_writes = true, .make = bent(eager)}, "E4:");
}

TEST(BrokenEngine, GrantsAReadTooLow) {
  const auto stale = [](Engine&, Instant, Output& output) {
    for (ReadGrant& grant : output.reads) grant.index = Index(0);
  };
  expect_found("a stale read",
               {.bounds = {.proposals = 1, .reads = 1}, .start = ExploreStart::led, .make = bent(stale)}, "E3:");
}

TEST(BrokenEngine, GivesAnEntryOutTwice) {
  const auto twice = [](Engine&, Instant, Output& output) {
    if (!output.committed.empty()) output.committed.push_back(output.committed.back());
  };
  expect_found("an entry given out twice",
               {.bounds = {.proposals = 1}, .start = ExploreStart::led, .make = bent(twice)}, "E1:");
}

// Takes Accepted of an older ballot of its own for one of its present ballot. Replica 2 has accepted v1 under 1.1;
// replica 1 has lost v1 in a crash and proposes v2 under 257.1; the late answer of replica 2 must not count for that.
TEST(BrokenEngine, CountsAnAcceptanceOfAnOlderBallot) {
  const auto blind = [](const Engine& inner, Event& event) {
    auto* received = std::get_if<MessageReceived>(&event.body);
    if (!received || !describe(EngineKind::paxos, received->message).starts_with("Accepted ")) return;
    const Ballot ballot = inner.status(event.now).ballot;
    Decoder in(received->message.header);
    Bytes header;
    Encoder out(&header);
    out.u8(in.u8());  // version
    in.varint(), in.u8();
    out.varint(ballot.round), out.u8(ballot.replica.value);
    out.raw(in.rest());
    received->message.header = std::move(header);
  };
  const auto make = [blind](Config config, Recovered recovered) {
    return std::make_unique<Bent>(
        make_engine(EngineKind::paxos, std::move(config), std::move(recovered)), [](Engine&, Instant, Output&) {},
        blind);
  };
  expect_found("an older acceptance counted",
               {.bounds = {.timeouts = 1, .crashes = 1, .proposals = 2},
                .start = ExploreStart::led,
                .first_candidate = ReplicaId(1),
                .lose_idle = true,
                .make = make},
               "E1:");
}

// ---------------------------------------------------------------- broken Raft

TEST(BrokenRaft, ForgetsItsVoteInACrash) {
  expect_found("a vote forgotten",
               {.bounds = {.timeouts = 2, .crashes = 1},
                .lose_idle = true,
                .engine = EngineKind::raft,
                .make = forgetful(EngineKind::raft)},
               "one vote:");
}

TEST(BrokenRaft, VotesBeforeItsVoteIsDurable) {
  const auto hasty = [](Engine&, Instant, Output& output) {
    const auto is_vote = [](const Envelope& envelope) {
      return describe(EngineKind::raft, envelope.message).starts_with("Vote ");
    };
    std::ranges::copy_if(output.send_when_durable, std::back_inserter(output.send), is_vote);
    std::erase_if(output.send_when_durable, is_vote);
  };
  expect_found("a vote told too early", {.engine = EngineKind::raft, .make = bent(hasty, EngineKind::raft)}, "lead:");
}

// Tells every voter that the candidate's log ends far behind its own.
TEST(BrokenRaft, VotesWithoutComparingLogs) {
  const auto blind = [](const Engine&, Event& event) {
    auto* received = std::get_if<MessageReceived>(&event.body);
    if (!received || !describe(EngineKind::raft, received->message).starts_with("RequestVote ")) return;
    Decoder in(received->message.header);
    Bytes header;
    Encoder out(&header);
    out.u8(in.u8());  // version
    const Ballot ballot{.round = in.varint(), .replica = ReplicaId(in.u8())};
    out.varint(ballot.round), out.u8(ballot.replica.value);
    out.u8(in.u8());  // pre
    in.varint(), in.varint(), in.u8();
    out.varint(100), out.varint(ballot.round), out.u8(ballot.replica.value);
    out.raw(in.rest());
    received->message.header = std::move(header);
  };
  const auto make = [blind](Config config, Recovered recovered) {
    return std::make_unique<Bent>(
        make_engine(EngineKind::raft, std::move(config), std::move(recovered)), [](Engine&, Instant, Output&) {},
        blind);
  };
  expect_found("a log that lacks what is chosen elected",
               {.bounds = {.timeouts = 1, .proposals = 1},
                .start = ExploreStart::led,
                .lose_idle = true,
                .engine = EngineKind::raft,
                .make = make},
               "leader completeness:");
}

TEST(BrokenRaft, AcknowledgesBeforeItIsDurable) {
  expect_found("an entry acknowledged too early",
               {.bounds = {.proposals = 1},
                .start = ExploreStart::led,
                .engine = EngineKind::raft,
                .make = bent(send_too_early, EngineKind::raft)},
               "E1:");
}

TEST(BrokenRaft, CutsItsLogWhileItLeads) {
  const auto cuts = [](Engine& inner, Instant now, Output& output) {
    if (inner.status(now).role == Role::master && !output.persist.entries.empty()) {
      output.persist.truncate_from = output.persist.entries.front().index.prev();
    }
  };
  expect_found("a leader that cuts its log",
               {.bounds = {.proposals = 1},
                .start = ExploreStart::led,
                .engine = EngineKind::raft,
                .make = bent(cuts, EngineKind::raft)},
               "leader append-only:");
}

// Figure 8: a new leader of three takes what one follower has on disk of older terms for committed, before an entry of
// its own term is.
class OlderTermsCounted final : public Engine {
 public:
  OlderTermsCounted(Config config, Recovered recovered)
      : log_(recovered.entries), inner_(make_engine(EngineKind::raft, std::move(config), std::move(recovered))) {}
  OlderTermsCounted(const OlderTermsCounted& other)
      : log_(other.log_), given_(other.given_), inner_(other.inner_->clone()) {}

  Output step(const Event& event) override {
    Output output = inner_->step(event);
    const auto& persist = output.persist;
    if (persist.truncate_from) log_.resize(persist.truncate_from->value - 1);
    log_.insert(log_.end(), persist.entries.begin(), persist.entries.end());
    std::erase_if(output.committed, [this](const Entry& entry) { return entry.index <= given_; });
    if (!output.committed.empty()) given_ = output.committed.back().index;
    const EngineStatus now = inner_->status(event.now);
    if (now.role != Role::synchronising) return output;
    const Index counted = std::min(durable_at_follower(event, now.ballot), now.last.prev());
    while (given_ < counted) output.committed.push_back(log_[(given_ = given_.next()).value - 1]);
    return output;
  }
  EngineStatus status(Instant now) const override { return inner_->status(now); }
  std::unique_ptr<Engine> clone() const override { return std::make_unique<OlderTermsCounted>(*this); }
  void fold(StateFold& fold) const override {
    fold.add(given_);
    inner_->fold(fold);
  }

 private:
  static Index durable_at_follower(const Event& event, Ballot ballot) {
    const auto* received = std::get_if<MessageReceived>(&event.body);
    if (!received || !describe(EngineKind::raft, received->message).starts_with("Appended ")) return {};
    Decoder in(received->message.header);
    in.u8();  // version
    if (Ballot{.round = in.varint(), .replica = ReplicaId(in.u8())} != ballot) return {};
    in.varint();  // received
    return Index(in.varint());
  }

  std::vector<Entry> log_;
  Index given_;
  std::unique_ptr<Engine> inner_;
};

TEST(BrokenRaft, CountsCopiesOfAnOlderTerm) {
  expect_found("copies of an older term counted",
               {.bounds = {.timeouts = 1, .crashes = 1, .proposals = 1},
                .start = ExploreStart::led,
                .first_candidate = ReplicaId(1),
                .lose_idle = true,
                .engine = EngineKind::raft,
                .make =
                    [](Config config, Recovered recovered) {
                      return std::make_unique<OlderTermsCounted>(std::move(config), std::move(recovered));
                    }},
               "E1: replica 1 gave out [2: 1.1 transaction \"v1\"], which no quorum");
}

}  // namespace
}  // namespace conclave::sim::explore
