#include "sim/cluster/lock_program.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/checksum.h"

namespace conclave::sim {
namespace {

using chubby::CallCode;
using chubby::Outcome;

constexpr Duration kEndPatience = Duration::seconds(2);
constexpr Duration kNewSessionPause = Duration::millis(100);
constexpr uint64_t kBurst = 20;        // reads
constexpr size_t kCallsUnderWay = 16;  // then it asks for no more, as a program does whose threads wait for answers

uint64_t seed_of(const Plan& plan, uint32_t number, uint64_t life) {
  return xxh3_64("lock client", static_cast<uint64_t>(plan.seed)) + (uint64_t{number} << 32) + life;
}

uint64_t hash_of(BytesView contents) {
  return xxh3_64(contents) | 1;
}

// It may have been done, or be done later.
bool is_unknown(const chubby::CallError& error) {
  return error.code == CallCode::session_expired || error.code == CallCode::cancelled ||
         error.code == CallCode::poisoned;
}

}  // namespace

LockProgram::LockProgram(const env::World& world, const Plan& plan, std::vector<env::Address> replicas, uint32_t number,
                         uint64_t life, LockOracles& oracles, const Scheduler& scheduler)
    : world_(world),
      plan_(plan),
      number_(number),
      oracles_(oracles),
      scheduler_(scheduler),
      random_(seed_of(plan, number, life)) {
  chubby::Options options{.replicas = std::move(replicas), .grace = plan.lock_grace};
  options.cache_locks = random_.chance(1, 4);
  options.cache_entries_max = random_.chance(1, 4) ? 2 : options.cache_entries_max;
  client_ = std::make_unique<chubby::Client>(world_.clock, world_.executor, world_.network, world_.entropy,
                                             std::move(options));
  client_->on_session([this](chubby::SessionEvent event) { on_session(event); });
  pause_then_act();
}

LockProgram::~LockProgram() {
  if (client_ != nullptr) add_figures(oracles_.figures);
  oracles_.doubts_all(number_);
}

void LockProgram::add_figures(LockFigures& figures) const {
  if (client_ == nullptr) return;
  const chubby::Figures& counted = client_->figures();
  figures.cached_reads += counted.cache_hits;
  figures.fail_overs_seen += counted.fail_overs;
  figures.datagram_leases += counted.datagram_leases;
  figures.jeopardies += counted.jeopardies;
  figures.calls_sent_again += counted.calls_sent_again;
}

void LockProgram::on_session(chubby::SessionEvent event) {
  if (event == chubby::SessionEvent::safe) return;
  oracles_.doubts_all(number_);
  if (event != chubby::SessionEvent::expired) return;
  ++oracles_.figures.expired;
  ++session_;
  readers_.clear();
  locking_ = visible_ = set_up_ = false;
  world_.executor.schedule(kNewSessionPause, [this] {
    if (client_ != nullptr && client_->session_state() == chubby::SessionState::expired) client_->restart();
  });
}

std::string LockProgram::describe() const {
  if (client_ == nullptr) return "gone";
  return fmt::format("session {} {:#x}, epoch {}, {} calls under way, set up {}, last failure: {}",
                     chubby::to_string(client_->session_state()), client_->session().value, client_->epoch(),
                     under_way_, set_up_, client_->last_failure());
}

void LockProgram::leave() {
  asking_ = false;
  client_->end(kEndPatience, [this] {  // if the cell was not told the session ends by its lease
    add_figures(oracles_.figures);
    oracles_.doubts_all(number_);
    ++session_;
    under_way_ = 0;
    client_.reset();
    gone_ = true;
  });
}

template <class T>
chubby::Completion<T> LockProgram::counted(std::move_only_function<void(Outcome<T>)> done) {
  ++under_way_;
  return [this, done = std::move(done)](Outcome<T> outcome) mutable {
    --under_way_;
    done(std::move(outcome));
  };
}

// ---------------------------------------------------------------- what it does

void LockProgram::pause_then_act() {
  const auto twice = static_cast<uint64_t>(plan_.pause_between_operations.us) * 2;
  world_.executor.schedule(Duration::micros(static_cast<int64_t>(random_.between(1, twice))), [this] {
    if (asking_ && under_way_ < kCallsUnderWay) act();
    pause_then_act();
  });
}

void LockProgram::act() {
  if (client_->session_state() == chubby::SessionState::expired) return;
  if (!std::exchange(set_up_, true)) {
    client_->open(kDirectory, {.creation = chubby::Creation::if_missing, .directory = true},
                  counted<chubby::Opened>([this, session = session_](Outcome<chubby::Opened> opened) {
                    if (opened) return close(opened->handle);
                    if (session == session_) set_up_ = false;
                  }));
    return;
  }
  if (probing_) write(file(), /*surely=*/true);
  const uint64_t what = random_.below(100);
  if (what < 60) {
    read_some();
  } else if (what < 78) {
    write(file());
  } else if (what < 82) {
    remove(file());
  } else if (what < 85) {
    appear();
  } else {
    take_lock(lock());
  }
}

void LockProgram::close(Handle handle) {
  client_->close(handle, counted<void>([](Outcome<void>) {}));
}

// ---------------------------------------------------------------- files

void LockProgram::read_some() {
  for (uint64_t n = random_.between(1, kBurst); n > 0; --n) read(file());
}

void LockProgram::read(const std::string& path) {
  const auto open = readers_.find(path);
  if (open == readers_.end()) return open_for_reading(path);
  const Handle handle = open->second;
  client_->get_contents(handle, counted<chubby::Contents>([this, begun = oracles_.files.begin(path), handle,
                                                           session = session_](Outcome<chubby::Contents> outcome) {
                          if (outcome) {
                            return oracles_.found(oracles_.files.ended_there(begun, outcome->stat.content_generation,
                                                                             hash_of(outcome->contents)));
                          }
                          const auto known = readers_.find(begun.path);
                          if (session != session_ || known == readers_.end() || known->second != handle) return;
                          readers_.erase(known);  // its node is gone
                          close(handle);
                        }));
}

void LockProgram::open_for_reading(const std::string& path) {
  client_->open(path, {.mode = {.read = true}, .events = {.contents = random_.chance(1, 2)}},
                counted<chubby::Opened>(
                    [this, begun = oracles_.files.begin(path), session = session_](Outcome<chubby::Opened> opened) {
                      if (!opened) {
                        if (opened.error().code == CallCode::no_node)
                          oracles_.found(oracles_.files.ended_absent(begun));
                        return;
                      }
                      oracles_.found(oracles_.files.ended_there(begun, opened->stat.content_generation, 0));
                      const bool keep = session == session_ && random_.chance(3, 4);
                      if (!keep || !readers_.emplace(begun.path, opened->handle).second) close(opened->handle);
                    }));
}

void LockProgram::write(const std::string& path, bool surely) {
  client_->open(path,
                {.mode = {.read = true, .write = true},
                 .creation = surely || random_.chance(1, 2) ? chubby::Creation::if_missing : chubby::Creation::never,
                 .contents = fmt::format("c{}.{} made", number_, ++writes_)},
                counted<chubby::Opened>([this, surely, begun = oracles_.files.begin(path),
                                         asked = scheduler_.now()](Outcome<chubby::Opened> opened) {
                  if (!opened) {
                    if (opened.error().code == CallCode::no_node) oracles_.found(oracles_.files.ended_absent(begun));
                    return;
                  }
                  if (opened->created) last_progress_ = std::max(last_progress_, asked);
                  oracles_.found(oracles_.files.ended_there(begun, opened->stat.content_generation, 0));
                  const bool swaps = !surely && random_.chance(1, 2);
                  write_through(opened->handle, begun.path,
                                swaps ? std::optional(opened->stat.content_generation) : std::nullopt);
                }));
}

void LockProgram::write_through(Handle handle, const std::string& path, std::optional<uint64_t> only_if) {
  const std::string contents = fmt::format("c{}.{}", number_, ++writes_);
  client_->set_contents(handle, contents, only_if,
                        counted<chubby::Stat>([this, begun = oracles_.files.begin(path), asked = scheduler_.now(),
                                               handle, content = hash_of(contents)](Outcome<chubby::Stat> stat) {
                          if (stat) {
                            last_progress_ = std::max(last_progress_, asked);
                            oracles_.found(oracles_.files.ended_there(begun, stat->content_generation, content));
                          }
                          close(handle);
                        }));
}

void LockProgram::remove(const std::string& path) {
  client_->open(path, {.mode = {.read = true, .write = true}},
                counted<chubby::Opened>([this, path](Outcome<chubby::Opened> opened) {
                  if (!opened) return;
                  client_->remove(opened->handle, counted<void>([this, begun = oracles_.files.begin_deletion(path),
                                                                 handle = opened->handle](Outcome<void> done) {
                                    const bool unknown = !done && is_unknown(done.error());
                                    if (!unknown) oracles_.files.ended_deletion(begun, done.has_value());
                                    close(handle);
                                  }));
                }));
}

// A file that says that it is alive (CH-23).
void LockProgram::appear() {
  if (std::exchange(visible_, true)) return;
  client_->open(fmt::format("/svc/p{}", number_),
                {.mode = {.read = true, .write = true}, .creation = chubby::Creation::if_missing, .ephemeral = true},
                counted<chubby::Opened>([this, session = session_](Outcome<chubby::Opened> opened) {
                  if (session != session_) return;
                  if (!opened) {
                    visible_ = false;
                    return;
                  }
                  world_.executor.schedule(Duration::millis(static_cast<int64_t>(random_.between(1, 5000))),
                                           [this, session, handle = opened->handle] {
                                             if (session != session_) return;
                                             visible_ = false;
                                             close(handle);
                                           });
                }));
}

// ---------------------------------------------------------------- locks

void LockProgram::take_lock(const std::string& path) {
  if (std::exchange(locking_, true)) return;
  chubby::OpenOptions options{.mode = {.read = true, .write = true}, .creation = chubby::Creation::if_missing};
  options.lock_delay_ms = random_.chance(1, 2) ? static_cast<uint32_t>(random_.below(3000)) : 0;
  options.events.lock_conflict = random_.chance(1, 2);
  client_->open(path, std::move(options),
                counted<chubby::Opened>([this, path, session = session_](Outcome<chubby::Opened> opened) {
                  if (session != session_) return;
                  if (!opened) {
                    locking_ = false;
                    return;
                  }
                  const Handle handle = opened->handle;
                  const bool exclusive = !random_.chance(1, 5);
                  const auto mode = exclusive ? chubby::LockMode::exclusive : chubby::LockMode::shared;
                  auto done =
                      counted<chubby::Acquired>([this, handle, path, exclusive](Outcome<chubby::Acquired> acquired) {
                        on_lock(handle, path, exclusive, std::move(acquired));
                      });
                  if (random_.chance(1, 3)) {
                    client_->try_acquire(handle, mode, std::move(done));
                    return;
                  }
                  const chubby::CallId call = client_->acquire(handle, mode, std::move(done));
                  if (!random_.chance(1, 4)) return;
                  world_.executor.schedule(Duration::millis(static_cast<int64_t>(random_.between(1, 2000))),
                                           [this, session, call] {
                                             if (session == session_) client_->cancel(call);
                                           });
                }));
}

void LockProgram::on_lock(Handle handle, const std::string& path, bool exclusive, Outcome<chubby::Acquired> outcome) {
  if (!outcome) {
    if (outcome.error().code == CallCode::session_expired) return;
    locking_ = false;
    return close(handle);
  }
  oracles_.believes(number_, path, exclusive);
  if (exclusive) return work(handle, path, outcome->sequencer);
  world_.executor.schedule(Duration::millis(static_cast<int64_t>(random_.between(1, 500))),
                           [this, handle, path, session = session_] {
                             if (session == session_) let_go(handle, path);
                           });
}

// Reads the resource that the lock guards, and writes it some time later: mostly soon, at times when its lease is over.
void LockProgram::work(Handle handle, const std::string& path, const std::string& sequencer) {
  const LockOracles::Values values = oracles_.read(path, sequencer);
  const auto most = static_cast<uint64_t>((random_.chance(1, 8) ? plan_.lock_lease * 3 : Duration::millis(100)).us);
  world_.executor.schedule(Duration::micros(static_cast<int64_t>(random_.between(1, most))),
                           [this, handle, path, sequencer, values, session = session_] {
                             oracles_.write(path, sequencer, values);
                             if (session == session_) let_go(handle, path);
                           });
}

void LockProgram::let_go(Handle handle, const std::string& path) {
  oracles_.doubts(number_, path);
  locking_ = false;
  if (random_.chance(1, 2)) return close(handle);  // releases it
  client_->release(handle, counted<void>([this, handle](Outcome<void>) { close(handle); }));
}

}  // namespace conclave::sim
