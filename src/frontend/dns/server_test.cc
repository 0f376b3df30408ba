#include "frontend/dns/server.h"

#include "client/chubby/fake.h"
#include "client/chubby/recipe_presence.h"
#include "frontend/dns/testing_server.h"

namespace conclave::frontend::dns {
namespace {

using conclave::chubby::Creation;
using conclave::chubby::Fake;
using conclave::chubby::FakeCell;
using conclave::chubby::HandleId;
using conclave::chubby::Opened;
using conclave::chubby::Outcome;
using conclave::chubby::Presence;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr const char* kSoa = "example.com. 0 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 0";

class ServerTest : public NameServerTest {
 protected:
  ServerTest() {
    directory("/dns");
    serve(service);
  }
  ~ServerTest() override { server.reset(); }
  void directory(const std::string& path) { make(path, {.creation = Creation::if_missing, .directory = true}); }
  void make(const std::string& path, conclave::chubby::OpenOptions open) {
    writer.open(path, std::move(open),
                [this](const Outcome<Opened>& opened) { writer.close(opened->handle, nullptr); });
    world.run_for(Duration::millis(1));
  }
  void put(const std::string& path, const std::string& text) {
    writer.open(path, {.mode = {.write = true}, .creation = Creation::if_missing},
                [this, text](const Outcome<Opened>& opened) {
                  writer.set_contents(opened->handle, text, {}, nullptr);
                  writer.close(opened->handle, nullptr);
                });
    world.run_for(Duration::millis(1));
  }
  void remove(const std::string& path) {
    writer.open(path, {.mode = {.write = true}}, [this](const Outcome<Opened>& opened) {
      writer.remove(opened->handle, nullptr);
      writer.close(opened->handle, nullptr);
    });
    world.run_for(Duration::millis(1));
  }

  FakeCell cell;
  Fake service{cell, world.host(1).env().executor};
  Fake writer{cell, world.client(3).env().executor};
};

TEST_F(ServerTest, CH_96_RecordsOfAFile) {
  put("/dns/web", "A 10.0.0.1\nA 10.0.0.1\n300 A 10.0.0.2\nAAAA ::1\nTXT hi");
  EXPECT_THAT(answers("wEb.example.com"),
              ElementsAre("wEb.example.com. 0 A 0a000001", "wEb.example.com. 0 A 0a000002"));
  EXPECT_THAT(answers("web.example.com", Type::aaaa),
              ElementsAre("web.example.com. 0 AAAA 00000000000000000000000000000001"));
  EXPECT_THAT(answers("web.example.com", Type::txt), ElementsAre("web.example.com. 0 TXT 026869"));
  EXPECT_TRUE(ask({.name = "web.example.com"})->authoritative());
  EXPECT_EQ(server->figures().answered, 4u);
}

TEST_F(ServerTest, CH_96_ThereIsNoSuchNameOrNoSuchRecord) {
  put("/dns/web", "A 10.0.0.1");
  directory("/dns/empty");
  auto answer = ask({.name = "none.example.com"});
  EXPECT_EQ(answer->rcode(), 3);
  EXPECT_THAT(answer->authority, ElementsAre(kSoa));
  EXPECT_TRUE(answer->authoritative());
  EXPECT_EQ(ask({.name = "below.web.example.com"})->rcode(), 3);
  for (const char* name : {"web.example.com", "empty.example.com", "example.com"}) {
    answer = ask({.name = name, .type = Type::txt});
    EXPECT_EQ(answer->rcode(), 0) << name;
    EXPECT_THAT(answer->answers, IsEmpty());
    EXPECT_THAT(answer->authority, ElementsAre(kSoa)) << name;
  }
}

TEST_F(ServerTest, CH_96_WhatIsNotOurs) {
  EXPECT_EQ(ask({.name = "example.org"})->rcode(), 5);
  EXPECT_FALSE(ask({.name = "example.org"})->authoritative());
  EXPECT_EQ(ask({.name = "example.com", .klass = 3})->rcode(), 5) << "another class";
  EXPECT_EQ(ask({.name = "example.com", .type = static_cast<Type>(252)})->rcode(), 5) << "a transfer of the zone";
  EXPECT_EQ(ask({.name = "example.com", .flags = 5 << 11})->rcode(), 4) << "an update";
  send("nonsense");
  world.run_for(Duration::seconds(1));
  EXPECT_EQ(server->figures().dropped, 1u);
}

TEST_F(ServerTest, CH_96_TheApex) {
  put("/dns/@", "TXT apex");
  put("/dns/ns", "A 10.0.0.53");
  EXPECT_THAT(answers("example.com", Type::soa), ElementsAre(kSoa));
  const auto answer = ask({.name = "example.com", .type = Type::ns});
  EXPECT_THAT(answer->answers, ElementsAre("example.com. 0 NS ns.example.com."));
  EXPECT_THAT(answer->additional, ElementsAre("ns.example.com. 0 A 0a000035"));
  EXPECT_THAT(answers("example.com", Type::txt), ElementsAre("example.com. 0 TXT 0461706578"));
}

TEST_F(ServerTest, CH_96_AnyIsAnsweredByOneRecord) {
  put("/dns/web", "A 10.0.0.1\nTXT hi");
  EXPECT_THAT(answers("web.example.com", Type::any), ElementsAre("web.example.com. 0 HINFO 0752464338343832"
                                                                 "00"));
  EXPECT_THAT(answers("none.example.com", Type::any), ElementsAre("rcode 3"));
}

TEST_F(ServerTest, CH_96_ServicesAndTheirAddresses) {
  put("/dns/web1", "A 10.0.0.1\nAAAA ::1");
  put("/dns/_http", "SRV 0 10 8080 web1\nSRV 0 10 8081 web1\nSRV 1 0 80 elsewhere.org.\nSRV 1 0 80 gone");
  const auto answer = ask({.name = "_http.example.com", .type = Type::srv});
  EXPECT_THAT(answer->answers, UnorderedElementsAre("_http.example.com. 0 SRV 0 10 8080 web1.example.com.",
                                                    "_http.example.com. 0 SRV 0 10 8081 web1.example.com.",
                                                    "_http.example.com. 0 SRV 1 0 80 elsewhere.org.",
                                                    "_http.example.com. 0 SRV 1 0 80 gone.example.com."));
  EXPECT_THAT(answer->additional, ElementsAre("web1.example.com. 0 A 0a000001",
                                              "web1.example.com. 0 AAAA 00000000000000000000000000000001"));
}

// With the Presence recipe: who is there now, and nobody else.
TEST_F(ServerTest, CH_96_MembersOfADirectory) {
  directory("/dns/web");
  put("/dns/web/@", "TXT service");
  put("/dns/web/notes", "SRV 9 9 9 permanent.files.are.names.of.their.own.");
  Fake first(cell, world.client(4).env().executor);
  Fake second(cell, world.client(5).env().executor);
  Presence one(first, "/dns/web");
  Presence two(second, "/dns/web");
  one.join("a", "SRV 0 10 8080 host1", nullptr);
  two.join("b", "SRV 0 10 8080 host2", nullptr);
  world.run_for(Duration::millis(1));
  const std::string host1 = "web.example.com. 0 SRV 0 10 8080 host1.example.com.";
  const std::string host2 = "web.example.com. 0 SRV 0 10 8080 host2.example.com.";
  EXPECT_THAT(answers("web.example.com", Type::srv), UnorderedElementsAre(host1, host2));
  EXPECT_THAT(answers("web.example.com", Type::txt), ElementsAre("web.example.com. 0 TXT 0773657276696365"));
  EXPECT_THAT(answers("a.web.example.com", Type::srv), ElementsAre("a." + host1));
  EXPECT_THAT(answers("a.web.example.com", Type::srv), ElementsAre("a." + host1)) << "by its directory";
  first.expire();
  EXPECT_THAT(answers("web.example.com", Type::srv), ElementsAre(host2));
  EXPECT_THAT(answers("a.web.example.com", Type::srv), ElementsAre("rcode 3"));
  EXPECT_EQ(cell.contents("/dns/web/a"), std::nullopt) << "nobody holds it open";
  two.leave();
  EXPECT_THAT(answers("web.example.com", Type::srv), IsEmpty());
}

// Asked for by its own name first, and again and again, it ends with its owner all the same.
TEST_F(ServerTest, CH_96_NobodyKeepsAMemberAliveByAskingForIt) {
  directory("/dns/web");
  Fake owner(cell, world.client(4).env().executor);
  Presence member(owner, "/dns/web");
  member.join("a", "A 10.0.0.1", nullptr);
  world.run_for(Duration::millis(1));
  for (uint16_t id = 0; id < 50; ++id) send(bytes_of({.name = "a.web.example.com", .id = id}));
  world.run_for(Duration::millis(100));
  EXPECT_EQ(heard.size(), 50u);
  EXPECT_THAT(answers("a.web.example.com"), ElementsAre("a.web.example.com. 0 A 0a000001"));
  for (uint16_t id = 0; id < 50; ++id) send(bytes_of({.name = "a.web.example.com", .id = id}));
  owner.expire();
  world.run_for(Duration::millis(100));
  EXPECT_EQ(cell.contents("/dns/web/a"), std::nullopt);
  EXPECT_THAT(answers("a.web.example.com"), ElementsAre("rcode 3"));
}

TEST_F(ServerTest, CH_96_AZoneWithoutANodeHasItsApexAlone) {
  remove("/dns");
  EXPECT_EQ(ask({.name = "example.com"}).value().rcode(), 0);
  EXPECT_THAT(answers("example.com", Type::soa), ElementsAre(kSoa));
  EXPECT_EQ(ask({.name = "web.example.com"}).value().rcode(), 3);
}

// Each change is made, and the very next answer has it.
TEST_F(ServerTest, CH_96_AnswersAreNeverOlderThanTheTree) {
  directory("/dns/svc");
  for (int round = 0; round < 20; ++round) {
    put("/dns/web", fmt::format("A 10.0.0.{}", round));
    EXPECT_THAT(answers("web.example.com"), ElementsAre(fmt::format("web.example.com. 0 A 0a0000{:02x}", round)));
    EXPECT_THAT(answers("web.example.com"), ElementsAre(fmt::format("web.example.com. 0 A 0a0000{:02x}", round)));
    put("/dns/svc/@", fmt::format("A 10.1.0.{}", round));
    EXPECT_THAT(answers("svc.example.com"), ElementsAre(fmt::format("svc.example.com. 0 A 0a0100{:02x}", round)));
    if (round % 3 != 0) continue;
    remove("/dns/web");
    EXPECT_THAT(answers("web.example.com"), ElementsAre("rcode 3"));
    if (round % 2 == 0) continue;
    directory("/dns/web");  // the same name, another kind of node
    EXPECT_THAT(answers("web.example.com"), IsEmpty());
    remove("/dns/web");
  }
}

TEST_F(ServerTest, CH_96_InJeopardyAQueryIsAnsweredInTime) {
  put("/dns/web", "A 10.0.0.1");
  EXPECT_THAT(answers("web.example.com"), ElementsAre("web.example.com. 0 A 0a000001"));
  service.jeopardize();
  const Instant asked = world.now();
  EXPECT_THAT(answers("web.example.com"), ElementsAre("rcode 2"));
  EXPECT_GE(world.now() - asked, Duration::seconds(2));
  EXPECT_LT(world.now() - asked, Duration::millis(2'100));
  EXPECT_EQ(server->figures().timed_out, 1u);
  service.make_safe();
  EXPECT_THAT(answers("web.example.com"), ElementsAre("web.example.com. 0 A 0a000001"));
  EXPECT_EQ(server->under_way(), 0u);
}

TEST_F(ServerTest, CH_96_AShortJeopardyOnlyDelays) {
  put("/dns/web", "A 10.0.0.1");
  service.jeopardize();
  world.host(1).env().executor.schedule(Duration::seconds(1), [this] { service.make_safe(); });
  EXPECT_THAT(answers("web.example.com"), ElementsAre("web.example.com. 0 A 0a000001"));
  world.run_for(Duration::seconds(5));
  EXPECT_EQ(heard.size(), 1u) << "an answer once";
}

TEST_F(ServerTest, CH_96_AnExpiredSessionIsReplaced) {
  put("/dns/web", "A 10.0.0.1");
  answers("web.example.com");
  service.expire();
  world.run_for(Duration::millis(1));
  EXPECT_THAT(answers("web.example.com"), ElementsAre("web.example.com. 0 A 0a000001"));
}

TEST_F(ServerTest, CH_96_QueriesUnderWayAreBounded) {
  server.reset();
  options.queries_max = 3;
  serve(service);
  put("/dns/web", "A 10.0.0.1");
  service.jeopardize();
  for (uint16_t id = 0; id < 10; ++id) send(bytes_of({.name = "web.example.com", .id = id}));
  world.run_for(Duration::millis(100));
  EXPECT_EQ(heard.size(), 7u) << "at once";
  world.run_for(Duration::seconds(3));
  EXPECT_EQ(heard.size(), 10u);
  EXPECT_THAT(answers("web.example.com"), ElementsAre("rcode 2"));
  EXPECT_EQ(server->under_way(), 3u) << "what was answered for its time still occupies the client";
  EXPECT_EQ(server->figures().overloaded, 8u);
  service.make_safe();
  world.run_for(Duration::millis(1));
  EXPECT_EQ(server->under_way(), 0u);
}

TEST_F(ServerTest, CH_96_DatagramsAreCutToWhatTheClientTakes) {
  std::string many;
  for (int i = 0; i < 60; ++i) many += fmt::format("A 10.0.0.{}\n", i);  // 991 bytes
  put("/dns/web", many);
  EXPECT_TRUE(ask({.name = "web.example.com"})->truncated());
  EXPECT_TRUE(ask({.name = "web.example.com", .udp_size = 100})->truncated()) << "less than 512 is 512";
  EXPECT_EQ(ask({.name = "web.example.com", .udp_size = 1'100})->answers.size(), 60u);
  put("/dns/web", many + "TXT x\n" + "A 10.1.0.1\nA 10.1.0.2\nA 10.1.0.3\nA 10.1.0.4\nA 10.1.0.5\nA 10.1.0.6\n" +
                      "A 10.1.0.7\nA 10.1.0.8\nA 10.1.0.9\nA 10.1.1.0\nA 10.1.1.1\nA 10.1.1.2\nA 10.1.1.3\nA 10.1.1.4");
  EXPECT_TRUE(ask({.name = "web.example.com", .udp_size = 4'096}).value().truncated())
      << "more than 1,200 we do not send";
  TestConnection connection(world);
  connection.ask({.name = "web.example.com"});
  EXPECT_EQ(connection.answer()->answers.size(), 74u);
}

TEST_F(ServerTest, CH_96_MoreThanAMessageHoldsIsAFailure) {
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += fmt::format("A 10.0.{}.{}\n", i / 256, i % 256);
  put("/dns/web", many);
  TestConnection connection(world);
  connection.ask({.name = "web.example.com"});
  EXPECT_EQ(connection.answer()->rcode(), 2);
  EXPECT_EQ(server->figures().too_large, 1u);
}

TEST_F(ServerTest, CH_96_ManyQueriesOnOneConnection) {
  put("/dns/web", "A 10.0.0.1");
  TestConnection connection(world);
  Bytes all;
  for (uint16_t id = 0; id < 100; ++id) {
    const Bytes query = bytes_of({.name = "web.example.com", .id = id});
    append_u16(static_cast<uint16_t>(query.size()), &all);
    all += query;
  }
  for (const char c : all.substr(0, 50)) {
    connection.send(BytesView(&c, 1));
    world.run_for(Duration::millis(1));
  }
  connection.send(all.substr(50));
  const Instant sent = world.now();
  for (uint16_t id = 0; id < 100; ++id) {
    const auto answer = connection.answer();
    ASSERT_TRUE(answer) << id;
    EXPECT_EQ(answer->id, id);
    EXPECT_EQ(answer->answers.size(), 1u);
  }
  EXPECT_LT(world.now() - sent, Duration::millis(20)) << "reading goes on as soon as some are answered";
  connection.send(Bytes("\0\3abc", 5));
  connection.ask({.name = "web.example.com"});
  EXPECT_TRUE(connection.answer()) << "behind nonsense";
}

TEST_F(ServerTest, CH_96_ConnectionsEndWhenTheyAreNotUsed) {
  TestConnection used(world);
  TestConnection silent(world);
  silent.send("\1");
  world.run_for(Duration::seconds(6));
  silent.send("\1");
  used.ask({.name = "example.com"});
  EXPECT_TRUE(used.answer());
  EXPECT_TRUE(silent.open());
  world.run_for(Duration::seconds(6));
  EXPECT_FALSE(silent.open()) << "bytes that make no query are no use";
  EXPECT_TRUE(used.open());
}

TEST_F(ServerTest, CH_96_ConnectionsAreBounded) {
  server.reset();
  options.connections_max = 1;
  serve(service);
  TestConnection first(world);
  TestConnection second(world);
  world.run_for(Duration::seconds(1));
  EXPECT_TRUE(first.open());
  EXPECT_FALSE(second.open());
  EXPECT_EQ(server->figures().connections_refused, 1u);
}

TEST_F(ServerTest, CH_96_StopsWhenWhatIsUnderWayIsAnswered) {
  put("/dns/web", "A 10.0.0.1");
  TestConnection connection(world);
  service.jeopardize();
  connection.ask({.name = "web.example.com"});
  connection.ask({.name = "example.com", .type = Type::txt});
  send(bytes_of({.name = "web.example.com"}));
  world.run_for(Duration::millis(100));
  bool stopped = false;
  server->stop([&] { stopped = true; });
  send(bytes_of({.name = "web.example.com"}));
  world.run_for(Duration::millis(100));
  EXPECT_FALSE(stopped);
  EXPECT_EQ(heard.size(), 0u);
  service.make_safe();
  EXPECT_TRUE(connection.answer());
  EXPECT_TRUE(connection.answer());
  world.run_for(Duration::millis(100));
  EXPECT_TRUE(stopped);
  EXPECT_EQ(heard.size(), 1u) << "the later one was not taken";
  EXPECT_FALSE(connection.open());
}

TEST_F(ServerTest, CH_96_TheLongestZoneAnswers) {
  server.reset();
  options.responder.zones.push_back(*parse_zone("sub.example.com=/other"));
  options.responder.ttl = 30;
  serve(service);
  directory("/other");
  directory("/dns/sub");
  put("/dns/sub/x", "A 10.0.0.1");
  put("/other/x", "A 10.0.0.2\nSRV 0 0 1 x");
  EXPECT_THAT(answers("x.sub.example.com"), ElementsAre("x.sub.example.com. 30 A 0a000002"));
  EXPECT_THAT(answers("x.sub.example.com", Type::srv),
              ElementsAre("x.sub.example.com. 30 SRV 0 0 1 x.sub.example.com."));
}

TEST_F(ServerTest, CH_96_WhatCannotBeStarted) {
  const env::World env = world.host(1).env();
  const Server::Outside outside{
      .clock = env.clock, .executor = env.executor, .network = env.network, .service = service};
  EXPECT_FALSE(Server::start(outside, options)) << "the address is taken";
  options.listen = {sim::World::address(1, 54)};
  options.responder.zones.push_back(*parse_zone("EXAMPLE.com=/other"));
  EXPECT_EQ(Server::start(outside, options).error().message, "the zone EXAMPLE.com. is named twice");
  options.responder.zones.pop_back();
  options.responder.name_servers = {"a..b"};
  EXPECT_FALSE(Server::start(outside, options));
}

}  // namespace
}  // namespace conclave::frontend::dns
