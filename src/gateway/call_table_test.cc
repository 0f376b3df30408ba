// Each invariant of the table of calls, by itself.
#include "gateway/call_table.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

namespace conclave::gateway {
namespace {

using chubby::CallId;
using testing::ElementsAre;
using testing::IsEmpty;

class CallTableTest : public testing::Test {
 protected:
  // A call that ends when the test says so.
  CallTable::Start begin() {
    return [this](CallTable::Finish finish) {
      begun.push_back(std::move(finish));
      return CallId(begun.size());
    };
  }
  WaiterId call(uint64_t number, CallKind kind = CallKind::change, std::string_view method = "Write") {
    return table.call(
        {.method = method, .kind = kind, .number = number}, begin(), [this, number](const Answer& answer) {
          log.push_back(fmt::format("{}: {}", number, answer ? "ok" : std::string(name_of(answer.error().code))));
        });
  }
  void end(size_t call, Task undo = nullptr) {
    begun.at(call - 1)(std::shared_ptr<const google::protobuf::Message>(std::make_shared<api::CloseReply>()),
                       std::move(undo));
  }
  void fail(size_t call, api::Code code) {
    begun.at(call - 1)(std::unexpected(Failure{.code = code, .message = ""}), nullptr);
  }
  std::vector<std::string> take() { return std::exchange(log, {}); }

  std::vector<CallTable::Finish> begun;
  std::vector<uint64_t> cancelled;
  bool can_cancel = true;
  std::vector<std::string> log;
  CallTable table{3, 5, [this](CallId call) {
                    cancelled.push_back(call.value);
                    return can_cancel;
                  }};
};

// CH-95: T1.
TEST_F(CallTableTest, ACallThatIsSentAgainIsDoneOnceAndAnsweredAlike) {
  call(1);
  call(1);  // before the answer
  EXPECT_EQ(begun.size(), 1U);
  end(1);
  EXPECT_THAT(take(), ElementsAre("1: ok", "1: ok"));
  call(1);  // and after it
  EXPECT_EQ(begun.size(), 1U);
  EXPECT_THAT(take(), ElementsAre("1: ok"));
  call(2);
  fail(2, api::NOT_EMPTY);
  call(2);
  EXPECT_THAT(take(), ElementsAre("2: NOT_EMPTY", "2: NOT_EMPTY"));
  EXPECT_EQ(begun.size(), 2U);
}

TEST_F(CallTableTest, AnswersAreKeptUntilTheyAreAcknowledged) {
  call(1);
  call(2);
  end(1);
  table.acknowledge(2);
  EXPECT_EQ(table.kept(), 1U);
  call(1);
  EXPECT_THAT(take(), ElementsAre("1: ok", "1: BAD_NUMBER"));
  EXPECT_EQ(begun.size(), 2U) << "never done twice, not even when it is forgotten";
  table.acknowledge(1);  // an older word, overtaken
  call(1);
  EXPECT_THAT(take(), ElementsAre("1: BAD_NUMBER"));
  end(2);
  EXPECT_EQ(table.running(), 0U);
}

TEST_F(CallTableTest, AcknowledgedWhileUnderWayItGoesWhenItEnds) {
  call(1);
  table.acknowledge(9);
  EXPECT_EQ(table.running(), 1U);
  end(1);
  EXPECT_THAT(take(), ElementsAre("1: ok"));
  EXPECT_EQ(table.running(), 0U);
  EXPECT_EQ(table.kept(), 0U);
}

TEST_F(CallTableTest, NumbersAreOfOneCallAndOfChangesOnly) {
  call(1);
  call(1, CallKind::change, "Delete");
  call(0);
  call(7, CallKind::read);
  EXPECT_THAT(take(), ElementsAre("1: BAD_NUMBER", "0: BAD_NUMBER", "7: BAD_NUMBER"));
  EXPECT_EQ(begun.size(), 1U);
}

// T4.
TEST_F(CallTableTest, BothBoundsRefuse) {
  for (int i = 0; i < 4; ++i) call(0, CallKind::read);
  EXPECT_THAT(take(), ElementsAre("0: TOO_MANY_CALLS"));
  for (size_t i = 1; i <= 3; ++i) end(i);
  take();
  for (uint64_t number = 1; number <= 6; ++number) {
    call(number);
    if (number <= 5) end(begun.size());
  }
  EXPECT_THAT(take(), ElementsAre("1: ok", "2: ok", "3: ok", "4: ok", "5: ok", "6: TOO_MANY_CALLS"));
  EXPECT_FALSE(table.cancel(6)) << "a number to remember, too";
  table.acknowledge(6);
  call(6);
  EXPECT_EQ(table.running(), 1U);
}

// CH-98: who waits may stop waiting.
TEST_F(CallTableTest, AWaitEndsWithItsLastWaiter) {
  const WaiterId first = call(1, CallKind::undoable);
  const WaiterId second = call(1, CallKind::undoable);
  table.abandon(first);
  EXPECT_THAT(cancelled, IsEmpty());
  table.abandon(second);
  EXPECT_THAT(cancelled, ElementsAre(1));
  EXPECT_EQ(table.running(), 0U);
  fail(1, api::CANCELLED);  // what the library says of it
  call(1, CallKind::undoable);
  EXPECT_EQ(begun.size(), 2U) << "asked again it begins anew";
  end(2);
  EXPECT_THAT(take(), ElementsAre("1: ok"));
}

TEST_F(CallTableTest, AChangeGoesOnWithoutAWaiter) {
  table.abandon(call(1));
  EXPECT_THAT(cancelled, IsEmpty());
  end(1);
  EXPECT_THAT(take(), IsEmpty());
  call(1);
  EXPECT_THAT(take(), ElementsAre("1: ok"));
  EXPECT_EQ(begun.size(), 1U);
}

TEST_F(CallTableTest, AnAnswerOnItsWayIsKeptForWhoAsksAgain) {
  can_cancel = false;
  table.abandon(call(1, CallKind::undoable));
  end(1);
  call(1, CallKind::undoable);
  EXPECT_THAT(take(), ElementsAre("1: ok"));
  EXPECT_EQ(begun.size(), 1U);
}

// CH-98, T3: in every state.
TEST_F(CallTableTest, CancelledBeforeItComesItIsNeverBegun) {
  EXPECT_TRUE(table.cancel(1));
  call(1, CallKind::undoable);
  EXPECT_THAT(take(), ElementsAre("1: CANCELLED"));
  EXPECT_THAT(begun, IsEmpty());
}

TEST_F(CallTableTest, CancelledUnderWayItIsAnsweredSo) {
  call(1, CallKind::undoable);
  EXPECT_TRUE(table.cancel(1));
  EXPECT_THAT(take(), ElementsAre("1: CANCELLED"));
  fail(1, api::CANCELLED);
  call(1, CallKind::undoable);
  EXPECT_THAT(take(), ElementsAre("1: CANCELLED"));
  EXPECT_EQ(begun.size(), 1U);
  EXPECT_EQ(table.running(), 0U);
}

TEST_F(CallTableTest, CancelledWhenItsAnswerIsOnItsWayItIsUndone) {
  can_cancel = false;
  int undone = 0;
  call(1, CallKind::undoable);
  EXPECT_TRUE(table.cancel(1));
  EXPECT_THAT(take(), IsEmpty());
  end(1, [&] { ++undone; });
  EXPECT_EQ(undone, 1);
  EXPECT_THAT(take(), ElementsAre("1: CANCELLED"));
}

TEST_F(CallTableTest, CancelledAfterItsAnswerItIsUndoneOnce) {
  int undone = 0;
  call(1, CallKind::undoable);
  end(1, [&] { ++undone; });
  EXPECT_TRUE(table.cancel(1));
  EXPECT_TRUE(table.cancel(1));
  EXPECT_EQ(undone, 1);
  call(1, CallKind::undoable);
  EXPECT_THAT(take(), ElementsAre("1: ok", "1: CANCELLED"));
  table.acknowledge(2);
  EXPECT_TRUE(table.cancel(1)) << "of what is acknowledged nothing is left to do";
  EXPECT_EQ(undone, 1);
}

TEST_F(CallTableTest, WhatCannotBeUndoneCannotBeCancelled) {
  call(1);
  EXPECT_EQ(table.cancel(1).error().code, api::BAD_NUMBER);
  EXPECT_EQ(table.cancel(0).error().code, api::BAD_NUMBER);
  end(1);
  EXPECT_THAT(take(), ElementsAre("1: ok"));
}

TEST_F(CallTableTest, AtTheEndAllThatWaitHearOfIt) {
  call(1);
  call(0, CallKind::read);
  table.fail_all({.code = api::SESSION_EXPIRED, .message = "over"});
  EXPECT_THAT(take(), ElementsAre("1: SESSION_EXPIRED", "0: SESSION_EXPIRED"));
  end(1);  // too late
  EXPECT_THAT(take(), IsEmpty());
}

}  // namespace
}  // namespace conclave::gateway
