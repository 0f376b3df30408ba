#include "app/member/change.h"

#include <deque>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app {
namespace member_change {
namespace {

using client::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kThree[] = "server.1=a:1:2:participant;3\nserver.2=b:1:2:participant;3\nserver.3=c:1:2:participant;3\n";
constexpr char kTwo[] = "server.1=a:1:2:participant;3\nserver.2=b:1:2:participant;3\n";

std::string list(std::string_view lines, std::string_view version) {
  return std::string(lines) + "version=" + std::string(version);
}

// A cell that does what the test has written down, one answer after the other.
class ScriptedCell final : public MemberCell {
 public:
  Outcome<std::string> read() override { return next(&reads); }
  Outcome<std::string> change(const client::MemberChange& change, const std::function<void()>& meanwhile) override {
    asked.push_back(change.joining.value_or("-") + " / " + change.leaving.value_or("-") + " / " +
                    std::to_string(change.from_version));
    for (int i = 0; i < seconds; ++i) meanwhile();
    return next(&answers);
  }
  std::string progress() override {
    if (said.empty()) return "";
    std::string out = said.front();
    said.pop_front();
    return out;
  }
  bool pause() override { return pauses-- > 0; }

  std::deque<Outcome<std::string>> reads, answers;
  std::deque<std::string> said;
  int seconds = 0;  // that a change takes
  int pauses = 10;
  std::vector<std::string> asked;

 private:
  static Outcome<std::string> next(std::deque<Outcome<std::string>>* from) {
    if (from->empty()) return std::unexpected(ErrorCode::system_error);
    auto out = from->front();
    from->pop_front();
    return out;
  }
};

class MemberChangeTest : public testing::Test {
 protected:
  // Empty, or the error.
  std::string run(const MemberPlan& plan) {
    const auto done = carry_out(plan, before, cell,
                                {.say = [this](std::string_view line) { said.emplace_back(line); },
                                 .tell = [this](std::string_view line) { told.emplace_back(line); }});
    return done ? "" : done.error().message;
  }
  std::string remove_three() { return run(plan_remove(before, {3}).value()); }

  const MemberConfig before = wire::zookeeper::parse_member_config(list(kThree, "a")).value();
  ScriptedCell cell;
  std::vector<std::string> said, told;
};

TEST_F(MemberChangeTest, IsAskedFromTheListThatWasRead) {
  cell.answers = {list(kTwo, "b")};
  EXPECT_EQ(remove_three(), "");
  EXPECT_THAT(cell.asked, ElementsAre("- / 3 / 10"));
  EXPECT_THAT(said, ElementsAre("3 is not a member any more; version b"));
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(MemberChangeTest, NothingToDoAsksNothing) {
  EXPECT_EQ(run(plan_promote(before, 3).value()), "");
  EXPECT_THAT(cell.asked, IsEmpty());
  EXPECT_THAT(said, ElementsAre("3 is a voter already"));
}

TEST_F(MemberChangeTest, ProgressIsToldWhenItChanges) {
  cell.seconds = 7;
  cell.said = {"none", "adding 4: 1 of 9", "adding 4: 1 of 9", "", "adding 4: 1 of 9", "joint: 1 2 3 to 1 2", "none"};
  cell.answers = {list(kTwo, "b")};
  EXPECT_EQ(remove_three(), "");
  EXPECT_THAT(told, ElementsAre("adding 4: 1 of 9", "adding 4: 1 of 9", "joint: 1 2 3 to 1 2"));
}

TEST_F(MemberChangeTest, RefusalsSayWhatToDo) {
  cell.answers = {std::unexpected(ErrorCode::bad_version), std::unexpected(ErrorCode::reconfig_disabled),
                  std::unexpected(ErrorCode::operation_timeout), list(kThree, "b"), "nonsense"};
  EXPECT_THAT(remove_three(), HasSubstr("the members changed meanwhile"));
  EXPECT_THAT(remove_three(), HasSubstr("set cell.reconfig = true"));
  EXPECT_THAT(remove_three(), HasSubstr("no answer in time: the change may yet happen"));
  EXPECT_THAT(remove_three(), HasSubstr("answered with another list"));
  EXPECT_THAT(remove_three(), HasSubstr("answered with another list"));
  EXPECT_EQ(cell.asked.size(), 5u) << "nothing is asked twice";
  EXPECT_THAT(said, IsEmpty());
}

TEST_F(MemberChangeTest, ALostConnectionIsWaitedOut) {
  for (const ErrorCode lost : {ErrorCode::connection_loss, ErrorCode::session_expired}) {
    cell.answers = {std::unexpected(lost)};
    cell.reads = {std::unexpected(ErrorCode::connection_loss), list(kThree, "a"), list(kTwo, "b")};
    cell.said = {"joint: 1 2 3 to 1 2"};
    cell.asked.clear();
    said.clear();
    told.clear();
    EXPECT_EQ(remove_three(), "");
    EXPECT_THAT(cell.asked, ElementsAre("- / 3 / 10")) << "it is not asked again";
    EXPECT_THAT(said, ElementsAre("3 is not a member any more; version b"));
    EXPECT_THAT(told, ElementsAre(HasSubstr("the change may have happened or not"), "joint: 1 2 3 to 1 2"));
  }
}

TEST_F(MemberChangeTest, ALostConnectionWithoutTheChangeEndsWithTheTime) {
  cell.answers = {std::unexpected(ErrorCode::connection_loss)};
  cell.reads = {list(kThree, "a"), list(kThree, "a"), list(kThree, "a"), list(kTwo, "b")};
  cell.pauses = 2;
  EXPECT_THAT(remove_three(), HasSubstr("the list does not show the change"));
  EXPECT_EQ(cell.reads.size(), 1u);
}

TEST_F(MemberChangeTest, ALostDiskTakesTwoChangesEachFromTheListOfTheOneBefore) {
  const auto plan = plan_replace(before, 3, parse_member_spec("3=c:1:2;3").value()).value();
  cell.answers = {list(kTwo, "b"), list(kThree, "c")};
  EXPECT_EQ(run(plan), "");
  EXPECT_THAT(cell.asked, ElementsAre("- / 3 / 10", "server.3=c:1:2:participant;0.0.0.0:3 / - / 11"));
  EXPECT_THAT(said, ElementsAre("3 keeps its number: it is removed, then added, in two changes",
                                "3 is not a member any more; version b",
                                "3 is a member now, as voter: server.3=c:1:2:participant;0.0.0.0:3; version c"));

  cell.answers = {list(kTwo, "b"), std::unexpected(ErrorCode::new_config_no_quorum)};
  EXPECT_THAT(run(plan), testing::AllOf(HasSubstr("no majority of the new members"),
                                        HasSubstr("conclave member add 'server.3=c:1:2:participant;0.0.0.0:3'")));
}

TEST_F(MemberChangeTest, ReadingTheList) {
  cell.reads = {list(kThree, "a"), "", "server.1=x\nversion=1", std::unexpected(ErrorCode::operation_timeout),
                std::unexpected(ErrorCode::no_node)};
  EXPECT_EQ(read_members(cell).value(), before);
  EXPECT_THAT(read_members(cell).error().message, HasSubstr("the server has no list of members"));
  EXPECT_THAT(read_members(cell).error().message, HasSubstr("/zookeeper/config: \"server.1=x\""));
  EXPECT_THAT(read_members(cell).error().message, HasSubstr("the cell did not answer in time"));
  EXPECT_THAT(read_members(cell).error().message, HasSubstr("/zookeeper/config: there is no such node"));
}

}  // namespace
}  // namespace member_change
}  // namespace conclave::app
