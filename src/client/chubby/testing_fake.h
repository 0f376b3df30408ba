// For tests: two sessions with a fake cell, in a virtual world.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "client/chubby/fake.h"
#include "sim/world/world.h"

namespace conclave::chubby {

class FakeTest : public testing::Test {
 protected:
  static constexpr Mode kReadWrite = {.read = true, .write = true};

  FakeTest() {
    a.on_session([this](SessionEvent event) { log.push_back(fmt::format("a: {}", to_string(event))); });
  }
  void settle() { world.run_for(Duration::millis(1)); }
  // The result of one call.
  template <class T, class Ask>
  Outcome<T> get(Ask ask, T /*kind*/) {
    Outcome<T> out = failed(CallCode::unknown, "no answer");
    ask(Completion<T>([&](Outcome<T> result) { out = std::move(result); }));
    settle();
    return out;
  }
  Outcome<Opened> open(LockService& service, std::string_view name, OpenOptions options) {
    return get([&](auto done) { service.open(name, std::move(options), std::move(done)); }, Opened());
  }
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
  static std::string text(const Outcome<Contents>& result) { return result->contents; }
  static std::string text(const Outcome<Stat>&) { return "stat"; }
  static std::string text(const Outcome<Acquired>& result) { return result->sequencer; }
  static std::string text(const Outcome<std::string>& result) { return *result; }
  static std::string text(const Outcome<uint64_t>& result) { return std::to_string(*result); }
  static std::string text(const Outcome<bool>& result) { return *result ? "yes" : "no"; }

  sim::World world{1};
  env::Executor& executor = world.client(1).env().executor;
  FakeCell cell;
  std::vector<std::string> log;
  Fake a{cell, executor};
  Fake b{cell, executor};
};

}  // namespace conclave::chubby
