// Properties of the master's speculative view and of replication: what is decided does not depend on how far the
// application lags, replicas agree digest by digest, a fact out of order is skipped by everybody.
#include <gtest/gtest.h>

#include "state/service/test_support.h"
#include "state/service/workload.h"

namespace conclave::state {
namespace {

struct Closed : Admission {
  bool admits(const Transaction&) override { return false; }
};
// The facts of sessions, epochs and free locks are asked about by nobody.
bool may_be_turned_away(const Request& request) {
  return std::holds_alternative<CreateRequest>(request.body) || std::holds_alternative<DeleteRequest>(request.body) ||
         std::holds_alternative<SetDataRequest>(request.body) || std::holds_alternative<SetAclRequest>(request.body) ||
         std::holds_alternative<MultiRequest>(request.body) || std::holds_alternative<AcquireLockRequest>(request.body);
}

using namespace testing;

Bytes bytes_of(const Transaction& txn) {
  Bytes out;
  encode(txn, &out);
  return out;
}

std::string describe(const Outcome& outcome) {
  std::string out = std::to_string(static_cast<int>(outcome.code));
  for (const OpOutcome& op : outcome.ops)
    out += " " + std::to_string(static_cast<int>(op.kind)) + ":" + std::to_string(static_cast<int>(op.code)) + op.path;
  return out;
}

// Evaluates a workload twice: applying each transaction at once, and with a lag that swells and shrinks.
void expect_same_decisions(uint64_t seed, EvaluatorSettings settings) {
  Service prompt_service;
  Service lagging_service;
  Evaluator prompt(prompt_service, Epoch(1), settings);
  Evaluator lagging(lagging_service, Epoch(1), settings);
  Workload workload(seed, prompt_service);
  Random random(seed + 1000);
  Random doorkeeper(seed + 2000);
  std::deque<Transaction> waiting;
  size_t transactions = 0;
  size_t refusals = 0;
  size_t repeated = 0;
  const auto step = [&](const Request& request) {
    const EvaluateContext context{workload.next_time_ms(), workload.next_origin()};
    if (doorkeeper.chance(1, 8) && may_be_turned_away(request)) {  // which leaves no trace
      Closed closed;
      EvaluateContext turned_away = context;
      turned_away.admission = &closed;
      ASSERT_FALSE(std::holds_alternative<Transaction>(lagging.evaluate(request, turned_away))) << "seed " << seed;
    }
    auto a = prompt.evaluate(request, context);
    auto b = lagging.evaluate(request, context);
    ASSERT_EQ(a.index(), b.index()) << "seed " << seed;
    if (const auto* refusal = std::get_if<Refusal>(&a)) {
      ++refusals;
      ASSERT_EQ(describe(refusal->outcome), describe(std::get<Refusal>(b).outcome)) << "seed " << seed;
      ASSERT_EQ(refusal->after, std::get<Refusal>(b).after);
      if (refusal->outcome.code == Code::call_done)
        ++repeated;
      else
        ASSERT_EQ(refusal->after, prompt_service.last_zxid());
    } else {
      ++transactions;
      const auto& txn = std::get<Transaction>(a);
      ASSERT_EQ(bytes_of(txn), bytes_of(std::get<Transaction>(b))) << "seed " << seed;
      prompt_service.apply(txn);
      prompt.on_applied(txn.zxid);
      waiting.push_back(std::get<Transaction>(std::move(b)));
    }
    size_t keep = random.chance(1, 40) ? 0 : waiting.size() - std::min<size_t>(waiting.size(), random.below(3));
    for (; waiting.size() > keep; waiting.pop_front()) {
      lagging_service.apply(waiting.front());
      lagging.on_applied(waiting.front().zxid);
    }
  };
  step({SessionId(), {}, EpochStartRequest{}});
  for (int64_t id = 1; id <= 3; ++id) step({SessionId(), {}, CreateSessionRequest{SessionId(id), kPassword, 1000}});
  for (int i = 0; i < 3000 && !::testing::Test::HasFatalFailure(); ++i) step(workload.next());
  for (; !waiting.empty(); waiting.pop_front()) lagging_service.apply(waiting.front());
  EXPECT_EQ(prompt_service.digest(), lagging_service.digest()) << "seed " << seed;
  EXPECT_GT(transactions, 250u);
  EXPECT_GT(refusals, 300u);
  EXPECT_GT(repeated, 0u);
}

TEST(Pipeline, ALagChangesNoDecision) {
  for (uint64_t seed = 0; seed < 30; ++seed) expect_same_decisions(seed, {});
}

TEST(Pipeline, ALagChangesNoDecisionUnderQuotas) {
  for (uint64_t seed = 100; seed < 140; ++seed) expect_same_decisions(seed, {.enforce_quota = true});
}

TEST(Pipeline, ReplicasAgreeOnOutcomesEventsAndDigests) {  // S1, B51
  Cell master;
  Service follower;
  Workload workload(7, master.service);
  const auto mirror = [&] {
    Bytes wire;
    encode(master.last_transaction, &wire);
    const Applied there = follower.apply(*decode_transaction(wire));
    ASSERT_EQ(there.outcome.ops.size(), master.last_applied.outcome.ops.size());
    for (size_t i = 0; i < there.outcome.ops.size(); ++i) {
      ASSERT_EQ(there.outcome.ops[i].path, master.last_applied.outcome.ops[i].path);
      ASSERT_EQ(there.outcome.ops[i].stat, master.last_applied.outcome.ops[i].stat);
    }
    ASSERT_EQ(there.events.size(), master.last_applied.events.size());
    for (size_t i = 0; i < there.events.size(); ++i)
      ASSERT_EQ(there.events[i].path, master.last_applied.events[i].path);
    ASSERT_EQ(there.origin, master.last_applied.origin);
    ASSERT_EQ(follower.digest(), master.service.digest());
  };
  mirror();
  for (int64_t id = 1; id <= 3; ++id) {
    master.open(SessionId(id));
    mirror();
  }
  uint64_t last_digest = 0;
  for (int i = 0; i < 3000 && !HasFatalFailure(); ++i) {
    master.now_ms = workload.next_time_ms();
    master.origin = workload.next_origin();
    master.run(workload.next());
    if (master.refused) continue;
    mirror();
    EXPECT_NE(follower.digest(), last_digest) << "every transaction shows in the digest";
    last_digest = follower.digest();
  }
}

TEST(Pipeline, AppliesOnlyTheNextTransaction) {  // S2, primary order
  Service service;
  const auto txn = [](uint32_t epoch, uint32_t counter, const std::string& path) {
    Transaction t{.zxid = Zxid(Epoch(epoch), counter), .time_ms = 1};
    if (path.empty())
      t.facts = {EpochStartTxn{}};
    else
      t.facts = {SetDataTxn{"/", path, 1}};
    return t;
  };
  EXPECT_TRUE(service.apply(txn(2, 2, "x")).skipped) << "not the first of a higher epoch";
  EXPECT_FALSE(service.apply(txn(2, 1, "")).skipped);
  EXPECT_FALSE(service.apply(txn(2, 2, "x")).skipped);
  const uint64_t digest = service.digest();
  EXPECT_TRUE(service.apply(txn(2, 2, "y")).skipped) << "again";
  EXPECT_TRUE(service.apply(txn(2, 4, "y")).skipped) << "a gap";
  EXPECT_TRUE(service.apply(txn(1, 3, "y")).skipped) << "an older epoch";
  EXPECT_TRUE(service.apply(txn(1, 1, "y")).skipped);
  EXPECT_TRUE(service.apply(txn(3, 2, "y")).skipped) << "a higher epoch, but not its first";
  EXPECT_EQ(service.digest(), digest);
  EXPECT_EQ(service.last_zxid(), Zxid(Epoch(2), 2));
  EXPECT_FALSE(service.apply(txn(5, 1, "")).skipped);
  EXPECT_EQ(service.last_zxid(), Zxid(Epoch(5), 1));
}

TEST(Pipeline, TimeNeverRunsBackwards) {
  Cell cell;
  cell.open();
  cell.now_ms = 5000;
  cell.create("/a");
  cell.now_ms = 100;
  cell.create("/b");
  EXPECT_EQ(cell.stat("/b").ctime_ms, 5000);
  cell.next_epoch();
  cell.create("/c");
  EXPECT_EQ(cell.stat("/c").ctime_ms, 5000) << "nor with a new master";
  EXPECT_EQ(cell.service.last_time_ms(), 5000);
}

TEST(Pipeline, ARefusalNamesWhatItDependsOn) {
  Cell cell({}, /*lag=*/100);
  cell.open();
  cell.create("/a");
  const Zxid created = cell.evaluator->last_proposed();
  EXPECT_EQ(cell.create("/a"), Code::node_exists);
  EXPECT_EQ(cell.last_refusal.after, created);
  EXPECT_GT(created, cell.service.last_zxid());
}

TEST(Pipeline, AClosingSessionMayDoNothingMore) {
  Cell cell({}, /*lag=*/100);
  cell.open();
  cell.create("/a");
  cell.create("/a/pending", NodeKind::ephemeral);
  cell.create("/a/deleted", NodeKind::ephemeral);
  cell.client(DeleteRequest{"/a/deleted"});
  cell.client(CloseSessionRequest{});
  const auto& close = std::get<CloseSessionTxn>(cell.last_transaction.facts[0]);
  ASSERT_EQ(close.ephemerals.size(), 1u);
  EXPECT_EQ(close.ephemerals[0].path, "/a/pending");
  EXPECT_EQ(cell.create("/b"), Code::session_expired);
  EXPECT_EQ(cell.client(CloseSessionRequest{}).code, Code::session_expired);
  cell.apply_all();
  EXPECT_EQ(cell.service.stat("/a", {})->num_children, 0);
}

TEST(Pipeline, AnEpochEndsBeforeItsNumbersDo) {  // B52, ZK-23
  Cell cell(EvaluatorSettings{.epoch_counter_high = 3});
  cell.open();
  EXPECT_FALSE(cell.evaluator->epoch_nearly_exhausted());
  cell.create("/a");
  EXPECT_TRUE(cell.evaluator->epoch_nearly_exhausted());
  cell.next_epoch();
  EXPECT_FALSE(cell.evaluator->epoch_nearly_exhausted());
  EXPECT_EQ(cell.service.last_zxid(), Zxid(Epoch(2), 1));
}

TEST(Pipeline, AnEpochStartsOnce) {
  Cell cell;
  cell.open();
  EXPECT_EQ(cell.run({SessionId(), {}, EpochStartRequest{}}).code, Code::bad_arguments);
  EXPECT_EQ(cell.client(EpochStartRequest{}).code, Code::bad_arguments);
}

TEST(Pipeline, ASessionWithManyEphemeralsCloses) {  // one transaction, however large
  Cell cell;
  cell.open();
  cell.create("/e");
  constexpr int kMany = 100'000;
  for (int i = 0; i < kMany; ++i)
    cell.create("/e/node-with-a-name-of-some-length-" + std::to_string(i), NodeKind::ephemeral);
  EXPECT_EQ(cell.service.ephemeral_count(), static_cast<uint64_t>(kMany));
  EXPECT_EQ(cell.client(CloseSessionRequest{}).code, Code::ok);
  Bytes encoded;
  encode(cell.last_transaction, &encoded);
  EXPECT_GT(encoded.size(), EvaluatorSettings{}.transaction_bytes_max);
  ASSERT_TRUE(decode_transaction(encoded));
  EXPECT_EQ(cell.stat("/e").num_children, 0);
  EXPECT_EQ(cell.last_applied.events.size(), 2u * kMany);
}

}  // namespace
}  // namespace conclave::state
