#include "sim/cluster/lock_stranger.h"

#include <utility>

#include "base/checksum.h"

namespace conclave::sim {
namespace {

using client::ErrorCode;
using client::Outcome;

constexpr Duration kClosePatience = Duration::seconds(2);
constexpr uint64_t kReadPercent = 60;
constexpr uint64_t kWritePercent = 25;
constexpr uint64_t kCreatePercent = 10;

// The deletion was surely not done, and never will be.
bool is_refused(ErrorCode error) {
  return error == ErrorCode::no_node || error == ErrorCode::not_empty || error == ErrorCode::no_auth;
}

uint64_t hash_of(BytesView contents) {
  return xxh3_64(contents) | 1;
}

uint64_t generation_of(const client::Stat& stat) {
  return stat.mzxid.value;
}

}  // namespace

LockStranger::LockStranger(const env::World& world, const Plan& plan, std::vector<env::Address> servers,
                           LockOracles& oracles)
    : world_(world),
      plan_(plan),
      servers_(std::move(servers)),
      oracles_(oracles),
      random_(xxh3_64("lock stranger", static_cast<uint64_t>(plan.seed))) {
  open_session();
  pause_then_act();
}

void LockStranger::open_session() {
  under_way_ = 0;
  client_ = std::make_unique<client::Client>(
      world_.clock, world_.executor, world_.network,
      client::Options{.servers = servers_, .session_timeout = plan_.session_timeout, .seed = random_.u64()});
  client_->start([this](client::SessionState state) {
    if (state == client::SessionState::connected) oracles_.strangers.insert(client_->session());
    if (state != client::SessionState::expired) return;
    world_.executor.post([this] {
      if (client_ != nullptr && client_->state() == client::SessionState::expired) open_session();
    });
  });
}

void LockStranger::leave() {
  asking_ = false;
  client_->close(kClosePatience, [this] {
    world_.executor.post([this] {
      under_way_ = 0;
      client_.reset();
    });
  });
}

template <class T>
client::Completion<T> LockStranger::counted(std::move_only_function<void(Outcome<T>)> done) {
  ++under_way_;
  return [this, done = std::move(done)](Outcome<T> outcome) mutable {
    --under_way_;
    done(std::move(outcome));
  };
}

void LockStranger::pause_then_act() {
  const auto twice = static_cast<uint64_t>(plan_.pause_between_operations.us) * 2;
  world_.executor.schedule(Duration::micros(static_cast<int64_t>(random_.between(1, twice))), [this] {
    if (asking_) act();
    pause_then_act();
  });
}

void LockStranger::act() {
  const std::string path = "/svc/f" + std::to_string(random_.below(static_cast<uint64_t>(plan_.keys)));
  const uint64_t what = random_.below(100);
  if (what < kReadPercent) {
    read(path);
  } else if (what < kReadPercent + kWritePercent) {
    write(path);
  } else if (what < kReadPercent + kWritePercent + kCreatePercent) {
    create(path);
  } else {
    remove(path);
  }
}

// A read may be old, but not older than a sync before it.
void LockStranger::read(const std::string& path) {
  auto synced = std::make_shared<bool>(false);
  client_->sync(path, counted<void>([synced](Outcome<void> done) { *synced = done.has_value(); }));
  client_->get(
      path, nullptr,
      counted<client::NodeData>([this, synced, begun = oracles_.files.begin(path)](Outcome<client::NodeData> found) {
        if (!*synced) return;
        if (found) {
          oracles_.found(oracles_.files.ended_there(begun, generation_of(found->stat), hash_of(found->data)));
        } else if (found.error() == ErrorCode::no_node) {
          oracles_.found(oracles_.files.ended_absent(begun));
        }
      }));
}

void LockStranger::write(const std::string& path) {
  const std::string contents = "stranger " + std::to_string(++writes_);
  client_->set(path, contents, client::kAnyVersion,
               counted<client::Stat>(
                   [this, begun = oracles_.files.begin(path), content = hash_of(contents)](Outcome<client::Stat> stat) {
                     if (stat) oracles_.found(oracles_.files.ended_there(begun, generation_of(*stat), content));
                   }));
}

// What was known to be absent is there.
void LockStranger::create(const std::string& path) {
  const std::string contents = "stranger " + std::to_string(++writes_);
  client_->create(path, contents, {},
                  counted<client::Created>([this, begun = oracles_.files.begin(path),
                                            content = hash_of(contents)](Outcome<client::Created> created) {
                    if (created)
                      oracles_.found(oracles_.files.ended_there(begun, client_->reply_zxid().value, content));
                  }));
}

void LockStranger::remove(const std::string& path) {
  client_->remove(path, client::kAnyVersion,
                  counted<void>([this, begun = oracles_.files.begin_deletion(path)](Outcome<void> done) {
                    if (done || is_refused(done.error())) oracles_.files.ended_deletion(begun, done.has_value());
                  }));
}

}  // namespace conclave::sim
