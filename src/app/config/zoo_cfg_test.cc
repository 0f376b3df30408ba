#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

#include "app/config/load.h"

namespace conclave::app::zoo_cfg_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct Loaded {
  Configuration configuration;
  std::vector<std::string> errors;
  std::vector<std::string> warnings;
};

using FileMap = std::map<std::string, std::string>;

Loaded load(FileMap files) {
  const FileReader read = [&](const std::string& path) -> Result<std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return fail(ErrorKind::io, "cannot be opened: No such file or directory");
    return found->second;
  };
  Problems problems;
  Loaded out;
  out.configuration = load_zoo_cfg("zoo.cfg", read, &problems);
  for (const Problem& problem : problems.sorted()) {
    (problem.severity == Problem::Severity::error ? out.errors : out.warnings).push_back(to_string(problem));
  }
  EXPECT_EQ(problems.has_errors(), !out.errors.empty());
  return out;
}

Loaded load_text(const std::string& text, const std::string& myid = "1\n") {
  return load({{"zoo.cfg", text}, {"/d/myid", myid}});
}

constexpr char kThree[] =
    "tickTime=2000\n"
    "initLimit=10\n"
    "syncLimit=5\n"
    "dataDir=/d\n"
    "clientPort=2181\n"
    "server.1=zoo1:2888:3888\n"
    "server.2=zoo2:2888:3888\n"
    "server.3=zoo3:2888:3888\n";

TEST(ZooCfg, TheUsualFileOfThreeServersLoadsWithoutAWord) {
  const Loaded loaded = load_text(kThree, "2");
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_THAT(loaded.warnings, IsEmpty());
  const Configuration& c = loaded.configuration;
  EXPECT_EQ(c.replica.id, 2);
  EXPECT_EQ(c.replica.data_directory, "/d");
  EXPECT_EQ(c.replica.join_warning_ms, 20'000);
  EXPECT_EQ(c.replica.patience_ms, 10'000);
  EXPECT_EQ(c.sessions.tick_ms, 2'000);
  EXPECT_EQ(c.sessions.timeout_min_ms, 4'000);
  EXPECT_EQ(c.sessions.timeout_max_ms, 40'000);
  ASSERT_EQ(c.cell.members.size(), 3u);
  EXPECT_THAT(c.cell.members[2].peer_addresses, ElementsAre(env::Address{"zoo3", 2888}));
  EXPECT_EQ(c.self().id, 2);
  EXPECT_EQ(c.self().client_address, (env::Address{"", 2181}));
}

TEST(ZooCfg, TickDefaultsToZooKeepers) {
  EXPECT_EQ(load_text("dataDir=/d\n").configuration.sessions.tick_ms, 3'000);
}

// One case per key that has a meaning, each with and without the prefix "zookeeper.".
struct KeyCase {
  const char* line;
  std::function<bool(const Configuration&)> holds;
};

TEST(ZooCfg, EveryKeyWithAMeaning) {
  const KeyCase cases[] = {
      {"tickTime=500", [](auto& c) { return c.sessions.tick_ms == 500 && c.sessions.timeout_max_ms == 10'000; }},
      {"initLimit=3", [](auto& c) { return c.replica.join_warning_ms == 9'000; }},
      {"syncLimit=4", [](auto& c) { return c.replica.patience_ms == 12'000; }},
      {"dataLogDir=/log", [](auto& c) { return c.replica.journal_directory == "/log"; }},
      {"dataLogDir=/d", [](auto& c) { return c.replica.journal_directory.empty(); }},
      {"clientPort=2191", [](auto& c) { return c.clients.port == 2191 && c.self().client_address->port == 2191; }},
      {"clientPortAddress=127.0.0.1", [](auto& c) { return c.self().client_address->host == "127.0.0.1"; }},
      {"maxClientCnxns=0", [](auto& c) { return c.clients.connections_per_address_max == 0; }},
      {"maxCnxns=77", [](auto& c) { return c.clients.connections_max == 77; }},
      {"minSessionTimeout=1000", [](auto& c) { return c.sessions.timeout_min_ms == 1'000; }},
      {"minSessionTimeout=-1", [](auto& c) { return c.sessions.timeout_min_ms == 6'000; }},
      {"maxSessionTimeout=90000", [](auto& c) { return c.sessions.timeout_max_ms == 90'000; }},
      {"maxSessionTimeout=-1", [](auto& c) { return c.sessions.timeout_max_ms == 60'000; }},
      {"4lw.commands.whitelist=stat, ruok",
       [](auto& c) { return c.clients.four_letter_words == std::vector<std::string>{"stat", "ruok"}; }},
      {"4lw.commands.whitelist=*", [](auto& c) { return c.clients.four_letter_words.front() == "*"; }},
      {"autopurge.snapRetainCount=5", [](auto& c) { return c.storage.snapshots_kept == 5; }},
      {"snapCount=5000", [](auto& c) { return c.storage.snapshot_every == 5'000; }},
      {"snapSizeLimitInKb=2048", [](auto& c) { return c.storage.snapshot_bytes == 2 << 20; }},
      {"commitLogCount=600", [](auto& c) { return c.storage.entries_kept_in_memory == 600; }},
      {"preAllocSize=16384", [](auto& c) { return c.storage.segment_bytes == 16 << 20; }},
      {"fsync.warningthresholdms=50", [](auto& c) { return c.storage.slow_sync_ms == 50; }},
      {"jute.maxbuffer=4194304", [](auto& c) { return c.clients.frame_bytes_max == 4 << 20; }},
      {"jute.maxbuffer=0xfffff", [](auto& c) { return c.clients.frame_bytes_max == 1'048'575; }},
      {"globalOutstandingLimit=10", [](auto& c) { return c.clients.outstanding_max == 10; }},
      {"localSessionsEnabled=true", [](auto& c) { return c.sessions.local; }},
      {"readonlymode.enabled=true", [](auto& c) { return c.clients.read_only_mode; }},
      {"extendedTypesEnabled=false", [](auto& c) { return !c.tree.extended_types; }},
      {"reconfigEnabled=true", [](auto& c) { return c.cell.reconfig; }},
      {"znode.container.checkIntervalMs=500", [](auto& c) { return c.tree.container_check_interval_ms == 500; }},
      {"znode.container.maxPerMinute=9", [](auto& c) { return c.tree.reaped_per_check_max == 9; }},
      {"DigestAuthenticationProvider.superDigest=super:D/InIHSb7yEEbrWz8b9l71RjZJU=",
       [](auto& c) { return c.clients.super_digest == "super:D/InIHSb7yEEbrWz8b9l71RjZJU="; }},
      {"enforceQuota=true", [](auto& c) { return c.tree.enforce_quota; }},
      {"quorumListenOnAllIPs=true", [](auto& c) { return c.replica.listen_on_all_addresses; }},
      {"conclave.cell.name=prod", [](auto& c) { return c.cell.name == "prod"; }},
      {"conclave.consensus.heartbeat_ms=20", [](auto& c) { return c.consensus.heartbeat_ms == 20; }},
      {"conclave.log.level=debug", [](auto& c) { return c.log.level == "debug"; }},
  };
  for (const KeyCase& c : cases) {
    for (const char* prefix : {"", "zookeeper."}) {
      const Loaded loaded = load_text(std::string("dataDir=/d\n") + prefix + c.line + "\n");
      EXPECT_THAT(loaded.errors, IsEmpty()) << prefix << c.line;
      EXPECT_THAT(loaded.warnings, IsEmpty()) << prefix << c.line;
      EXPECT_TRUE(c.holds(loaded.configuration)) << prefix << c.line;
    }
  }
}

TEST(ZooCfg, ValuesWithAMeaningAndAWarning) {
  const Loaded upgrade = load_text("dataDir=/d\nlocalSessionsUpgradingEnabled=true\n");
  EXPECT_TRUE(upgrade.configuration.sessions.local_upgrade);
  EXPECT_THAT(
      upgrade.warnings,
      ElementsAre("zoo.cfg:2: warning: localSessionsUpgradingEnabled: has no effect while local sessions are off"));
  const Loaded skip = load_text("dataDir=/d\nskipACL=yes\n");
  EXPECT_TRUE(skip.configuration.tree.skip_acl);
  EXPECT_THAT(skip.warnings, ElementsAre("zoo.cfg:2: warning: skipACL: access control lists are not enforced"));
  EXPECT_THAT(
      load_text("dataDir=/d\nconclave.consensus.engine=raft\nconclave.consensus.learning=everyone\n").warnings,
      ElementsAre("zoo.cfg:3: warning: conclave.consensus.learning: has no effect with Raft, whose leader tells "
                  "the others what is committed"));
  EXPECT_THAT(load_text("dataDir=/d\n4lw.commands.whitelist=ruok,nope\n").warnings,
              ElementsAre("zoo.cfg:2: warning: 4lw.commands.whitelist: there is no word \"nope\""));
}

TEST(ZooCfg, AKeyWithoutMeaningIsNamedInAWarningWithItsLine) {
  for (const char* key : {"electionAlg=3",
                          "standaloneEnabled=false",
                          "autopurge.purgeInterval=24",
                          "cnxTimeout=5",
                          "leaderServes=yes",
                          "forceSync=no",
                          "admin.serverPort=8080",
                          "metricsProvider.httpPort=7000",
                          "group.1=1:2:3",
                          "weight.1=2",
                          "authProvider.1=org.example.P",
                          "multiAddress.enabled=true",
                          "syncEnabled=true",
                          "quorum.auth.enableSasl=false",
                          "ssl.keyStore.location=/k",
                          "nio.numWorkerThreads=4",
                          "portUnification=false",
                          "sslQuorum=false",
                          "clientPortListenBacklog=50",
                          "quorum.cnxn.threads.size=20",
                          "watchManagerName=x"}) {
    const Loaded loaded = load_text(std::string("dataDir=/d\n\n") + key + "\n");
    EXPECT_THAT(loaded.errors, IsEmpty()) << key;
    const std::string name(key, std::string_view(key).find('='));
    EXPECT_THAT(loaded.warnings,
                ElementsAre(HasSubstr("zoo.cfg:3: warning: " + name + " has no meaning here and is ignored: ")))
        << key;
  }
}

TEST(ZooCfg, AnUnknownKeyIsNamedToo) {
  EXPECT_THAT(load_text("dataDir=/d\nmaxClientCnxn=5\nconclave.nope=1\n").warnings,
              ElementsAre("zoo.cfg:2: warning: maxClientCnxn is ignored: no setting of this name is known",
                          "zoo.cfg:3: warning: conclave.nope is ignored: no setting of this name is known"));
}

TEST(ZooCfg, AProtectionThatIsNotOfferedIsRefused) {
  for (const char* key : {"secureClientPort=2281", "sslQuorum=true", "quorum.auth.enableSasl=true",
                          "zookeeper.sessionRequireClientSASLAuth=true", "enforce.auth.enabled=true"}) {
    EXPECT_THAT(load_text(std::string("dataDir=/d\n") + key + "\n").errors,
                ElementsAre(HasSubstr("zoo.cfg:2: error: ")))
        << key;
  }
}

TEST(ZooCfg, EveryErrorWithItsLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"tickTime=0", "tickTime: 0 is out of range, 1 to 86400000 are allowed"},
      {"tickTime=fast", "tickTime: \"fast\" is not a whole number"},
      {"initLimit=0", "initLimit: 0 is out of range, 1 to 86400000 are allowed"},
      {"clientPort=0", "clientPort: 0 is out of range, 1 to 65535 are allowed"},
      {"clientPort=65536", "clientPort: 65536 is out of range, 1 to 65535 are allowed"},
      {"maxClientCnxns=-1", "maxClientCnxns: -1 is out of range, 0 to 2147483647 are allowed"},
      {"minSessionTimeout=70000",
       "minSessionTimeout: the shortest session time-out, 70000 ms, is above the longest, 60000 ms"},
      {"maxSessionTimeout=1", "maxSessionTimeout: the shortest session time-out, 6000 ms, is above the longest, 1 ms"},
      {"autopurge.snapRetainCount=0", "autopurge.snapRetainCount: 0 is out of range, 1 to 1000 are allowed"},
      {"snapCount=1", "snapCount: 1 is out of range, 2 to 2147483647 are allowed"},
      {"jute.maxbuffer=10", "jute.maxbuffer: 10 is out of range, 1024 to 268435456 are allowed"},
      {"jute.maxbuffer=33554432",
       "jute.maxbuffer: 33554432 bytes is more than a quarter of a journal file (67108864 bytes in all)"},
      {"localSessionsEnabled=on", "localSessionsEnabled: \"on\" is neither true nor false"},
      {"peerType=leader", "peerType: \"leader\" is neither observer nor participant"},
      {"DigestAuthenticationProvider.superDigest=secret",
       "DigestAuthenticationProvider.superDigest: is not of the form user:hash, with 28 characters of base64 as the "
       "hash"},
      {"server.x=a:1:2", "server.x: the id of the server is not a number"},
      {"server.0=a:1:2", "the replica id 0 is not a number from 1 to 255"},
      {"server.256=a:1:2", "the replica id 256 is not a number from 1 to 255"},
      {"server.1=a:1",
       "server.1: \"a:1\" does not have the form host:peer:election[:role]; an IPv6 address needs "
       "brackets"},
      {"server.1=a:1:2:observer", "all members are observers: a cell needs a voter"},
      {"conclave.consensus.engine=zab", "conclave.consensus.engine: \"zab\" is none of paxos, raft"},
      {"conclave.consensus.heartbeat_ms=150",
       "conclave.consensus.heartbeat_ms: 150 ms is more than half of the shortest election time-out, 200 ms: one lost "
       "message would cost the master its lead"},
      {"conclave.consensus.tick_ms=50", "conclave.consensus.tick_ms: 50 ms is longer than a heartbeat, 30 ms"},
      {"conclave.consensus.election_timeout_min_ms=500",
       "conclave.consensus.election_timeout_min_ms: 500 ms is above the longest, 400 ms"},
      {"conclave.consensus.bytes_in_flight_max=1048576",
       "conclave.consensus.message_bytes_max: 4194304 is above consensus.bytes_in_flight_max, 1048576"},
      {"conclave.cell.name=", "conclave.cell.name: must not be empty"},
      {"dynamicConfigFile=/none", "dynamicConfigFile: /none cannot be opened: No such file or directory"},
  };
  for (const auto& [line, reason] : cases) {
    const Loaded loaded = load_text(std::string("# a comment\ndataDir=/d\n") + line + "\n");
    // An error about a value that was never written has no line to name.
    const std::string place =
        std::string_view(reason).starts_with("conclave.consensus.message") ? "zoo.cfg: " : "zoo.cfg:3: ";
    EXPECT_THAT(loaded.errors, Contains(HasSubstr(place + "error: " + reason))) << line;
  }
}

TEST(ZooCfg, AllProblemsAreListedAtOnceInTheOrderOfTheFile) {
  EXPECT_THAT(
      load_text("tickTime=x\nclientPort=y\nserver.1=z\n").errors,
      ElementsAre("zoo.cfg: error: dataDir: is required", "zoo.cfg:1: error: tickTime: \"x\" is not a whole number",
                  "zoo.cfg:2: error: clientPort: \"y\" is not a whole number",
                  HasSubstr("zoo.cfg:3: error: server.1: ")));
}

TEST(ZooCfg, MissingFile) {
  EXPECT_THAT(load({}).errors, ElementsAre("zoo.cfg: error: cannot be opened: No such file or directory"));
}

TEST(ZooCfg, MyidMustBeThereSoundAndAmongTheServers) {
  EXPECT_THAT(load({{"zoo.cfg", kThree}}).errors,
              ElementsAre("/d/myid: error: cannot be opened: No such file or directory; it must hold the N of this "
                          "replica's server.N line"));
  EXPECT_THAT(load_text(kThree, "one").errors,
              ElementsAre("/d/myid:1: error: \"one\" is not a replica id from 1 to 255"));
  EXPECT_THAT(load_text(kThree, "256").errors,
              ElementsAre("/d/myid:1: error: \"256\" is not a replica id from 1 to 255"));
  EXPECT_THAT(load_text(kThree, "4").errors, ElementsAre("/d/myid:1: error: myid: 4 is not among the members"));
}

TEST(ZooCfg, AServerAloneNeedsNoMyid) {
  const Loaded none = load({{"zoo.cfg", "dataDir=/d\nclientPort=2181\n"}});
  EXPECT_THAT(none.errors, IsEmpty());
  EXPECT_EQ(none.configuration.self().id, 1);
  const Loaded one = load({{"zoo.cfg", "dataDir=/d\nserver.7=a:1:2;2181\n"}});
  EXPECT_THAT(one.errors, IsEmpty());
  EXPECT_EQ(one.configuration.self().id, 7);
}

TEST(ZooCfg, ClientAddressOfTheServerLine) {
  const Loaded loaded = load_text("dataDir=/d\nserver.1=a:1:2;127.0.0.1:2191\n");
  EXPECT_EQ(loaded.configuration.clients.port, 2191);
  EXPECT_EQ(loaded.configuration.clients.address, "127.0.0.1");
  EXPECT_THAT(load_text("dataDir=/d\nclientPort=2181\nserver.1=a:1:2;2191\n").errors,
              ElementsAre("zoo.cfg:2: error: clientPort: 2181 differs from the client port 2191 of member 1"));
  EXPECT_THAT(
      load_text("dataDir=/d\nclientPortAddress=10.0.0.1\nserver.1=a:1:2;10.0.0.2:2191\n").errors,
      ElementsAre(
          "zoo.cfg:2: error: clientPortAddress: 10.0.0.1 differs from the client address 10.0.0.2 of member 1"));
  EXPECT_THAT(load_text("dataDir=/d\nclientPort=2181\nserver.1=a:1:2;2181\n").errors, IsEmpty());
}

TEST(ZooCfg, RepeatedKeysAndAddresses) {
  const Loaded loaded = load_text("dataDir=/d\nclientPort=1\nclientPort=2\nserver.1=a:1:2\nserver.1=b:1:2\n");
  EXPECT_EQ(loaded.configuration.clients.port, 2);
  EXPECT_THAT(loaded.configuration.cell.members.front().peer_addresses, ElementsAre(env::Address{"b", 1}));
  EXPECT_THAT(loaded.warnings,
              ElementsAre("zoo.cfg:3: warning: clientPort is given a second time (first on line 2): this one holds",
                          "zoo.cfg:5: warning: server.1 is given a second time (first on line 4): this one holds"));
  EXPECT_THAT(load_text("dataDir=/d\nserver.1=a:1:2\nserver.2=b:1:2\nserver.3=a:1:3\n").errors,
              ElementsAre("zoo.cfg:4: error: the peer address a:1 is given a second time"));
}

TEST(ZooCfg, AnEvenNumberOfVotersIsPointedOut) {
  EXPECT_THAT(load_text("dataDir=/d\nserver.1=a:1:2\nserver.2=b:1:2\n").warnings,
              ElementsAre("zoo.cfg:2: warning: 2 voters survive the loss of 0 replicas, no more than 1 voters do"));
}

TEST(ZooCfg, MoreVotersThanAnEngineCountsAreRefused) {
  std::string text = "dataDir=/d\n";
  for (int id = 1; id <= 65; ++id) text += fmt::format("server.{0}=h{0}:1:2\n", id);
  EXPECT_THAT(load_text(text).errors,
              ElementsAre("zoo.cfg:2: error: 65 voters: a cell has at most 64, and three to seven serve best"));
}

TEST(ZooCfg, PeerTypeMustAgreeWithTheServerList) {
  const std::string observer = "dataDir=/d\nserver.1=a:1:2:observer\nserver.2=b:1:2\npeerType=";
  EXPECT_THAT(load_text(observer + "observer\n").errors, IsEmpty());
  EXPECT_THAT(load_text(observer + "participant\n").errors,
              ElementsAre("zoo.cfg:4: error: peerType: participant contradicts server.1, which is a observer"));
}

TEST(ZooCfg, DynamicFile) {
  const Loaded loaded =
      load({{"zoo.cfg", "dataDir=/d\ndynamicConfigFile=/dyn\n"},
            {"/d/myid", "2"},
            {"/dyn", "server.1=a:1:2;2181\nserver.2=b:1:2;2181\nserver.3=c:1:2;2181\nversion=0\nx=1\n"}});
  EXPECT_THAT(loaded.errors, IsEmpty());
  EXPECT_THAT(loaded.warnings,
              ElementsAre("/dyn:5: warning: x is ignored in a dynamic file: only server.N stands there"));
  EXPECT_EQ(loaded.configuration.cell.members.size(), 3u);
  EXPECT_EQ(loaded.configuration.self().peer_addresses.front().host, "b");
  const Loaded twice = load({{"zoo.cfg", "dataDir=/d\nserver.1=a:1:2\ndynamicConfigFile=/dyn\n"},
                             {"/d/myid", "1"},
                             {"/dyn", "server.1=z:1:2;2181\n"}});
  EXPECT_THAT(twice.errors, ElementsAre(HasSubstr("replica 1 is named a second time")));
}

TEST(ZooCfg, CellIdentityDependsOnTheNameAlone) {
  const CellId id = load_text("dataDir=/d\n").configuration.cell_id();
  EXPECT_EQ(load_text(kThree).configuration.cell_id(), id);
  EXPECT_NE(load_text("dataDir=/d\nconclave.cell.name=other\n").configuration.cell_id(), id);
}

}  // namespace
}  // namespace conclave::app::zoo_cfg_test
