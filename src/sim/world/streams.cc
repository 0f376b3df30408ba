#include "sim/world/streams.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "sim/world/names.h"

namespace conclave::sim {
namespace {

constexpr Duration kShortReadGap = Duration::micros(20);
constexpr size_t kWindow = 256 << 10;  // bytes that socket buffers and the wire hold before `unsent` grows

class Stream final : public env::Stream, public ChannelEnd {
 public:
  Stream(Scheduler& scheduler, std::shared_ptr<Life> life, std::shared_ptr<Channel> channel, Channel::Side side,
         env::Address peer)
      : scheduler_(scheduler),
        life_(std::move(life)),
        channel_(std::move(channel)),
        side_(side),
        peer_(std::move(peer)) {
    channel_->attach(side_, this);
  }
  ~Stream() override {
    *alive_ = false;
    channel_->finish(side_, Error{ErrorKind::closed, "closed by the other side"});
  }

  void set_handler(env::StreamHandler* handler) override {
    handler_ = handler;
    deliver_later();
  }
  void write(Bytes bytes) override {
    if (!closing_ && !bytes.empty()) channel_->send(side_, std::move(bytes));
  }
  size_t unsent_bytes() const override {
    const size_t outstanding = channel_->outstanding(side_);
    return outstanding > kWindow ? outstanding - kWindow : 0;
  }
  void pause_reading() override { paused_ = true; }
  void resume_reading() override {
    paused_ = false;
    deliver_later();
  }
  void close_after_writes() override {
    if (closing_) return;
    closing_ = true;
    channel_->finish(side_, Error{ErrorKind::closed, "closed by the other side"});
    end_with(Error{ErrorKind::closed, "closed here"});
    received_.clear();
    paused_ = false;
    deliver_later();
  }
  const env::Address& peer() const override { return peer_; }

 private:
  void on_message(Bytes bytes) override {
    received_ += bytes;
    deliver_in_turn();
  }
  void on_end(const Error& reason) override {
    end_with(reason);
    deliver_in_turn();
  }
  void end_with(const Error& reason) {
    if (!end_) end_ = reason;
  }
  void deliver_later(Duration delay = Duration{0}) {
    if (received_.empty() && !end_) return;
    scheduler_.after(delay, [this, alive = alive_] {
      if (*alive) deliver_in_turn();
    });
  }
  // In a turn of the loop; until then bytes pile up, as in the buffer of a socket.
  void deliver_in_turn() {
    life_->enter([this, alive = alive_] {
      if (*alive) deliver();
    });
  }
  void deliver() {
    if (handler_ == nullptr || paused_ || ended_ || !life_->alive) return;
    const auto alive = alive_;
    if (!received_.empty()) {
      Bytes bytes = std::exchange(received_, Bytes());
      const size_t part = channel_->readable(side_, bytes.size());
      received_ = bytes.substr(part);
      bytes.resize(part);
      channel_->consumed(side_, part);
      handler_->on_data(bytes);
      if (!*alive || paused_ || !life_->alive) return;
      if (!received_.empty()) {
        deliver_later(kShortReadGap);
        return;
      }
    }
    if (end_ && !ended_) {
      ended_ = true;
      handler_->on_closed(*end_);
    }
  }

  Scheduler& scheduler_;
  std::shared_ptr<Life> life_;
  std::shared_ptr<Channel> channel_;
  Channel::Side side_;
  env::Address peer_;
  env::StreamHandler* handler_ = nullptr;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Bytes received_;  // waits for a handler, or for the end of a pause
  std::optional<Error> end_;
  bool paused_ = false;
  bool closing_ = false;  // no more writes: close_after_writes was called
  bool ended_ = false;    // on_closed was called
};

}  // namespace

class Network::ListenerImpl final : public env::Listener {
 public:
  ListenerImpl(Network& network, std::shared_ptr<Life> life, env::Address local)
      : network_(network), life_(std::move(life)), local_(std::move(local)) {}
  ~ListenerImpl() override {
    if (!life_->alive) return;
    const auto port = network_.ports_.extract(local_.port);
    port.mapped()->closed = true;
  }
  env::Address local() const override { return local_; }

 private:
  Network& network_;
  std::shared_ptr<Life> life_;
  env::Address local_;
};

struct Network::Attempt {
  env::Address address;
  Connected done;  // empty once called
  EventId timeout = 0;
};

Result<std::unique_ptr<env::Listener>> Network::listen(const env::Address& address, Accept accept) {
  if (!life_->alive) return fail(ErrorKind::closed, "listen " + to_string(address) + ": the process is gone");
  env::Address local{.host = host_name(life_->host), .port = address.port};
  if (!is_local(address, life_->host)) {
    return fail(ErrorKind::io, "listen " + to_string(address) + ": Cannot assign requested address");
  }
  while (local.port == 0 || (address.port == 0 && ports_.contains(local.port))) local.port = next_port_++;
  if (!ports_.emplace(local.port, std::make_shared<Port>(Port{std::move(accept)})).second) {
    return fail(ErrorKind::already_exists, "listen " + to_string(address) + ": Address already in use");
  }
  return std::make_unique<ListenerImpl>(*this, life_, local);
}

void Network::connect(const env::Address& address, Duration timeout, Connected done) {
  if (!life_->alive) return;
  auto attempt = std::make_shared<Attempt>(Attempt{.address = address, .done = std::move(done)});
  attempt->timeout = finish_after(timeout, attempt,
                                  fail(ErrorKind::timed_out, "connect " + to_string(attempt->address) + ": timed out"));
  const auto target = host_of(address.host, life_->host);
  if (!target || !hub_.hosts.contains(*target)) {
    finish_after(Duration{0}, attempt, fail(ErrorKind::not_found, "resolve " + address.host + ": unknown host"));
    return;
  }
  const Duration there = hub_.fabric.travel_time(life_->host, *target);
  hub_.scheduler.after(there, [this, attempt, host = *target, port = address.port] {
    if (life_->alive && attempt->done) knock(attempt, host, port);
  });
}

// The connection request reaches the other host. No answer at all means that the timeout decides. All this is the work
// of kernels: a process that stands still is connected to, and learns of it later.
void Network::knock(const std::shared_ptr<Attempt>& attempt, HostId target, uint16_t port) {
  const HostId self = life_->host;
  if (hub_.fabric.is_cut(self, target) || hub_.fabric.is_cut(target, self)) return;
  const StreamHub::Presence& presence = hub_.hosts[target];
  if (!presence.powered) return;
  const Duration back = hub_.fabric.travel_time(target, self);
  std::shared_ptr<Port> listening;
  if (presence.network != nullptr) {
    const auto it = presence.network->ports_.find(port);
    if (it != presence.network->ports_.end()) listening = it->second;
  }
  if (listening == nullptr) {
    finish_after(back, attempt, fail(ErrorKind::io, "connect " + to_string(attempt->address) + ": Connection refused"));
    return;
  }
  auto channel = hub_.fabric.open(self, target);
  const env::Address client{.host = host_name(self), .port = next_port_++};
  auto mine = std::make_unique<Stream>(hub_.scheduler, life_, channel, Channel::Side::first, attempt->address);
  const auto their_life = presence.network->life_;
  auto theirs = std::make_unique<Stream>(hub_.scheduler, their_life, channel, Channel::Side::second, client);
  finish_after(back, attempt, std::move(mine));
  their_life->enter([listening, stream = std::move(theirs)]() mutable {
    if (!listening->closed) listening->accept(std::move(stream));
  });
}

// Takes no time and never fails to answer.
void Network::resolve(const env::Address& address, Duration /*timeout*/, Resolved done) {
  hub_.scheduler.after(Duration{0}, [this, address, done = std::move(done)]() mutable {
    life_->enter([this, address, done = std::move(done)]() mutable {
      const auto host = host_of(address.host, life_->host);
      const bool known = host && hub_.hosts.contains(*host);
      hub_.trace.record(hub_.scheduler.now(), "resolve", life_->host.value, known ? host->value : 0);
      if (!known) return done(fail(ErrorKind::not_found, "resolve " + address.host + ": unknown host"));
      done(std::vector{env::Address{.host = host_name(*host), .port = address.port}});
    });
  });
}

void Network::crash() {
  ports_.clear();
  hub_.datagrams.host_down(life_->host);
}

EventId Network::finish_after(Duration delay, const std::shared_ptr<Attempt>& attempt,
                              Result<std::unique_ptr<env::Stream>> result) {
  return hub_.scheduler.after(delay, [this, attempt, outcome = std::move(result)]() mutable {
    life_->enter([this, attempt, moved = std::move(outcome)]() mutable { finish(attempt, std::move(moved)); });
  });
}

void Network::finish(const std::shared_ptr<Attempt>& attempt, Result<std::unique_ptr<env::Stream>> result) {
  if (!attempt->done) return;
  Connected done = std::exchange(attempt->done, Connected());
  hub_.scheduler.cancel(attempt->timeout);
  hub_.trace.record(hub_.scheduler.now(), "connect", life_->host.value, result.has_value() ? 1 : 0);
  done(std::move(result));
}

}  // namespace conclave::sim
