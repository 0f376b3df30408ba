// Connections that break, masters that change or put calls off, at random: every call is carried out once, in order.
#include <map>
#include <set>

#include "client/chubby/testing_client.h"

namespace conclave::chubby {
namespace {

// A cell that remembers answers as the replicated state does (RP-02), and is unreliable in every permitted way.
class UnreliableCell {
 public:
  UnreliableCell(ScriptedReplica& replica, env::Executor& executor, uint64_t seed)
      : replica_(replica), executor_(executor), random_(seed) {
    replica_.on_call = [this](const wire::Call& call) { return answer(call); };
  }
  bool unreliable = true;
  std::vector<std::string> written;  // in order
  std::set<uint64_t> open;           // handles, in this epoch

 private:
  using Answer = std::optional<wire::Reply>;

  Answer answer(const wire::Call& call) {
    if (breaking_) return std::nullopt;
    if (unreliable && random_.chance(1, 20)) return break_connection();  // the call is lost
    EXPECT_LE(call.answered_below(), call.number());
    wire::Reply reply;
    if (call.epoch() != replica_.epoch) {
      reply.set_code(wire::WRONG_EPOCH);
      return reply;
    }
    if (call.has_reopen()) {
      for (const wire::Handle& handle : call.reopen().handles()) {
        open.insert(handle.number());
        reply.mutable_reopened()->add_codes(wire::OK);
      }
      return reply;
    }
    if (call.has_open()) {
      open.insert(call.open().handle());
      reply.mutable_opened()->mutable_handle()->set_path(call.open().path());
      return reply;
    }
    if (!call.has_set_contents()) return reply;
    EXPECT_TRUE(open.contains(call.set_contents().handle())) << "before it was presented";
    if (const auto before = answers_.find(call.number()); before != answers_.end()) return before->second;
    EXPECT_GE(call.number(), answered_below_) << "the client said that it had this answer";
    answered_below_ = std::max(answered_below_, call.answered_below());
    std::erase_if(answers_, [&](const auto& entry) { return entry.first < answered_below_; });
    const bool behind_a_refused_one = !refused_.empty() && *refused_.begin() < call.number();
    if (behind_a_refused_one || (unreliable && random_.chance(1, 15))) {
      refused_.insert(call.number());
      reply.set_code(random_.chance(1, 2) ? wire::BUSY : wire::UNAVAILABLE);
      return reply;
    }
    refused_.erase(call.number());
    written.push_back(call.set_contents().contents());
    answers_[call.number()] = reply;
    if (unreliable && random_.chance(1, 20)) return break_connection();  // the answer is lost
    return reply;
  }
  Answer break_connection() {
    breaking_ = true;
    executor_.post([this] {
      breaking_ = false;
      replica_.disconnect();
      if (!random_.chance(1, 3)) return;
      ++replica_.epoch;
      open.clear();
    });
    return std::nullopt;
  }

  ScriptedReplica& replica_;
  env::Executor& executor_;
  Random random_;
  std::map<uint64_t, wire::Reply> answers_;
  std::set<uint64_t> refused_;
  uint64_t answered_below_ = 0;
  bool breaking_ = false;
};

TEST(RandomCalls, EachIsCarriedOutOnceAndInOrder) {  // RP-02, CH-73, CH-77
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    sim::World world(seed);
    ScriptedReplica replica(world, 1);
    replica.answers_keep_alives = true;
    const env::World env = world.client(1).env();
    UnreliableCell cell(replica, world.host(1).env().executor, seed);
    Options options;
    options.replicas = {replica.address()};
    options.calls_max = 1 + seed % 20;
    Client client(env.clock, env.executor, env.network, env.entropy, options);
    HandleId file;
    client.open("/f", {.mode = {.read = true, .write = true}}, [&](Outcome<Opened> opened) { file = opened->handle; });
    ASSERT_TRUE(world.run_until([&] { return file != HandleId(); }, Duration::seconds(10)));
    std::vector<std::string> expected;
    size_t answered = 0;
    size_t failed = 0;
    for (int i = 0; i < 200; ++i) {
      expected.push_back(std::to_string(i));
      client.set_contents(file, expected.back(), {}, [&](const Outcome<Stat>& done) { ++(done ? answered : failed); });
      world.run_for(Duration::micros(static_cast<int64_t>(world.random().below(3'000))));
    }
    world.run_for(Duration::seconds(5));
    cell.unreliable = false;
    EXPECT_TRUE(world.run_until([&] { return answered + failed == 200; }, Duration::seconds(60)));
    EXPECT_EQ(failed, 0u);
    EXPECT_EQ(cell.written, expected);
    EXPECT_EQ(client.figures().violations, 0u);
    EXPECT_GT(client.figures().calls_sent_again, 0u);
    EXPECT_EQ(client.session_state(), SessionState::safe);
  }
}

}  // namespace
}  // namespace conclave::chubby
