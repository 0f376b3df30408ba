// For tests and fuzzers: a clock that moves when told, an executor that runs when told, and streams that show what was
// written to them. For what one object does with its environment; whole processes run in sim/world. Needs no test
// framework.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "env/clock.h"
#include "env/entropy.h"
#include "env/executor.h"
#include "env/network.h"

namespace conclave::env {

class FakeClock final : public Clock {
 public:
  Instant now() const override { return time; }
  int64_t wall_ms() const override { return 1'700'000'000'000 + time.us / 1000; }
  Instant time{1'000'000};
};

class FakeExecutor final : public Executor {
 public:
  explicit FakeExecutor(FakeClock* clock) : clock_(clock) {}
  void post(Task task) override { tasks_.push_back(std::move(task)); }
  TimerId schedule(Duration delay, Task task) override {
    timers_[{clock_->time + delay, ++last_}] = std::move(task);
    return last_;
  }
  void cancel(TimerId timer) override {
    std::erase_if(timers_, [&](const auto& entry) { return entry.first.second == timer; });
  }
  // Runs what is posted, and what that posts.
  void run() {
    while (!tasks_.empty()) {
      Task task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  // Moves the clock, running timers on the way.
  void advance(Duration by) {
    const Instant end = clock_->time + by;
    run();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      clock_->time = std::max(clock_->time, timers_.begin()->first.first);
      Task task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
      run();
    }
    clock_->time = end;
  }

 private:
  FakeClock* clock_;
  std::deque<Task> tasks_;
  std::map<std::pair<Instant, TimerId>, Task> timers_;
  TimerId last_ = 0;
};

class FakeEntropy final : public Entropy {
 public:
  Bytes bytes(size_t size) override { return Bytes(size, static_cast<char>('A' + next_++ % 26)); }
  uint64_t u64() override { return next_++; }

 private:
  uint64_t next_ = 0;
};

// The test's end of a connection.
struct Pipe {
  StreamHandler* handler = nullptr;
  Bytes received;     // by the client
  size_t writes = 0;  // calls of write
  size_t unsent = 0;  // what the stream says; with `stuck`, what was written stays there
  bool stuck = false;
  bool paused = false;
  bool closed = false;  // destroyed, or closed after writes
};

class FakeStream final : public Stream {
 public:
  FakeStream(std::shared_ptr<Pipe> pipe, Address peer) : pipe_(std::move(pipe)), peer_(std::move(peer)) {}
  ~FakeStream() override {
    pipe_->closed = true;
    pipe_->handler = nullptr;
  }
  void set_handler(StreamHandler* handler) override { pipe_->handler = handler; }
  void write(Bytes bytes) override {
    ++pipe_->writes;
    if (pipe_->stuck) pipe_->unsent += bytes.size();
    pipe_->received += bytes;
  }
  size_t unsent_bytes() const override { return pipe_->unsent; }
  void pause_reading() override { pipe_->paused = true; }
  void resume_reading() override { pipe_->paused = false; }
  void close_after_writes() override { pipe_->closed = true; }
  const Address& peer() const override { return peer_; }

 private:
  std::shared_ptr<Pipe> pipe_;
  Address peer_;
};

// Accepts what the test connects.
class FakeNetwork final : public Network {
 public:
  // A client connects. REQUIRES: somebody listens.
  std::shared_ptr<Pipe> connect(Address from) {
    auto pipe = std::make_shared<Pipe>();
    accept_(std::make_unique<FakeStream>(pipe, std::move(from)));
    return pipe;
  }

  Result<std::unique_ptr<Listener>> listen(const Address& address, Accept accept) override {
    if (refuses_to_listen) return fail(ErrorKind::io, "the address is taken");
    accept_ = std::move(accept);
    return std::make_unique<FakeListener>(address);
  }
  void connect(const Address&, Duration, Connected) override {}
  void resolve(const Address&, Duration, Resolved) override {}
  Result<std::unique_ptr<DatagramSocket>> open_datagrams(const Address& local, Receive receive) override {
    if (datagram_sockets_max-- == 0) return fail(ErrorKind::io, "the address is taken");
    receive_ = std::move(receive);
    return std::make_unique<FakeDatagramSocket>(this, local);
  }
  // A datagram comes. REQUIRES: a socket is open.
  void receive(const Address& from, BytesView bytes) { receive_(from, bytes); }

  bool refuses_to_listen = false;
  size_t datagram_sockets_max = 100;                 // more are refused
  std::vector<std::pair<Address, Bytes>> datagrams;  // that were sent, and to whom

 private:
  class FakeListener final : public Listener {
   public:
    explicit FakeListener(Address address) : address_(std::move(address)) {}
    Address local() const override { return address_; }

   private:
    Address address_;
  };
  class FakeDatagramSocket final : public DatagramSocket {
   public:
    FakeDatagramSocket(FakeNetwork* network, Address local) : network_(network), local_(std::move(local)) {}
    Result<> send(const Address& to, BytesView bytes) override {
      network_->datagrams.emplace_back(to, Bytes(bytes));
      return {};
    }
    uint64_t dropped() const override { return 0; }
    const Address& local() const override { return local_; }

   private:
    FakeNetwork* network_;
    Address local_;
  };
  Accept accept_;
  Receive receive_;
};

}  // namespace conclave::env
