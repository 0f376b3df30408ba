// For tests: a client on its own host of a virtual world, and scripted replicas of a cell.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/chubby/client.h"
#include "client/chubby/testing_replica.h"

namespace conclave::chubby {

class ClientTest : public testing::Test {
 protected:
  static constexpr Mode kRead = {};
  static constexpr Mode kReadWrite = {.read = true, .write = true};

  ClientTest() { options.replicas = {replica.address()}; }
  ~ClientTest() override { client.reset(); }

  sim::Host& host() { return world.client(1); }
  void start() {
    const env::World env = host().env();
    client = std::make_unique<Client>(env.clock, env.executor, env.network, env.entropy, options);
    client->on_session([this](SessionEvent event) { log.emplace_back(to_string(event)); });
  }
  // A client with a session, and an open handle (number 1 at the master).
  HandleId start_with(std::string_view path, OpenOptions open = {}) {
    start();
    return open_file(path, std::move(open));
  }

  void settle(Duration time = Duration::millis(5)) { world.run_for(time); }
  bool until(const std::function<bool()>& reached, Duration limit = Duration::seconds(1)) {
    return world.run_until(reached, limit);
  }

  // The next call that arrives at the replica; an empty one if none does.
  wire::Call next_call(ScriptedReplica& at) {
    if (!until([&] { return !at.calls.empty(); })) return {};
    wire::Call call = std::move(at.calls.front());
    at.calls.pop_front();
    return call;
  }
  wire::Call next_call() { return next_call(replica); }
  bool no_call() {
    settle(Duration::millis(100));
    return replica.calls.empty();
  }
  using Fill = std::function<void(wire::Reply&)>;
  void reply(const wire::Call& call, wire::Code code = wire::OK, const Fill& fill = nullptr) {
    EXPECT_NE(call.number(), 0u) << "there was no call";
    replica.reply(call.number(), code, fill);
    settle();
  }

  static void fill_stat(wire::Stat* stat, uint64_t instance = 9, uint64_t generation = 20) {
    stat->set_instance(instance);
    stat->set_content_generation(generation);
  }
  static Fill opened(const wire::Call& call, bool cacheable = false, uint64_t instance = 9) {
    return [call, cacheable, instance](wire::Reply& reply) {
      reply.set_cacheable(cacheable);
      wire::Opened& out = *reply.mutable_opened();
      wire::Handle& handle = *out.mutable_handle();
      const wire::Open& open = call.open();
      handle.set_number(open.handle());
      handle.set_path(open.path());
      handle.set_mode(open.mode());
      handle.set_events(open.events());
      handle.set_lock_delay_ms(open.lock_delay_ms());
      handle.set_instance(instance);
      handle.set_epoch(call.epoch());
      handle.set_check_digits(4711);
      out.set_created(open.creation() == wire::Open::MUST);
      fill_stat(out.mutable_stat(), instance);
      out.mutable_stat()->set_ephemeral(open.ephemeral());
    };
  }
  static Fill contents(const std::string& text, bool cacheable, uint64_t generation = 20) {
    return [=](wire::Reply& reply) {
      reply.set_cacheable(cacheable);
      reply.mutable_contents()->set_contents(text);
      fill_stat(reply.mutable_contents()->mutable_stat(), 9, generation);
    };
  }
  static Fill acquired(uint64_t generation = 30) {
    return [=](wire::Reply& reply) {
      reply.mutable_acquired()->set_sequencer(fmt::format("conclave-lock/1 x {:x} /f", generation));
      reply.mutable_acquired()->set_generation(generation);
    };
  }
  // A good answer to whatever is asked, for tests that look at something else.
  static std::optional<wire::Reply> yes(const wire::Call& call) {
    wire::Reply reply;
    if (call.has_open()) opened(call)(reply);
    if (call.has_get_contents()) contents("text", false)(reply);
    if (call.has_acquire()) acquired()(reply);
    if (call.has_reopen()) {
      for (int i = 0; i < call.reopen().handles_size(); ++i) reply.mutable_reopened()->add_codes(wire::OK);
    }
    return reply;
  }

  // Opens and answers; `cacheable`: and lets the client keep what it learned.
  HandleId open_file(std::string_view path, OpenOptions open = {}, bool cacheable = false) {
    HandleId id;
    client->open(path, std::move(open), [&](Outcome<Opened> result) { id = result.value().handle; });
    const wire::Call call = next_call();
    EXPECT_TRUE(call.has_open());
    reply(call, wire::OK, opened(call, cacheable));
    EXPECT_NE(id, HandleId());
    return id;
  }

  // Completions that write "name: what" to the log.
  template <class T>
  Completion<T> record(std::string name) {
    return [this, name = std::move(name)](Outcome<T> result) {
      log.push_back(fmt::format("{}: {}", name, result ? text(result) : std::string(to_string(result.error().code))));
    };
  }
  EventFunction hear(std::string name) {
    return [this, name = std::move(name)](const Event& event) {
      log.push_back(fmt::format("{}: {}{}", name, to_string(event.kind), event.child.empty() ? "" : " " + event.child));
    };
  }
  static std::string text(const Outcome<void>&) { return "ok"; }
  static std::string text(const Outcome<Opened>& result) { return result->created ? "created" : "opened"; }
  static std::string text(const Outcome<Contents>& result) { return result->contents; }
  static std::string text(const Outcome<Stat>& result) { return std::to_string(result->content_generation); }
  static std::string text(const Outcome<Directory>& result) { return std::to_string(result->size()); }
  static std::string text(const Outcome<Acquired>& result) { return result->sequencer; }
  static std::string text(const Outcome<bool>& result) { return *result ? "yes" : "no"; }

  sim::World world{1};
  ScriptedReplica replica{world, 1};
  Options options;
  std::vector<std::string> log;
  std::unique_ptr<Client> client;
};

}  // namespace conclave::chubby
