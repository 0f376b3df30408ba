#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config/load.h"
#include "app/config/settings.h"

namespace conclave::app::toml_file_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Loaded {
  Configuration configuration;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

Loaded load(const std::string& text) {
  Problems problems;
  Loaded out;
  out.configuration = load_toml("conclave.toml", [&](const std::string&) { return text; }, &problems);
  for (const Problem& problem : problems.sorted()) {
    (problem.severity == Problem::Severity::error ? out.errors : out.warnings).push_back(to_string(problem));
  }
  return out;
}

constexpr char kThree[] = R"(
[cell]
name = "prod"
[[cell.members]]
id = 1
peer = "10.0.0.1:2888"
client = "10.0.0.1:2181"
[[cell.members]]
id = 2
peer = ["10.0.0.2:2888", "[fd00::2]:2888"]
[[cell.members]]
id = 3
peer = "10.0.0.3:2888"
[[cell.members]]
id = 4
peer = "10.0.0.4:2888"
voter = false
[replica]
id = 2
data_directory = "/var/lib/conclave"
)";

TEST(Toml, ACellOfThreeAndAnObserver) {
  const Loaded loaded = load(kThree);
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_THAT(loaded.warnings, ElementsAre("conclave.toml:8: warning: replica 2 has several peer addresses: only the "
                                           "first, 10.0.0.2:2888, is used"));
  const Configuration& c = loaded.configuration;
  EXPECT_EQ(c.cell.name, "prod");
  ASSERT_EQ(c.cell.members.size(), 4u);
  EXPECT_EQ(c.cell.members[0].client_address, (env::Address{"10.0.0.1", 2181}));
  EXPECT_THAT(c.self().peer_addresses, ElementsAre(env::Address{"10.0.0.2", 2888}, env::Address{"fd00::2", 2888}));
  EXPECT_FALSE(c.cell.members[3].voter);
  EXPECT_EQ(c.sessions.timeout_min_ms, 4'000);
}

// Every setting of the table can be given in TOML, with its default or a value of its own, and arrives.
TEST(Toml, EverySetting) {
  for (const Setting& setting : settings()) {
    const std::string_view section = setting.name.substr(0, setting.name.find('.'));
    const std::string_view key = setting.name.substr(section.size() + 1);
    Configuration expected;
    std::string value;
    if (const auto* integer = std::get_if<Setting::Integer>(&setting.field)) {
      (*integer)(expected) = setting.min;
      value = std::to_string(setting.min);
    } else if (const auto* boolean = std::get_if<Setting::Boolean>(&setting.field)) {
      (*boolean)(expected) ^= true;
      value = (*boolean)(expected) ? "true" : "false";
    } else if (const auto* text = std::get_if<Setting::Text>(&setting.field)) {
      (*text)(expected) = setting.choices.empty() ? "some/text" : setting.choices.back();
      value = "\"" + (*text)(expected) + "\"";
    } else {
      std::get<Setting::List>(setting.field)(expected) = {"stat"};
      value = "[\"stat\"]";
    }
    const std::string text = "[" + std::string(section) + "]\n" + std::string(key) + " = " + value + "\n";
    Configuration got = load(text).configuration;
    // What validation derives from a zero is not what is looked at here.
    if (setting.name.starts_with("sessions.timeout_")) continue;
    std::visit([&](auto field) { EXPECT_EQ(field(got), field(expected)) << text; }, setting.field);
  }
}

TEST(Toml, EveryErrorWithItsLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"[replica", "conclave.toml:1: error: not TOML: "},
      {"[sesions]\ntick_ms = 1", "conclave.toml:1: error: there is no section [sesions]"},
      {"replica = 1", "conclave.toml:1: error: replica is a section: write [replica]"},
      {"[log]\nlevl = \"info\"", "conclave.toml:2: error: there is no setting log.levl"},
      {"[log]\nlevel = \"loud\"", "conclave.toml:2: error: log.level: \"loud\" is none of debug, info, warning, error"},
      {"[log]\nlevel = 1", "conclave.toml:2: error: log.level: must be a text"},
      {"[clients]\nport = \"2181\"", "conclave.toml:2: error: clients.port: must be an integer"},
      {"[clients]\nport = 0", "conclave.toml:2: error: clients.port: 0 is out of range, 1 to 65535 are allowed"},
      {"[clients]\nread_only_mode = 1", "conclave.toml:2: error: clients.read_only_mode: must be a boolean"},
      {"[clients]\nfour_letter_words = \"*\"",
       "conclave.toml:2: error: clients.four_letter_words: must be a list of texts"},
      {"[clients]\nfour_letter_words = [1]",
       "conclave.toml:2: error: clients.four_letter_words: must be a list of texts"},
      {"[cell]\nmembers = 3", "conclave.toml:2: error: cell.members is a list of tables: write [[cell.members]]"},
      {"[cell]\nmembers = [3]", "conclave.toml:2: error: a member is a table with id, peer, client, chubby and voter"},
      {"[[cell.members]]\npeer = \"a:1\"", "conclave.toml:1: error: cell.members: id is missing"},
      {"[[cell.members]]\nid = 1", "conclave.toml:1: error: cell.members: peer is missing"},
      {"[[cell.members]]\nid = \"1\"\npeer = \"a:1\"", "conclave.toml:2: error: cell.members: id has the wrong type"},
      {"[[cell.members]]\nid = 1\npeer = \"a:1\"\nrole = 1",
       "conclave.toml:4: error: cell.members: there is no key role"},
      {"[[cell.members]]\nid = 1\npeer = \"a\"",
       "conclave.toml:3: error: cell.members: peer: \"a\" does not have the form host:port; an IPv6 address needs "
       "brackets"},
      {"[[cell.members]]\nid = 1\npeer = [1]", "conclave.toml:3: error: cell.members: peer: must be a text"},
      {"[[cell.members]]\nid = 1\npeer = \"a:1\"\nclient = \"b:0\"",
       "conclave.toml:4: error: cell.members: client: the port \"0\" is not a number from 1 to 65535"},
      {"[[cell.members]]\nid = 1\npeer = \"a:1\"\n[[cell.members]]\nid = 1\npeer = \"b:1\"",
       "conclave.toml:4: error: replica 1 is named a second time"},
      {"[[cell.members]]\nid = 1\npeer = \"a:1\"\n[[cell.members]]\nid = 2\npeer = \"b:1\"",
       "conclave.toml: error: replica.id: is required: which of the 2 members this replica is"},
      {"[replica]\nid = 2\n[[cell.members]]\nid = 1\npeer = \"a:1\"",
       "conclave.toml:2: error: replica.id: 2 is not among the members"},
      {"[sessions]\ntick_ms = 1",
       "conclave.toml: warning: sessions.timeout_min_ms: 2 ms is shorter than a change of "
       "master may take (800 ms)"},
      {"[clients]\nconnections_max = 5",
       "conclave.toml: warning: clients.connections_per_address_max: 60 is above the 5 connections allowed in all"},
  };
  for (const auto& [text, message] : cases) {
    const Loaded loaded = load(text);
    std::vector<std::string> all = loaded.errors;
    all.insert(all.end(), loaded.warnings.begin(), loaded.warnings.end());
    EXPECT_THAT(all, testing::Contains(testing::StartsWith(message))) << text;
  }
}

TEST(Toml, AnEmptyFileLacksTheDataDirectoryOnly) {
  EXPECT_THAT(load("").errors, ElementsAre("conclave.toml: error: replica.data_directory: is required"));
}

TEST(Toml, TextsThatAreNoTomlAreErrorsAndNeverEndTheProcess) {
  for (const char* text : {"[=]", "[.]", "[ +]", "[[+]]", "[\u00a1]", "\u016e = 1", "a\u016e.b = 1", "a \u0fff = 1"}) {
    EXPECT_THAT(load(text).errors, testing::Contains(testing::StartsWith("conclave.toml:1: error: "))) << text;
  }
}

}  // namespace
}  // namespace conclave::app::toml_file_test
