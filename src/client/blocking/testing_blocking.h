// For tests: clients of one cell in memory, on one loop thread.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>

#include "client/blocking/client.h"
#include "client/blocking/loop_handle.h"
#include "client/chubby/fake.h"

namespace conclave::blocking {

class BlockingTest : public testing::Test {
 protected:
  static constexpr chubby::Mode kReadWrite = {.read = true, .write = true};

  // `fake` is where to find the session of the client: to be used on the loop.
  std::unique_ptr<Client> make_client(chubby::Fake** fake) {
    return std::make_unique<Client>(loop, [&](env::Executor& executor) {
      auto made = std::make_unique<chubby::Fake>(cell, executor);
      *fake = made.get();
      return made;
    });
  }
  // Everything that was posted has run, and what that posted.
  void settle() {
    for (int turn = 0; turn < 3; ++turn) loop.handle()->run([] {});
  }
  void on_loop(const std::function<void()>& task) { loop.handle()->run(task); }
  Handle open(Client& client, std::string_view name) {
    auto opened = client.open(name, {.mode = kReadWrite, .creation = chubby::Creation::if_missing});
    EXPECT_TRUE(opened);
    return opened ? *std::move(opened) : Handle();
  }
  template <class T>
  static std::string code(const chubby::Outcome<T>& outcome) {
    return outcome ? "ok" : std::string(to_string(outcome.error().code));
  }

  chubby::FakeCell cell;
  LoopThread loop;
  chubby::Fake* fake_a = nullptr;
  chubby::Fake* fake_b = nullptr;
  std::unique_ptr<Client> a = make_client(&fake_a);
  std::unique_ptr<Client> b = make_client(&fake_b);
};

}  // namespace conclave::blocking
