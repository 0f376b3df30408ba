#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/shell/command_line.h"
#include "app/shell/completion.h"
#include "app/shell/runner.h"
#include "app/shell/testing_access.h"
#include "app/shell/text.h"
#include "app/shell/words.h"

namespace conclave::app {
namespace {

using client::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

TEST(ShellWords, QuotesAndEscapes) {
  const std::pair<const char*, Words> cases[] = {
      {"", {}},
      {"  ls   /a ", {"ls", "/a"}},
      {"set /a 'b c'", {"set", "/a", "b c"}},
      {"set /a \"b 'c' \\\" d\"", {"set", "/a", "b 'c' \" d"}},
      {"set /a ''", {"set", "/a", ""}},
      {"a'b'\"c\"d", {"abcd"}},
      {"a\\ b \\n\\t\\x41\\\\", {"a b", "\n\tA\\"}},
      {"'\\n'", {"\\n"}},
  };
  for (const auto& [line, words] : cases) EXPECT_EQ(split_words(line).value(), words) << line;
  EXPECT_EQ(split_words("\\0").value().at(0), std::string(1, '\0'));
}

TEST(ShellWords, Errors) {
  EXPECT_EQ(split_words("a 'b").error().message, "a quote is not closed: '");
  EXPECT_EQ(split_words("\"").error().message, "a quote is not closed: \"");
  EXPECT_EQ(split_words("a\\").error().message, "the line ends in a backslash");
  EXPECT_EQ(split_words("\\x4").error().message, "\\x needs two hexadecimal digits");
}

TEST(ShellCommandLine, OptionsAnywhereAndBundled) {
  const Command ls = parse("ls /a -sR").value();
  EXPECT_EQ(ls.spec->name, "ls");
  EXPECT_TRUE(ls.has('s') && ls.has('R') && !ls.has('w'));
  EXPECT_THAT(ls.arguments, ElementsAre("/a"));
  EXPECT_EQ(parse("set -v 5 /a x").value().number('v', -1), 5);
  EXPECT_EQ(parse("set -v5 /a x").value().number('v', -1), 5);
  EXPECT_EQ(parse("set -sv -1 /a x").value().number('v', 0), -1);
  EXPECT_EQ(parse("set /a x").value().number('v', -1), -1);
  EXPECT_THAT(parse("set /a -- -v").value().arguments, ElementsAre("/a", "-v"));
  EXPECT_THAT(parse("set /a -5").value().arguments, ElementsAre("/a", "-5"));
  EXPECT_EQ(parse("exit").value().spec->name, "quit");
}

TEST(ShellCommandLine, EveryErrorNamesTheUsage) {
  const std::pair<const char*, const char*> cases[] = {
      {"lsx /", "there is no command \"lsx\"; try help"},
      {"ls", "ls: an argument is missing; usage: ls [-s] [-R] [-w] path"},
      {"ls / /", "ls: \"/\" is one argument too many; usage: "},
      {"ls -x /", "ls: there is no option -x; usage: "},
      {"ls a", "ls: the path \"a\" does not begin with a slash; usage: "},
      {"ls /a/", "ls: the path \"/a/\" ends in a slash; usage: "},
      {"ls /a//b", "ls: the path \"/a//b\" has an empty name in it; usage: "},
      {"set -v x /a b", "set: -v: \"x\" is not a whole number; usage: "},
      {"delete /a -v", "delete: -v needs a number; usage: "},
      {"whoami me", "whoami: \"me\" is one argument too many; usage: whoami"},
  };
  for (const auto& [line, message] : cases) EXPECT_THAT(parse(line).error().message, testing::StartsWith(message));
}

TEST(ShellText, Acl) {
  const auto acl = parse_acl("world:anyone:cdrwa, digest:u:h=:r ,ip:::1:w").value();
  EXPECT_THAT(acl, ElementsAre(client::AclEntry{31, "world", "anyone"}, client::AclEntry{1, "digest", "u:h="},
                               client::AclEntry{2, "ip", "::1"}));
  EXPECT_EQ(acl_text(acl), "world:anyone:cdrwa\ndigest:u:h=:r\nip:::1:w\n");
  EXPECT_EQ(parse_acl("auth::r").value().front().id, "");
  EXPECT_THAT(parse_acl("world:cdrwa").error().message, HasSubstr("is not of the form scheme:id:permissions"));
  EXPECT_THAT(parse_acl("world:anyone:x").error().message, HasSubstr("letters of cdrwa"));
  EXPECT_THAT(parse_acl("world:anyone:").error().message, HasSubstr("permits nothing"));
  EXPECT_THAT(parse_acl(" , ").error().message, HasSubstr("is empty"));
}

TEST(ShellText, PrintableKeepsTextAndEscapesTheRest) {
  EXPECT_EQ(printable("a\tb\n\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\x91"), "a\tb\n\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\x91");
  EXPECT_EQ(printable(std::string_view("\0\x1b[2J\xff\xC3", 7)), "\\x00\\x1b[2J\\xff\\xc3");
}

TEST(ShellText, Stat) {
  client::Stat stat;
  stat.czxid = Zxid(0x100000002);
  stat.ephemeral_owner = -1;
  stat.data_length = 3;
  EXPECT_THAT(stat_text(stat), HasSubstr("cZxid = 0x100000002\nctime = 1970-01-01T00:00:00.000Z\n"));
  EXPECT_THAT(stat_text(stat), HasSubstr("ephemeralOwner = 0xffffffffffffffff\ndataLength = 3\nnumChildren = 0\n"));
}

TEST(ShellText, Errors) {
  EXPECT_EQ(error_text(ErrorCode::no_node, "/a"), "/a: there is no such node");
  EXPECT_EQ(error_text(ErrorCode::session_expired, "/a"), "the session has expired");
  EXPECT_THAT(error_text(ErrorCode::request_timeout, "/a"), HasSubstr("(-122)"));
}

class ShellRunner : public testing::Test {
 protected:
  CommandResult run(const std::string& line, bool raw = false) { return run_command(parse(line).value(), access, raw); }
  std::string output(const std::string& line) {
    const CommandResult result = run(line);
    EXPECT_EQ(result.error, "") << line;
    return result.output;
  }
  FakeAccess access;
};

TEST_F(ShellRunner, ATreeOfNodes) {
  EXPECT_EQ(output("create /a one"), "Created /a\n");
  EXPECT_EQ(output("create /a/b"), "Created /a/b\n");
  output("create /a/a");
  output("create /a/a/x");
  EXPECT_EQ(output("ls /a"), "a\nb\n");
  EXPECT_EQ(output("ls -R /a"), "/a\n/a/a\n/a/a/x\n/a/b\n");
  EXPECT_THAT(output("ls -s /a"), testing::StartsWith("a\nb\ncZxid = 0x0\n"));
  EXPECT_EQ(output("get /a"), "one\n");
  EXPECT_EQ(output("set /a 'two words'"), "");
  EXPECT_EQ(output("get /a"), "two words\n");
  EXPECT_THAT(output("get -s /a"), HasSubstr("two words\ncZxid"));
  EXPECT_THAT(output("stat /a"), testing::StartsWith("cZxid"));
  EXPECT_EQ(run("delete /a").error, "/a: the node has children; deleteall removes them too");
  EXPECT_EQ(output("deleteall /a"), "Deleted 4 nodes\n");
  EXPECT_EQ(run("get /a").error, "/a: there is no such node");
  EXPECT_EQ(run("ls -R /a").error, "/a: there is no such node");
  EXPECT_EQ(run("create /x/y").error, "/x/y: its parent does not exist");
  EXPECT_EQ(run("delete -v 3 /zookeeper").error, "/zookeeper: the version is another by now");
  output("create /b");
  EXPECT_EQ(output("deleteall /"), "Deleted 1 nodes\n");
  EXPECT_TRUE(access.nodes.contains("/zookeeper"));
}

TEST_F(ShellRunner, CreateModes) {
  using client::CreateMode;
  const std::pair<const char*, CreateMode> cases[] = {
      {"", CreateMode::persistent},
      {"-e", CreateMode::ephemeral},
      {"-s", CreateMode::persistent_sequential},
      {"-es", CreateMode::ephemeral_sequential},
      {"-c", CreateMode::container},
      {"-t 500", CreateMode::persistent_with_ttl},
      {"-st500", CreateMode::persistent_sequential_with_ttl},
  };
  for (const auto& [flags, mode] : cases) {
    access.nodes.erase("/m");
    output(std::string("create ") + flags + " /m d ip:::1:r");
    EXPECT_EQ(access.last_options.mode, mode) << flags;
    EXPECT_EQ(access.last_options.ttl_ms, std::string_view(flags).find('t') == std::string_view::npos ? 0 : 500);
    EXPECT_THAT(access.last_options.acl, ElementsAre(client::AclEntry{1, "ip", "::1"}));
  }
  for (const char* bad : {"create -ec /m", "create -e -t 5 /m", "create -cs /m", "create /m d nonsense"}) {
    EXPECT_THAT(run(bad).error, testing::StartsWith("create: ")) << bad;
  }
}

TEST_F(ShellRunner, BinaryDataIsRawInPipesOnly) {
  access.nodes["/b"] = std::string("\0\xff", 2);
  EXPECT_EQ(run("get /b", true).output, std::string("\0\xff\n", 3));
  EXPECT_EQ(run("get /b", false).output, "\\x00\\xff\n");
}

TEST_F(ShellRunner, Acls) {
  output("create /a");
  output("create /a/b");
  output("setAcl -R /a world:anyone:r");
  EXPECT_EQ(output("getAcl /a/b"), "world:anyone:r\n");
  EXPECT_THAT(run("setAcl /a x").error, testing::StartsWith("setAcl: "));
  EXPECT_EQ(run("getAcl /none").error, "/none: there is no such node");
}

TEST_F(ShellRunner, Watches) {
  EXPECT_TRUE(run("ls -w /").watching);
  EXPECT_TRUE(run("get -w /").watching);
  EXPECT_FALSE(run("get /").watching);
  EXPECT_TRUE(run("stat -w /none").watching);
  EXPECT_EQ(run("stat /none").error, "/none: there is no such node");
  EXPECT_TRUE(run("watch -r /a").watching);
  EXPECT_EQ(access.watched, "/a/**");
  EXPECT_EQ(run("unwatch /a").error, "/a: there is no watch on the node");
}

TEST_F(ShellRunner, TheRest) {
  EXPECT_EQ(output("count /"), "5\n");
  EXPECT_EQ(output("sync"), "");
  EXPECT_EQ(output("ephemerals"), "/e\n");
  EXPECT_EQ(output("whoami"), "ip:::1\n");
  EXPECT_EQ(output("session"), "session 0x1\n");
  EXPECT_EQ(output("addauth digest u:p"), "");
  EXPECT_EQ(run("addauth other u").error, "the credentials were refused");
  EXPECT_TRUE(run("quit").quit);
  EXPECT_THAT(output("help get"), HasSubstr("get [-s] [-w] path\n"));
  EXPECT_THAT(run("help nope").error, HasSubstr("no command \"nope\""));
  const std::string all = output("help");
  for (const CommandSpec& spec : shell_commands()) EXPECT_THAT(all, HasSubstr(usage_of(spec)));
}

TEST(ShellCompletion, CommandsAndPaths) {
  FakeAccess access;
  access.nodes["/apple"] = access.nodes["/apple/pie"] = access.nodes["/april"] = "";
  EXPECT_THAT(complete("", "de", access), ElementsAre("delete", "deleteall"));
  EXPECT_THAT(complete("help ", "who", access), ElementsAre("whoami"));
  EXPECT_THAT(complete("ls ", "/ap", access), ElementsAre("/apple", "/april"));
  EXPECT_THAT(complete("ls -s ", "/apple/", access), ElementsAre("/apple/pie"));
  EXPECT_THAT(complete("ls ", "", access), ElementsAre("/"));
  EXPECT_THAT(complete("ls ", "x", access), IsEmpty());
  EXPECT_THAT(complete("ls ", "/none/", access), IsEmpty());
  EXPECT_THAT(complete("addauth ", "/", access), IsEmpty());
  EXPECT_THAT(complete("nonsense ", "/", access), IsEmpty());
}

}  // namespace
}  // namespace conclave::app
