#include "app/shell/members.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>

#include "app/shell/testing_access.h"

namespace conclave::app {
namespace {

using client::ErrorCode;
using testing::HasSubstr;
using testing::StartsWith;

constexpr char kList[] =
    "server.1=a:1:2:participant;0.0.0.0:3\n"
    "server.2=b:1:2:observer\n"
    "server.3=[::3]:1:2:participant;[::3]:3\n"
    "version=10000000a";

class ShellMembers : public testing::Test {
 protected:
  ShellMembers() { access.nodes["/zookeeper/config"] = kList; }
  CommandResult run(const std::string& line) { return run_command(parse(line).value(), access, true); }
  // What was asked of the cell.
  client::MemberChange asked(const std::string& line) {
    const CommandResult result = run(line);
    EXPECT_EQ(result.error, "") << line;
    return std::exchange(access.last_change, {});
  }
  FakeAccess access;
};

TEST_F(ShellMembers, Config) {
  EXPECT_EQ(run("config").output, std::string(kList) + "\n");
  EXPECT_FALSE(run("config").watching);
  EXPECT_TRUE(run("config -w").watching);
  EXPECT_EQ(run("config -c").output, "10000000a 0.0.0.0:3,[::3]:3\n");
  EXPECT_THAT(run("config -cs").output, StartsWith("10000000a 0.0.0.0:3,[::3]:3\ncZxid = 0x0\n"));
  access.nodes["/zookeeper/config"] = "";
  EXPECT_EQ(run("config").output, "\n");
  EXPECT_EQ(run("config -c").error, "/zookeeper/config: the version is missing");
  access.nodes.erase("/zookeeper/config");
  EXPECT_EQ(run("config").error, "/zookeeper/config: there is no such node");
}

TEST_F(ShellMembers, SomeJoinAndSomeLeave) {
  const auto change =
      asked("reconfig -v 10000000a -add server.4=d:1:2;3 -add 5=e:1:2:observer;3 -remove 1,2 -remove 3");
  EXPECT_EQ(change.joining, "server.4=d:1:2;3,5=e:1:2:observer;3");
  EXPECT_EQ(change.leaving, "1,2,3");
  EXPECT_EQ(change.new_members, std::nullopt);
  EXPECT_EQ(change.from_version, 0x10000000a);

  const auto leaving = asked("reconfig -remove 3");
  EXPECT_EQ(leaving.joining, std::nullopt);
  EXPECT_EQ(leaving.leaving, "3");
  EXPECT_EQ(leaving.from_version, -1);
}

TEST_F(ShellMembers, AWholeNewList) {
  const auto change = asked("reconfig -members 1=a:1:2;3,server.5=e:1:2:observer;h:3");
  EXPECT_EQ(change.new_members,
            "server.1=a:1:2:participant;0.0.0.0:3\n"
            "server.5=e:1:2:observer;h:3\n");
  EXPECT_EQ(change.joining, std::nullopt);
  EXPECT_EQ(change.leaving, std::nullopt);

  const std::string path = testing::TempDir() + "conclave-shell-members";
  std::ofstream(path) << "# of the cell\n" << kList << "\n";
  EXPECT_EQ(asked("reconfig -file " + path).new_members,
            "server.1=a:1:2:participant;0.0.0.0:3\n"
            "server.2=b:1:2:observer\n"
            "server.3=[::3]:1:2:participant;[::3]:3\n");
  remove(path.c_str());
  EXPECT_EQ(run("reconfig -file " + path).error, "reconfig: " + path + " cannot be opened: No such file or directory");
}

TEST_F(ShellMembers, ShowsTheNewList) {
  EXPECT_EQ(run("reconfig -remove 4").output, "Committed new configuration:\n" + std::string(kList) + "\n");
  EXPECT_THAT(run("reconfig -s -remove 4").output, HasSubstr("version=10000000a\ncZxid = 0x0\n"));
}

TEST_F(ShellMembers, WhatIsWrongIsSaidBeforeTheCellIsAsked) {
  const std::pair<const char*, const char*> cases[] = {
      {"reconfig", "reconfig: give -file, or -members, or -add and -remove"},
      {"reconfig -v 1", "reconfig: give -file, or -members, or -add and -remove"},
      {"reconfig -members 1=a:1:2;3 -remove 4", "reconfig: give -file, or -members, or -add and -remove"},
      {"reconfig -members 1=a:1:2;3 -file x", "reconfig: give -file, or -members, or -add and -remove"},
      {"reconfig -v 1x -remove 4", "reconfig: -v: \"1x\" is not a hexadecimal number"},
      {"reconfig -v 1 -v 2 -remove 4", "reconfig: -v: \"1,2\" is not a hexadecimal number"},
      {"reconfig -add nonsense", "reconfig: \"nonsense\": it does not have the form server.N=host:peer:election"},
      {"reconfig -remove x", "reconfig: the id \"x\" is not a number from 1 to 255"},
      {"reconfig -members 1=a:1:2;3,1=b:1:2;3", "reconfig: \"1=b:1:2;3\": server 1 is named twice"},
  };
  for (const auto& [line, error] : cases) {
    EXPECT_EQ(run(line).error, error) << line;
    EXPECT_EQ(access.last_change.leaving, std::nullopt) << line;
    EXPECT_EQ(access.last_change.joining, std::nullopt) << line;
  }
  EXPECT_THAT(parse("reconfig -add").error().message, StartsWith("reconfig: -add needs a value; usage: reconfig [-s]"));
  EXPECT_THAT(parse("reconfig 4").error().message, StartsWith("reconfig: \"4\" is one argument too many"));
  EXPECT_THAT(parse("reconfig -x 4").error().message, StartsWith("reconfig: there is no option -x"));
}

TEST_F(ShellMembers, RefusalsSayWhatToDo) {
  const std::pair<ErrorCode, const char*> cases[] = {
      {ErrorCode::reconfig_in_progress, "another change of members is under way"},
      {ErrorCode::new_config_no_quorum, "no majority of the new members is up"},
      {ErrorCode::reconfig_disabled, "set cell.reconfig = true (zoo.cfg: reconfigEnabled=true) on every replica"},
      {ErrorCode::bad_version, "the members changed meanwhile"},
      {ErrorCode::no_auth, "needs the super user or write permission on /zookeeper/config: --auth"},
      {ErrorCode::bad_arguments, "the cell refused the list"},
      {ErrorCode::unimplemented, "the server does not change members"},
      {ErrorCode::session_expired, "the session has expired"},
  };
  for (const auto& [code, words] : cases) {
    access.refusal = code;
    EXPECT_THAT(run("reconfig -remove 4").error, testing::AllOf(StartsWith("reconfig: "), HasSubstr(words)));
  }
}

}  // namespace
}  // namespace conclave::app
