// A hand-driven loop, clock and network for tests of the client: nothing happens until the test says so.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/clock.h"
#include "env/executor.h"
#include "env/network.h"

namespace conclave::client {

class FakeLoop final : public env::Executor, public env::Clock {
 public:
  Instant now() const override { return now_; }
  int64_t wall_ms() const override { return now_.us / 1000; }
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  env::TimerId schedule(Duration delay, Task task) override {
    timers_.emplace(std::pair(now_ + delay, ++last_timer_), std::move(task));
    return last_timer_;
  }
  void cancel(env::TimerId timer) override {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.first.second == timer; });
  }

  // Runs posted tasks until there are none.
  void drain() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  // Lets time pass, running timers in order.
  void advance(Duration by) {
    const Instant until = now_ + by;
    drain();
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      now_ = std::max(now_, timers_.begin()->first.first);
      Task task = std::move(timers_.extract(timers_.begin()).mapped());
      task();
      drain();
    }
    now_ = until;
  }
  size_t timers() const { return timers_.size(); }

 private:
  Instant now_{1'000'000};
  env::TimerId last_timer_ = 0;
  std::deque<Task> tasks_;
  std::map<std::pair<Instant, env::TimerId>, Task> timers_;
};

// The server's end of a connection, as the test sees it. Outlives the stream.
struct FakeConnection {
  env::Address peer;
  env::StreamHandler* handler = nullptr;  // null: not read, or destroyed
  Bytes written;                          // by the client, not yet taken by the test
  bool destroyed = false;

  void receive(BytesView bytes) { handler->on_data(bytes); }
  void close(std::string reason) {
    if (handler != nullptr) handler->on_closed(Error{ErrorKind::closed, std::move(reason)});
  }
};

class FakeStream final : public env::Stream {
 public:
  explicit FakeStream(std::shared_ptr<FakeConnection> connection) : connection_(std::move(connection)) {}
  ~FakeStream() override {
    connection_->handler = nullptr;
    connection_->destroyed = true;
  }
  void set_handler(env::StreamHandler* handler) override { connection_->handler = handler; }
  void write(Bytes bytes) override { connection_->written += bytes; }
  size_t unsent_bytes() const override { return 0; }
  void pause_reading() override {}
  void resume_reading() override {}
  void close_after_writes() override {}
  const env::Address& peer() const override { return connection_->peer; }

 private:
  std::shared_ptr<FakeConnection> connection_;
};

class FakeNetwork final : public env::Network {
 public:
  explicit FakeNetwork(FakeLoop& loop) : loop_(loop) {}

  Result<std::unique_ptr<env::Listener>> listen(const env::Address&, Accept) override {
    return fail(ErrorKind::unsupported, "nobody listens in this test");
  }
  void connect(const env::Address& address, Duration timeout, Connected done) override {
    attempts.push_back({.address = address, .timeout = timeout, .done = std::move(done)});
  }
  void resolve(const env::Address& address, Duration, Resolved done) override {
    loop_.post([address, done = std::move(done)]() mutable { done(std::vector{address}); });
  }
  Result<std::unique_ptr<env::DatagramSocket>> open_datagrams(const env::Address&, Receive) override {
    return fail(ErrorKind::unsupported, "nobody sends datagrams in this test");
  }

  struct Attempt {
    env::Address address;
    Duration timeout;
    Connected done;
  };
  std::deque<Attempt> attempts;

  std::shared_ptr<FakeConnection> accept() {
    Attempt attempt = take();
    auto connection = std::make_shared<FakeConnection>();
    connection->peer = attempt.address;
    attempt.done(std::make_unique<FakeStream>(connection));
    loop_.drain();
    return connection;
  }
  void refuse(std::string reason) {
    take().done(fail(ErrorKind::io, std::move(reason)));
    loop_.drain();
  }

 private:
  Attempt take() {
    Attempt attempt = std::move(attempts.front());
    attempts.pop_front();
    return attempt;
  }
  FakeLoop& loop_;
};

}  // namespace conclave::client
