// For tests: a gateway over fake sessions with one fake cell, a scripted clock, and clients that are strings.
#pragma once

#include <deque>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/chubby/fake.h"
#include "env/testing_fakes.h"
#include "gateway/gateway.h"

namespace conclave::gateway {

// What becomes of a session with the cell.
struct CellSessionRecord {
  chubby::Fake* fake = nullptr;
  Instant lease_end{0};
  std::vector<chubby::Credential> credentials;
  bool ended = false;    // in order
  bool dropped = false;  // destroyed
};

class FakeCellSession final : public CellSession {
 public:
  FakeCellSession(chubby::FakeCell& cell, env::Executor& executor, CellSessionRecord* record)
      : executor_(executor), fake_(cell, executor), record_(record) {
    record_->fake = &fake_;
  }
  ~FakeCellSession() override {
    record_->dropped = true;
    record_->fake = nullptr;
  }
  chubby::LockService& service() override { return fake_; }
  Instant lease_end() const override { return record_->lease_end; }
  void end(Task done) override {
    record_->ended = true;
    fake_.expire();
    executor_.post(std::move(done));
  }

 private:
  env::Executor& executor_;
  chubby::Fake fake_;
  CellSessionRecord* record_;
};

class TestStream final : public ClientStream {
 public:
  void send(api::SessionReply reply) override {
    EXPECT_FALSE(over) << "sent to a stream that was closed";
    if (reply.has_begun()) {
      token = reply.begun().session();
      log.emplace_back(reply.begun().resumed() ? "resumed" : "begun");
    } else if (reply.has_lease()) {
      log.push_back(fmt::format("lease {} {} ms", reply.lease().number(), reply.lease().lease_us() / 1000));
    } else if (reply.has_event()) {
      const api::Event& event = reply.event();
      log.push_back(
          fmt::format("event {} {} of {}", event.sequence(), api::Event::Kind_Name(event.kind()), event.handle()));
    } else {
      log.push_back(fmt::format("ended {}", name_of(reply.ended().reason())));
    }
  }
  void close(const Failure* why) override {
    EXPECT_FALSE(over) << "closed twice";
    over = true;
    log.push_back(why == nullptr ? "closed" : fmt::format("closed {}", name_of(why->code)));
  }
  std::vector<std::string> take() { return std::exchange(log, {}); }

  std::vector<std::string> log;
  std::string token;
  bool over = false;
};

class GatewayTest : public testing::Test {
 protected:
  static constexpr Duration kLease = Duration::seconds(12);

  explicit GatewayTest(const Settings& settings = {}) : settings_(settings) {
    gateway = std::make_unique<Gateway>(
        clock, executor, entropy,
        [this](std::vector<chubby::Credential> credentials) {
          CellSessionRecord& record = cell_sessions.emplace_back();
          record.credentials = std::move(credentials);
          record.lease_end = clock.time + kLease;
          auto session = std::make_unique<FakeCellSession>(cell, executor, &record);
          if (unreachable) {
            record.fake->expire();  // its calls fail
            executor.run();
          }
          return session;
        },
        settings_);
  }

  void settle() { executor.run(); }
  // The clock goes on, and nothing of ours runs: the process was stopped.
  void stand_still(Duration time) { clock.time = clock.time + time; }
  // Leases of the cell run for their whole length from now.
  void renew() {
    for (CellSessionRecord& record : cell_sessions) record.lease_end = clock.time + kLease;
  }

  void begin(TestStream& on, const std::string& token = {}) {
    api::SessionRequest request;
    request.mutable_begin()->set_session(token);
    gateway->on_request(on, request);
    settle();
  }
  void keep_alive(TestStream& on, uint64_t number, uint64_t acknowledged = 0) {
    api::SessionRequest request;
    request.mutable_keep_alive()->set_number(number);
    request.mutable_keep_alive()->set_acknowledged_event(acknowledged);
    gateway->on_request(on, request);
    settle();
  }
  void end(TestStream& on) {
    api::SessionRequest request;
    request.mutable_end();
    gateway->on_request(on, request);
    settle();
  }

  // Begins a call; its answer goes to `answers`.
  template <class Request>
  CallRef ask(const TestStream& client, Request request, uint64_t number = 0, uint64_t answered_below = 0) {
    request.mutable_call()->set_session(client.token);
    request.mutable_call()->set_number(number);
    request.mutable_call()->set_answered_below(answered_below);
    return gateway->call(request, [this](const Answer& answer) {
      answers.push_back(answer ? std::string((*answer)->GetDescriptor()->name())
                               : std::string(name_of(answer.error().code)));
      if (answer) last = *answer;
    });
  }
  template <class Reply>
  const Reply& reply() const {
    return dynamic_cast<const Reply&>(*last);
  }
  // A handle on a file that is made, for everything.
  uint64_t open(const TestStream& client, const std::string& name, uint64_t number) {
    api::OpenRequest request;
    request.set_name(name);
    request.set_read(true);
    request.set_write(true);
    request.set_change_acl(true);
    request.set_contents_events(true);
    request.set_conflict_events(true);
    request.set_creation(api::OpenRequest::IF_MISSING);
    ask(client, request, number);
    settle();
    EXPECT_EQ(take_answers(), "OpenReply ");
    return reply<api::OpenReply>().handle();
  }
  template <class Request>
  static Request of(uint64_t handle) {
    Request out;
    out.set_handle(handle);
    return out;
  }
  std::string take_answers() {
    std::string out;
    for (const std::string& answer : std::exchange(answers, {})) out += answer + " ";
    return out;
  }

  const Settings settings_;
  env::FakeClock clock;
  env::FakeExecutor executor{&clock};
  env::FakeEntropy entropy;
  chubby::FakeCell cell;
  bool unreachable = false;
  std::deque<CellSessionRecord> cell_sessions;
  std::vector<std::string> answers;
  std::shared_ptr<const google::protobuf::Message> last;
  TestStream stream;
  TestStream other;
  std::unique_ptr<Gateway> gateway;  // last: it is destroyed before what it uses
};

}  // namespace conclave::gateway
