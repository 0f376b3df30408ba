// Random histories of a correct cell pass; one injected mistake is found by the checker responsible for it.
#include "sim/check/check_all.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/check/durable.h"
#include "sim/check/index.h"
#include "sim/check/linear.h"
#include "sim/check/model.h"
#include "sim/check/sessions.h"
#include "sim/check/testing_store.h"
#include "sim/check/watches.h"

namespace conclave::sim::check {
namespace {

using namespace testing;  // NOLINT: the store
using ::testing::IsEmpty;

constexpr uint64_t kSeeds = 300;

CheckOptions options() {
  CheckOptions out;
  out.expiry.early_slack = Duration::millis(1);
  out.expiry.silence_share = 0;
  return out;
}

History random_history(uint64_t seed, size_t operations = 200) {
  return Store({.seed = seed, .operations = operations}).run();
}

bool complains(const Violations& violations, std::string_view checker) {
  return std::ranges::any_of(violations, [&](const Violation& v) { return v.checker == checker; });
}

TEST(CheckAll, AcceptsEveryHistoryOfACorrectCell) {
  Figures all;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const Report report = check_all(random_history(seed), options());
    ASSERT_EQ(text_of(report.violations), "") << "seed " << seed;
    all += report.figures;
  }
  EXPECT_EQ(all.searches_exhausted, 0U);
  EXPECT_GT(all.operations_order_blind, all.operations / 4);
  EXPECT_GT(all.watch_events, all.operations / 20);
  EXPECT_GT(all.expiries, 20U);
  fmt::print(
      "{} histories: {} operations, {} compared by zxid, {} ordered blindly in {} searches, {} watches, {} events, "
      "{} expiries\n",
      kSeeds, all.operations, all.operations_linear, all.operations_order_blind, all.searches, all.watches,
      all.watch_events, all.expiries);
}

// --- mistakes. Each returns false if the history has no place for it.

using Mistake = std::function<bool(History*, Random*)>;

template <class Fits>
std::optional<size_t> pick(const History& history, Random* random, Fits fits) {
  std::vector<size_t> candidates;
  for (size_t i = 0; i < history.operations.size(); ++i) {
    if (fits(history.operations[i], i)) candidates.push_back(i);
  }
  if (candidates.empty()) return std::nullopt;
  return candidates[random->below(candidates.size())];
}

bool is_good_get(const Operation& op) {
  return op.call.action == Action::get && is_ok(op);
}

// An earlier answer of the same node, complete and known before `before`.
const Operation* earlier_answer(const History& history, const Operation& op, Instant before) {
  const Operation* found = nullptr;
  for (const Operation& other : history.operations) {
    const bool older = is_good_get(other) && other.call.path == op.call.path && other.zxid < op.zxid;
    if (older && other.answer.data != op.answer.data && other.completed < before) found = &other;
  }
  return found;
}

// The data of an older state under the zxid of the new one.
bool stale_data(History* history, Random* random) {
  const auto i = pick(*history, random, [&](const Operation& op, size_t) {
    return is_good_get(op) && earlier_answer(*history, op, op.invoked) != nullptr;
  });
  if (!i) return false;
  Operation& op = history->operations[*i];
  op.answer = earlier_answer(*history, op, op.invoked)->answer;
  return true;
}

// A read behind a sync that shows an older state, under its own zxid, which somebody knew to be old.
bool stale_read_behind_a_sync(History* history, Random* random) {
  const HistoryIndex index(*history);
  const Model model(*history);
  const auto sync_before = [&](size_t i) -> const Operation* {
    const auto& own = index.client(history->operations[i].client).operations;
    const auto at = std::ranges::find(own, i);
    if (at == own.begin()) return nullptr;
    const Operation& before = history->operations[*std::prev(at)];
    return before.call.action == Action::sync && is_ok(before) ? &before : nullptr;
  };
  // Somebody was told of a change of that node before the sync was invoked.
  const auto was_overwritten = [&](const Operation& old, const Operation& sync) {
    const auto change = model.first_data_event(old.call.path, old.zxid);
    return change && std::ranges::any_of(history->operations, [&](const Operation& other) {
             return is_acknowledged_write(other) && other.zxid == change->at.zxid && other.completed < sync.invoked;
           });
  };
  const auto i = pick(*history, random, [&](const Operation& op, size_t at) {
    const Operation* sync = is_good_get(op) ? sync_before(at) : nullptr;
    const Operation* old = sync != nullptr ? earlier_answer(*history, op, sync->invoked) : nullptr;
    return old != nullptr && was_overwritten(*old, *sync);
  });
  if (!i) return false;
  Operation& op = history->operations[*i];
  const Operation& old = *earlier_answer(*history, op, sync_before(*i)->invoked);
  op.answer = old.answer;
  op.zxid = old.zxid;
  return true;
}

bool lost_write(History* history, Random* random) {
  const auto i = pick(*history, random, [](const Operation& op, size_t) { return is_acknowledged_write(op); });
  if (!i) return false;
  std::erase_if(history->log, [&](const Transaction& t) { return t.zxid == history->operations[*i].zxid; });
  return true;
}

bool doubled_write(History* history, Random* random) {
  const auto i = pick(*history, random, [](const Operation& op, size_t) {
    return is_acknowledged_write(op) && op.call.action == Action::set;
  });
  if (!i) return false;
  Transaction copy = history->log[*Model(*history).find(history->operations[*i].zxid)];
  copy.zxid = Zxid(history->log.back().zxid.value + 1);
  copy.index = history->log.back().index.next();
  copy.first_applied = history->log.back().first_applied;
  history->log.push_back(std::move(copy));
  return true;
}

bool reordered_reply(History* history, Random* random) {
  const HistoryIndex index(*history);
  const auto next_of = [&](size_t i) -> std::optional<size_t> {
    const auto& own = index.client(history->operations[i].client).operations;
    const auto at = std::ranges::find(own, i);
    if (std::next(at) == own.end()) return std::nullopt;
    return *std::next(at);
  };
  const auto i = pick(*history, random, [&](const Operation& op, size_t at) {
    const auto next = next_of(at);
    return is_answered(op) && next && is_answered(history->operations[*next]);
  });
  if (!i) return false;
  Operation& a = history->operations[*i];
  Operation& b = history->operations[*next_of(*i)];
  std::swap(a.seen, b.seen);
  std::swap(a.completed, b.completed);
  return true;
}

bool wrong_version(History* history, Random* random) {
  const auto i = pick(*history, random, [](const Operation& op, size_t) {
    return op.call.action == Action::set && is_ok(op) && op.answer.stat;
  });
  if (!i) return false;
  ++history->operations[*i].answer.stat->version;
  return true;
}

bool wrong_refusal(History* history, Random* random) {
  const auto i = pick(*history, random, [](const Operation& op, size_t) {
    return op.call.action == Action::set && is_answered(op) && op.answer.code == Code::bad_version;
  });
  if (!i) return false;
  history->operations[*i].answer.code = Code::no_node;
  return true;
}

bool late_event(History* history, Random* random) {
  const HistoryIndex index(*history);
  std::vector<WatchEvent*> candidates;  // the client is told something right behind it, on the same connection
  for (WatchEvent& event : history->watch_events) {
    for (const size_t i : index.client(event.client).told) {
      if (history->operations[i].seen == event.seen + 1) candidates.push_back(&event);
    }
  }
  if (candidates.empty()) return false;
  WatchEvent* event = candidates[random->below(candidates.size())];
  for (Operation& op : history->operations) {
    if (op.client == event->client && op.seen == event->seen + 1) std::swap(op.seen, event->seen);
  }
  return true;
}

bool early_expiry(History* history, Random*) {
  for (Transaction& transaction : history->log) {
    const auto* closed = std::get_if<SessionClosed>(&transaction.changes.front());
    if (closed == nullptr || transaction.session != SessionId()) continue;
    for (Transaction& opening : history->log) {
      auto* opened = std::get_if<SessionOpened>(&opening.changes.front());
      if (opened != nullptr && opened->session == closed->session) opened->timeout = Duration::seconds(60);
    }
    return true;
  }
  return false;
}

struct Detection {
  uint64_t injected = 0;
  uint64_t responsible = 0;
  uint64_t order_blind = 0;
};

Detection detect(const char* name, const Mistake& mistake, std::string_view responsible) {
  Detection found;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    History history = random_history(seed);
    Random random(seed);
    if (!mistake(&history, &random)) continue;
    const Report report = check_all(history, options());
    ++found.injected;
    found.responsible += complains(report.violations, responsible) ? 1 : 0;
    found.order_blind += complains(report.violations, "linearizable") ? 1 : 0;
  }
  fmt::print("{:26} injected {:3}, found by {} {:3}, order-blind {:3}\n", name, found.injected, responsible,
             found.responsible, found.order_blind);
  return found;
}

// How many of `injected`, in percent, rounded down.
uint64_t percent(uint64_t found, const Detection& of) {
  return of.injected == 0 ? 0 : found * 100 / of.injected;
}

TEST(Mistakes, StaleData) {
  const Detection found = detect("stale data", stale_data, "linear");
  EXPECT_GE(found.injected, kSeeds * 9 / 10);
  EXPECT_EQ(found.responsible, found.injected);
  EXPECT_GE(percent(found.order_blind, found), 40U) << "of the reads alone that a sync precedes";
}

TEST(Mistakes, StaleReadBehindASync) {
  const Detection found = detect("stale read behind a sync", stale_read_behind_a_sync, "linear");
  EXPECT_GE(found.injected, kSeeds / 2);
  EXPECT_EQ(found.responsible, found.injected);
  EXPECT_GE(percent(found.order_blind, found), 95U);
}

TEST(Mistakes, LostWrite) {
  const Detection found = detect("lost write", lost_write, "durable");
  EXPECT_EQ(found.injected, kSeeds);
  EXPECT_EQ(found.responsible, found.injected);
  EXPECT_EQ(found.order_blind, 0U) << "it does not look at the log";
}

TEST(Mistakes, DoubledWrite) {
  const Detection found = detect("doubled write", doubled_write, "linear");
  EXPECT_EQ(found.injected, kSeeds);
  EXPECT_EQ(found.responsible, found.injected);
}

TEST(Mistakes, ReorderedReply) {
  const Detection found = detect("reordered reply", reordered_reply, "sessions");
  EXPECT_EQ(found.injected, kSeeds);
  EXPECT_EQ(found.responsible, found.injected);
}

TEST(Mistakes, WrongVersion) {
  const Detection found = detect("wrong version", wrong_version, "linear");
  EXPECT_EQ(found.injected, kSeeds);
  EXPECT_EQ(found.responsible, found.injected);
  EXPECT_GE(percent(found.order_blind, found), 95U) << "a write of unknown outcome may explain it";
}

TEST(Mistakes, WrongRefusal) {
  const Detection found = detect("wrong refusal", wrong_refusal, "linear");
  EXPECT_GE(found.injected, kSeeds / 2);
  EXPECT_GE(percent(found.responsible, found), 95U) << "the node may have been missing for a moment";
}

TEST(Mistakes, LateEvent) {
  const Detection found = detect("late event", late_event, "watches");
  EXPECT_GE(found.injected, kSeeds * 9 / 10);
  EXPECT_GE(percent(found.responsible, found), 95U)
      << "after a reconnect a creation may go unseen; a close ends watches";
}

TEST(Mistakes, EarlyExpiry) {
  const Detection found = detect("early expiry", early_expiry, "expiry");
  EXPECT_GE(found.injected, 20U);
  EXPECT_EQ(found.responsible, found.injected);
}

// What a thousand operations cost, twenty times over: GoogleTest prints the time of each.
class Cost : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (uint64_t seed = 1; seed <= 20; ++seed) histories_.push_back(random_history(seed, 1000));
  }
  static void TearDownTestSuite() { histories_.clear(); }
  template <class Check>
  static void expect_clean(const Check& check) {
    for (const History& history : histories_) EXPECT_THAT(check(history), IsEmpty());
  }

 private:
  static inline std::vector<History> histories_;
};

TEST_F(Cost, Model) {
  expect_clean([](const History& h) { return check_model(h); });
}
TEST_F(Cost, Durable) {
  expect_clean([](const History& h) { return check_durable(h); });
}
TEST_F(Cost, Linear) {
  expect_clean([](const History& h) { return check_linear(h); });
}
TEST_F(Cost, Linearizable) {
  expect_clean([](const History& h) { return check_linearizable(h); });
}
TEST_F(Cost, Sessions) {
  expect_clean([](const History& h) { return check_sessions(h); });
}
TEST_F(Cost, Expiry) {
  expect_clean([](const History& h) { return check_expiry(h, options().expiry); });
}
TEST_F(Cost, Watches) {
  expect_clean([](const History& h) { return check_watches(h); });
}

}  // namespace
}  // namespace conclave::sim::check
