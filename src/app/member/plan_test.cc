#include "app/member/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using wire::zookeeper::format_server_line;

// What the cell of these tests has.
MemberConfig four() {
  return wire::zookeeper::parse_member_config(
             "server.1=a:10:11:participant;0.0.0.0:12\n"
             "server.2=b:20:21:participant;b:22\n"
             "server.3=c:30:31:participant;c:32\n"
             "server.4=d:40:41:observer;d:42\n"
             "version=100000007")
      .value();
}

MemberSpec spec(const char* text) {
  const auto parsed = parse_member_spec(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
  return parsed.value_or(MemberSpec{});
}

// The only step of a plan.
MemberStep step_of(const Result<MemberPlan>& plan) {
  EXPECT_TRUE(plan) << plan.error().message;
  if (!plan) return {};
  EXPECT_EQ(plan->steps.size(), 1u) << plan->note;
  return plan->steps.empty() ? MemberStep{} : plan->steps.front();
}

std::string joining(const MemberStep& step) {
  return change_of(step, 1).joining.value_or("nobody");
}

TEST(MemberSpec, EveryForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"5=h:1;2", "server.5=h:1:1:participant;0.0.0.0:2"},
      {"5=h:1:3;2", "server.5=h:1:3:participant;0.0.0.0:2"},
      {"server.5=h:1:3:observer;c:2", "server.5=h:1:3:observer;c:2"},
      {" 5 = [::1]:1 ; [::2]:2 ", "server.5=[::1]:1:1:participant;[::2]:2"},
      {"5=b:1:2|a:3:2;4", "server.5=b:1:2:participant|a:3:2:participant;0.0.0.0:4"},
  };
  for (const auto& [text, line] : cases) EXPECT_EQ(format_server_line(spec(text).server), line) << text;
  EXPECT_FALSE(spec("5=h:1:3;2").role_given);
  EXPECT_TRUE(spec("5=h:1:3:Observer;2").role_given);
  EXPECT_TRUE(spec("5=h:1:3:participant;2").role_given);
}

TEST(MemberSpec, EveryError) {
  const std::pair<const char*, const char*> cases[] = {
      {"5", "\"5\": there is no =; the form is ID=HOST:PEER[:ELECTION];[HOST:]CLIENT"},
      {"=h:1;2", "it names no server, or several"},
      {"5,6=h:1;2", "it names no server, or several"},
      {"0=h:1;2", "the id \"0\" is not a number from 1 to 255"},
      {"5=h:1", "the client's address is missing"},
      {"5=h:1:2", "the client's address is missing"},
      {"5=h;2", "does not have the form host:peer:election[:role]"},
      {"5=h:1;2;3", "there is more than one semicolon"},
      {"5=h:1;", "the client port \"\" is not a number"},
  };
  for (const auto& [text, reason] : cases) {
    const auto parsed = parse_member_spec(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, HasSubstr(reason)) << text;
  }
}

TEST(MemberPlans, Add) {
  const MemberStep step = step_of(plan_add(four(), spec("5=e:50;52")));
  EXPECT_EQ(joining(step), "server.5=e:50:50:participant;0.0.0.0:52");
  EXPECT_THAT(step.leaving, IsEmpty());
  EXPECT_EQ(step.done, "5 is a member now, as voter: server.5=e:50:50:participant;0.0.0.0:52");

  // As it is already, in whichever words.
  for (const char* same : {"1=a:10:11;12", "1=a:10:11;0.0.0.0:12", "4=d:40:41:observer;d:42"}) {
    const auto plan = plan_add(four(), spec(same)).value();
    EXPECT_THAT(plan.steps, IsEmpty()) << same;
    EXPECT_THAT(plan.note, HasSubstr("is a member already, with these values")) << same;
  }
  const std::pair<const char*, const char*> refusals[] = {
      {"2=e:20:21;b:22",
       "2 is a member already, with other values (server.2=b:20:21:participant;b:22): remove it first"},
      {"2=b:20:21;b:23", "2 is a member already, with other values"},
      {"4=d:40:41;d:42", "4 is an observer already: promote 4"},
      {"2=b:20:21:observer;b:22", "2 is a voter already: remove it, then add it"},
      {"5=b:20:51;52", "b:20 is the peer address of 2 already"},
  };
  for (const auto& [text, reason] : refusals) {
    const auto plan = plan_add(four(), spec(text));
    ASSERT_FALSE(plan) << text;
    EXPECT_THAT(plan.error().message, StartsWith(reason)) << text;
  }
}

TEST(MemberPlans, Remove) {
  const MemberStep step = step_of(plan_remove(four(), {3, 4, 3}));
  EXPECT_THAT(step.leaving, ElementsAre(3, 4));
  EXPECT_EQ(joining(step), "nobody");
  EXPECT_EQ(step.done, "3, 4 are not members any more");
  EXPECT_EQ(plan_remove(four(), {5}).error().message, "5 is not a member; the members are 1, 2, 3, 4");
  EXPECT_THAT(plan_remove(four(), {1, 2, 3}).error().message, StartsWith("nobody would be left who votes"));
}

TEST(MemberPlans, Promote) {
  const MemberStep step = step_of(plan_promote(four(), 4));
  EXPECT_EQ(joining(step), "server.4=d:40:41:participant;d:42");
  EXPECT_THAT(step.leaving, IsEmpty());
  EXPECT_EQ(plan_promote(four(), 1).value().note, "1 is a voter already");
  EXPECT_THAT(plan_promote(four(), 1).value().steps, IsEmpty());
  EXPECT_EQ(plan_promote(four(), 5).error().message, "5 is not a member; the members are 1, 2, 3, 4");
}

TEST(MemberPlans, ReplaceByAnotherNumberIsOneChange) {
  const MemberStep step = step_of(plan_replace(four(), 3, spec("5=e:50:51;52")));
  EXPECT_EQ(joining(step), "server.5=e:50:51:participant;0.0.0.0:52");
  EXPECT_THAT(step.leaving, ElementsAre(3));
  // On the same machine, and with the role of the old one unless one is named.
  EXPECT_EQ(joining(step_of(plan_replace(four(), 4, spec("5=d:40:41;d:42")))), "server.5=d:40:41:observer;d:42");
  EXPECT_EQ(joining(step_of(plan_replace(four(), 4, spec("5=d:40:41:participant;d:42")))),
            "server.5=d:40:41:participant;d:42");
  EXPECT_THAT(plan_replace(four(), 6, spec("7=e:50;52")).error().message,
              HasSubstr("6 is not a member; the members are 1, 2, 3, 4: there is nothing to replace"));
  EXPECT_THAT(plan_replace(four(), 3, spec("4=e:50;52")).error().message, HasSubstr("4 is a member already"));
  EXPECT_THAT(plan_replace(four(), 3, spec("5=b:20;52")).error().message, HasSubstr("b:20 is the peer address of 2"));
}

TEST(MemberPlans, ReplaceByTheSameNumberIsTwoChanges) {
  const auto plan = plan_replace(four(), 3, spec("3=c:30:31;c:32")).value();
  ASSERT_EQ(plan.steps.size(), 2u);
  EXPECT_THAT(plan.steps[0].leaving, ElementsAre(3));
  EXPECT_THAT(plan.steps[0].joining, IsEmpty());
  EXPECT_THAT(plan.steps[1].leaving, IsEmpty());
  EXPECT_EQ(joining(plan.steps[1]), "server.3=c:30:31:participant;c:32");
  EXPECT_EQ(plan.note, "3 keeps its number: it is removed, then added, in two changes");

  MemberConfig alone{.servers = {four().servers[2]}, .version = 1};
  EXPECT_THAT(plan_replace(alone, 3, spec("3=c:30:31;c:32")).error().message,
              StartsWith("nobody would be left who votes"));
}

TEST(MemberPlans, TheRequest) {
  const MemberStep step{.joining = {four().servers[0], four().servers[3]}, .leaving = {2, 3}, .done = {}};
  const client::MemberChange change = change_of(step, 0x100000007);
  EXPECT_EQ(change.joining, "server.1=a:10:11:participant;0.0.0.0:12,server.4=d:40:41:observer;d:42");
  EXPECT_EQ(change.leaving, "2,3");
  EXPECT_EQ(change.new_members, std::nullopt);
  EXPECT_EQ(change.from_version, 0x100000007);
  EXPECT_EQ(change_of({.joining = {}, .leaving = {2}, .done = {}}, 1).joining, std::nullopt);
  EXPECT_EQ(change_of({.joining = {four().servers[0]}, .leaving = {}, .done = {}}, 1).leaving, std::nullopt);
}

TEST(MemberPlans, Shows) {
  const auto with = [](std::vector<ServerLine> joining, std::vector<int64_t> leaving) {
    return shows(four(), {.joining = std::move(joining), .leaving = std::move(leaving), .done = {}});
  };
  EXPECT_TRUE(with({four().servers[0]}, {5}));
  EXPECT_FALSE(with({four().servers[0]}, {2}));
  EXPECT_TRUE(with({spec("1=a:10:11;12").server}, {}));
  EXPECT_FALSE(with({spec("1=a:10:11;13").server}, {}));
  EXPECT_FALSE(with({spec("4=d:40:41;d:42").server}, {})) << "it is an observer";
  EXPECT_FALSE(with({spec("5=e:50:51;52").server}, {}));
  const MemberConfig shown{.servers = {spec("5=a:3:2|b:1:2;4").server}, .version = 1};
  EXPECT_TRUE(shows(shown, {.joining = {spec("5=b:1:2|a:3:2;4").server}, .leaving = {}, .done = {}}));
}

}  // namespace
}  // namespace conclave::app
