// The format of scenarios, its errors, and what no script may hide.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/scenario/command.h"
#include "sim/scenario/interpreter.h"

namespace conclave::sim::scenario {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// What the script prints, step by step; or the error.
std::vector<Output> outputs(std::string_view text) {
  const auto script = parse_script(text);
  if (!script) return {{"error: " + script.error().message}};
  const auto result = run(*script);
  if (!result) return {{"error: " + result.error().message}};
  std::vector<Output> out;
  for (const Step& step : result->steps) out.push_back(step.output);
  return out;
}

std::string error_of(std::string_view text) {
  const auto out = outputs(text);
  return out.at(0).at(0).starts_with("error: ") ? out[0][0] : "no error";
}

TEST(Script, IsWrittenAsItWasRead) {
  const std::string text = "# why\n\nengine\n----\nok\n\n# more\nstate\n  # within\nstate\n----\na\nb\n\n# after\n";
  const auto script = parse_script(text);
  ASSERT_TRUE(script);
  ASSERT_EQ(script->steps.size(), 2u);
  EXPECT_EQ(script->steps[0].output_line, 5u);
  EXPECT_THAT(script->steps[1].output, ElementsAre("a", "b"));
  EXPECT_EQ(to_text(*script), text);
}

TEST(Script, ErrorsNameTheLine) {
  EXPECT_EQ(parse_script("----\n").error().message, "line 1: ---- without a command");
  EXPECT_EQ(parse_script("engine\n\nstate\n----\n").error().message, "line 2: the commands before it have no ----");
  EXPECT_EQ(parse_script("engine\nstate").error().message, "line 2: the last commands have no ----");
}

TEST(Script, DifferencesHavePlaceAndLines) {
  const auto expected = parse_script("engine\nstate\n----\na\nb\nc\n\nstate\n----\nx\n");
  auto actual = *expected;
  actual.steps[0].output = {"a", "new", "c"};
  EXPECT_EQ(difference("f.txt", *expected, actual), "f.txt:4: state\n      a\n    - b\n    + new\n      c\n");
  EXPECT_EQ(difference("f.txt", *expected, *expected), "");
}

TEST(Engines, AreNamedByTheScriptOrLeftOpen) {
  const auto is_for_raft = [](std::string_view text) {
    return is_for(*parse_script(text), consensus::EngineKind::raft);
  };
  EXPECT_TRUE(is_for_raft("cell\ncheck\n----\n"));
  EXPECT_TRUE(is_for_raft("engines paxos raft\ncell\ncheck\n----\n"));
  EXPECT_FALSE(is_for_raft("engines paxos\ncell\ncheck\n----\n"));
  EXPECT_FALSE(is_for_raft("cell engine=raft\ncheck\n----\n")) << "as it is written it runs on Raft already";
  EXPECT_FALSE(is_for_raft("engine raft\n----\n"));
  EXPECT_TRUE(is_for_raft("for n in 1..2\nquiet cell seed=$n\ncheck\nend\n----\n"));
  EXPECT_THAT(error_of("engines paxos zab\ncell\ncheck\n----\n"), HasSubstr("line 1"));
  EXPECT_THAT(error_of("engines\ncell\ncheck\n----\n"), HasSubstr("engines: which?"));
  EXPECT_THAT(error_of("engine\nengines paxos\n----\n"), HasSubstr("before anything else"));
}

TEST(CommandLine, WordsAndSettings) {
  Command command("client a set /x=1 v version=3 limit=2s");
  EXPECT_TRUE(command.take("client"));
  EXPECT_EQ(command.word(), "a");
  EXPECT_FALSE(command.take("get"));
  EXPECT_EQ(command.word(), "set");
  EXPECT_EQ(command.word(), "/x=1");
  EXPECT_EQ(command.number("version", -1), 3);
  EXPECT_EQ(command.number("absent", -1), -1);
  EXPECT_EQ(command.finished().error().message, "\"v\" is one word too many");
  command.word();
  EXPECT_EQ(command.finished().error().message, "there is no setting \"limit\" here");
  EXPECT_EQ(command.duration("limit", {}), Duration::seconds(2));
  EXPECT_TRUE(command.finished());
  EXPECT_THAT(*parse_numbers("2..4,9"), ElementsAre(2, 3, 4, 9));
  EXPECT_EQ(parse_numbers("4..2").error().message, "\"4..2\" goes backwards");
  EXPECT_EQ(parse_numbers("1,x").error().message, "\"x\" is not a whole number");
}

TEST(Interpreter, ErrorsOfCommandsNameTheLine) {
  EXPECT_THAT(error_of("state\n----\n"), HasSubstr("line 1: "));
  EXPECT_THAT(error_of("engine\nstate\nfly\n----\n"), HasSubstr("line 3: engines know no command \"fly\""));
  EXPECT_THAT(error_of("engine replicas=9\n----\n"), HasSubstr("line 1: replicas: 2 to 5"));
  EXPECT_THAT(error_of("cell replicas=9\n----\n"), HasSubstr("line 1: replicas 9: out of bounds"));
  EXPECT_THAT(error_of("cell\nuntil serving limits=1s\n----\n"), HasSubstr("no setting \"limits\" here"));
  EXPECT_THAT(error_of("cell\na get /x\n----\n"), HasSubstr("cells know no command \"a\""));
  EXPECT_THAT(error_of("cell\nclient a\na fly /x\n----\n"), HasSubstr("line 3: clients know no request \"fly\""));
  EXPECT_THAT(error_of("cell\ndisk 1 fail sync with=luck\n----\n"), HasSubstr("with=luck: expected eio"));
  EXPECT_THAT(error_of("cell\ndisk 1 lose x\n----\n"), HasSubstr("does not run"));
  EXPECT_THAT(error_of("cell\nkill 1\ndisk 1 lose x\n----\n"), HasSubstr("there is no file \"x...\""));
  EXPECT_THAT(error_of("cell\ndisk 1 flip newest:journal/ text=no\n----\n"), HasSubstr("does not hold \"no\""));
  EXPECT_THAT(error_of("for n in 1..2\n  engine\n----\n"), HasSubstr("for without end"));
  EXPECT_THAT(error_of("for n in 1..2\n  engine\n  fly\nend\n----\n"), HasSubstr("line 3: engines know no"));
}

TEST(Interpreter, CommandsThatCannotBeAreRefused) {
  const auto refused = [](const std::string& commands) { return error_of("cell\n" + commands + "\ncheck\n----\n"); };
  EXPECT_THAT(refused("clock 1 ppm=-1000000"), HasSubstr("ppm: from"));
  EXPECT_THAT(refused("half-open 1-1"), HasSubstr("\"1-1\" is no link"));
  EXPECT_THAT(refused("kill 1..4"), HasSubstr("\"4\" is no replica"));
  EXPECT_THAT(refused("client a\nstop a"), HasSubstr("a cannot be asked to stop"));
  EXPECT_THAT(refused("power-cut 1 torn=3"), HasSubstr("torn: 512 or 4096"));
  EXPECT_THAT(refused("power-cut 1 survive=101"), HasSubstr("survive: from 0 to 100"));
  EXPECT_THAT(refused("disk 1 flip newest:journal/ at=5 bits=0"), HasSubstr("bits: from 1"));
  EXPECT_THAT(refused("until"), HasSubstr("until what?"));
  for (const std::string name : {"run", "disk", "master", "serving", "1", "A"}) {
    EXPECT_THAT(refused("client " + name), HasSubstr("a name of letters that is no command")) << name;
  }
  EXPECT_THAT(refused("client a\nclient a"), HasSubstr("there is a client a"));
  EXPECT_THAT(refused("client a\na create /x version=3"), HasSubstr("no setting \"version\" here"));
  EXPECT_THAT(refused("client a\na create /x size=-1"), HasSubstr("at most 1 MiB"));
  EXPECT_THAT(refused("client a\na multi"), HasSubstr("multi: of what?"));
}

// A step that cannot be taken is told like a broken promise: what follows may still show why.
TEST(Interpreter, WhatDoesNotComeAboutIsNoErrorOfTheScript) {
  const auto out = outputs("engine\ndeliver 1->2\nrestart 1\nwritten 1\n----\n").at(0);
  ASSERT_EQ(out.size(), 3u);
  for (const std::string& line : out) EXPECT_THAT(line, testing::StartsWith("NOT possible: "));
}

TEST(Interpreter, ACellHasToBeChecked) {
  EXPECT_THAT(error_of("cell\nrun 1s\n----\n"), HasSubstr("a cell ends with \"check\""));
  EXPECT_THAT(error_of("cell\ncheck\nrun 1s\nengine\n----\n"), HasSubstr("a cell ends with \"check\""));
  EXPECT_THAT(outputs("cell\ncheck\n----\n").at(0).at(0), HasSubstr("ok: 0 operations"));
}

TEST(Interpreter, EqualOutputsOfALoopAreShownOnce) {
  const auto out = outputs("for n in 2..4\n  engine replicas=$n\n  quiet timeout 1\n  tick 1\nend\n----\n");
  EXPECT_THAT(out, ElementsAre(ElementsAre("n = 2..4:", HasSubstr("nothing changes"))));
}

TEST(Interpreter, EqualScriptsPrintTheSame) {
  const std::string_view script =
      "cell replicas=5 seed=9 clients=3\nrun 1s\nkill master\nrun 5s\nstart *\nload ends\nuntil agreed\nstatus\n"
      "check\n----\n";
  EXPECT_EQ(outputs(script), outputs(script));
  EXPECT_GT(outputs(script).at(0).size(), 5u);
}

// What was waited for and did not come is told in spite of "quiet", and so is what is wrong.
TEST(Interpreter, QuietHidesNothingThatIsWrong) {
  const auto out = outputs("cell replicas=2\nkill *\nquiet until serving within=1s\nquiet check\n----\n");
  EXPECT_THAT(out, ElementsAre(ElementsAre("NOT serving within 1s")));
}

}  // namespace
}  // namespace conclave::sim::scenario
