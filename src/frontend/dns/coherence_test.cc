// The name server on the client library, which has a cache: over a scripted replica that says what may be cached, and
// takes it back (CH-56).
#include <map>

#include "client/chubby/testing_client.h"
#include "frontend/dns/testing_server.h"

namespace conclave::frontend::dns {
namespace {

using conclave::chubby::Client;
using conclave::chubby::ClientTest;
using conclave::chubby::Options;
using conclave::chubby::ScriptedReplica;
using testing::ElementsAre;
namespace wire = conclave::chubby::wire;

class CoherenceTest : public NameServerTest {
 protected:
  static constexpr uint32_t kReplica = 9;
  static constexpr std::string_view kDirectory = "/dns/pool";  // whose files are ephemeral

  CoherenceTest() {
    replica.on_call = [this](const wire::Call& call) { return carry_out(call); };
    Options to;
    to.replicas = {replica.address()};
    const env::World env = world.host(1).env();
    client = std::make_unique<Client>(env.clock, env.executor, env.network, env.entropy, to);
    serve(*client);
  }
  ~CoherenceTest() override { server.reset(); }

  std::optional<wire::Reply> carry_out(const wire::Call& call) {
    ++calls;
    wire::Reply reply;
    if (call.has_open()) {
      const std::string& path = call.open().path();
      ++opens[path];
      reply.set_cacheable(true);
      if (path != kDirectory && !files.contains(path)) {
        reply.set_code(wire::NO_NODE);
        return reply;
      }
      names[call.open().handle()] = path;
      wire::Handle& handle = *reply.mutable_opened()->mutable_handle();
      handle.set_number(call.open().handle());
      handle.set_path(path);
      handle.set_mode(call.open().mode());
      handle.set_instance(9);
      handle.set_epoch(call.epoch());
      fill(reply.mutable_opened()->mutable_stat(), path);
    } else if (call.has_get_contents()) {
      const std::string& path = names.at(call.get_contents().handle());
      reply.set_cacheable(true);
      reply.mutable_contents()->set_contents(files.at(path));
      fill(reply.mutable_contents()->mutable_stat(), path);
    } else if (call.has_read_directory()) {
      for (const auto& [path, contents] : files) {
        if (!is_member(path)) continue;
        wire::Directory::Entry& entry = *reply.mutable_directory()->add_entries();
        entry.set_name(path.substr(kDirectory.size() + 1));
        fill(entry.mutable_stat(), path);
      }
    }
    return reply;
  }
  static bool is_member(std::string_view path) { return path.starts_with(kDirectory) && path != kDirectory; }
  void fill(wire::Stat* stat, const std::string& path) {
    stat->set_instance(9);
    stat->set_content_generation(generation);
    stat->set_directory(path == kDirectory);
    stat->set_ephemeral(is_member(path));
  }
  // As the master does: tells those who may have cached it, waits for their word, then makes the change.
  void change(const std::string& path, const std::string& contents) {
    replica.grant({ScriptedReplica::invalidation(++sequence, path)});
    ASSERT_TRUE(world.run_until(
        [&] { return !replica.keep_alives.empty() && replica.keep_alives.back().acknowledged() == sequence; },
        Duration::seconds(5)));
    files[path] = contents;
    ++generation;
  }

  ScriptedReplica replica{world, kReplica};
  std::map<std::string, std::string> files = {{"/dns/web", "A 10.0.0.0"}};
  std::map<uint64_t, std::string> names;  // of handles
  uint64_t generation = 20;
  uint64_t sequence = 0;
  size_t calls = 0;
  std::map<std::string, size_t> opens;  // at the replica, by path
  std::unique_ptr<Client> client;
};

TEST_F(CoherenceTest, CH_96_ACachedAnswerIsNeverOlderThanTheTree) {
  for (int round = 0; round < 10; ++round) {
    const auto now = ElementsAre(fmt::format("web.example.com. 0 A 0a0000{:02x}", round));
    EXPECT_THAT(answers("web.example.com"), now);
    const size_t asked = calls;
    for (int i = 0; i < 5; ++i) EXPECT_THAT(answers("web.example.com"), now);
    EXPECT_EQ(calls, asked) << "from the cache";
    change("/dns/web", fmt::format("A 10.0.0.{}", round + 1));
  }
}

TEST_F(CoherenceTest, CH_96_NorIsACachedAbsence) {
  EXPECT_THAT(answers("new.example.com"), ElementsAre("rcode 3"));
  const size_t asked = calls;
  EXPECT_THAT(answers("new.example.com"), ElementsAre("rcode 3"));
  EXPECT_EQ(calls, asked) << "from the cache (CH-97)";
  change("/dns/new", "A 10.0.0.7");
  EXPECT_THAT(answers("new.example.com"), ElementsAre("new.example.com. 0 A 0a000007"));
}

// Every handle on it would keep it alive when its owner is gone, so a member is opened for new contents alone (CH-23).
TEST_F(CoherenceTest, CH_96_AMemberIsOpenedOnceForItsContents) {
  files["/dns/pool/a"] = "A 10.0.0.1";
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(answers("a.pool.example.com"), ElementsAre("a.pool.example.com. 0 A 0a000001"));
    EXPECT_THAT(answers("pool.example.com"), ElementsAre("pool.example.com. 0 A 0a000001"));
  }
  EXPECT_EQ(opens["/dns/pool/a"], 1u);
  files["/dns/pool/a"] = "A 10.0.0.2";
  ++generation;
  EXPECT_THAT(answers("pool.example.com"), ElementsAre("pool.example.com. 0 A 0a000002"));
  EXPECT_THAT(answers("a.pool.example.com"), ElementsAre("a.pool.example.com. 0 A 0a000002"));
  EXPECT_EQ(opens["/dns/pool/a"], 2u);
  EXPECT_EQ(opens["/dns/pool"], 1u);
  files.erase("/dns/pool/a");
  EXPECT_THAT(answers("a.pool.example.com"), ElementsAre("rcode 3"));
}

// Cut off from the cell the cache may be used while the lease runs, and no longer.
TEST_F(CoherenceTest, CH_96_NothingIsAnsweredFromACacheWithoutALease) {
  EXPECT_THAT(answers("web.example.com"), ElementsAre("web.example.com. 0 A 0a000000"));
  world.partition({1}, {kReplica});
  EXPECT_THAT(answers("web.example.com"), ElementsAre("web.example.com. 0 A 0a000000"));
  world.run_for(ScriptedReplica::kLease);
  EXPECT_THAT(answers("web.example.com"), ElementsAre("rcode 2"));
  world.heal_all();
  world.run_for(Duration::seconds(10));
  files["/dns/web"] = "A 10.0.0.1";
  ++generation;
  replica.grant();
  world.run_for(Duration::seconds(1));
  EXPECT_THAT(answers("web.example.com"), ElementsAre("web.example.com. 0 A 0a000001"));
}

}  // namespace
}  // namespace conclave::frontend::dns
