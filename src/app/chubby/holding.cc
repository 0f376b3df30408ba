#include "app/chubby/holding.h"

#include <fmt/format.h>
#include <signal.h>
#include <utility>

namespace conclave::app {

using chubby::Acquired;
using chubby::CallCode;
using chubby::CallError;
using chubby::Event;
using chubby::EventKind;
using chubby::LockMode;
using chubby::Opened;
using chubby::OpenOptions;
using chubby::Outcome;
using chubby::SessionEvent;

Holder::Holder(CellRun& run, HoldOptions options) : run_(run), options_(std::move(options)) {
  run_.service().on_session([this](SessionEvent event) { on_session(event); });
  run_.world().on_signal({SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH},
                         [this](int number) { on_signal(number); });
  run_.world().on_signal({SIGCHLD}, [this](int) {
    if (command_ != nullptr) command_->wake_if_stopped();
  });
}

void Holder::got(const std::string& sequencer) {
  if (over_) return;
  std::string servers;
  for (const env::Address& server : run_.options().servers) {
    servers += (servers.empty() ? "" : ",") + env::to_string(server);
  }
  auto started = HeldCommand::start(run_.world().loop(),
                                    {.arguments = options_.command,
                                     .environment = {{"CONCLAVE_SEQUENCER", sequencer},
                                                     {"CONCLAVE_LOCK", options_.name},
                                                     {"CONCLAVE_SERVERS", servers}}},
                                    [this](int code) { on_exit(code); });
  if (!started) {
    run_.complain(started.error().message);
    return on_exit(started.error().kind == ErrorKind::not_found ? kCommandNotFound : kCommandNotRun);
  }
  command_ = *std::move(started);
}

void Holder::lost(const std::string& why) {
  if (over_ || std::exchange(lost_, true)) return;
  if (command_ == nullptr) {
    run_.complain(fmt::format("{}: {}", options_.name, why));
    return stop(kLockFailed);
  }
  run_.complain(fmt::format("{}: the lock is lost: {}; the command is ended", options_.name, why));
  command_->end(options_.kill_after);
}

void Holder::failed(const CallError& error) {
  if (over_ || lost_) return;
  run_.complain(Run::text_of(options_.name, error));
  const bool held = error.code == CallCode::lock_held || error.code == CallCode::lock_delayed;
  stop(held ? kLockNotGot : kLockFailed);
}

void Holder::stop(int code) {
  if (!std::exchange(over_, true)) run_.finish(code);
}

void Holder::on_session(SessionEvent event) {
  if (over_ || command_ == nullptr) return;
  switch (event) {
    case SessionEvent::jeopardy:
      if (options_.in_jeopardy == InJeopardy::stop) return lost("the session is in jeopardy");
      run_.complain("jeopardy: no master answers, the lock may be lost");
      paused_ = options_.in_jeopardy == InJeopardy::pause && !lost_;
      if (paused_) command_->signal(SIGSTOP);
      return;
    case SessionEvent::safe:
      run_.complain("safe again: the lock was kept");
      if (std::exchange(paused_, false)) command_->signal(SIGCONT);
      return;
    case SessionEvent::expired:
      return lost("the session has expired");
  }
}

void Holder::on_signal(int number) {
  if (command_ != nullptr) return command_->signal(number);
  if (number != SIGWINCH) stop(128 + number);
}

void Holder::on_exit(int code) {
  if (std::exchange(over_, true)) return;
  if (lost_) return run_.finish(kLockLost);
  give_up_();
  run_.finish(code);
}

LockCommand::LockCommand(CellRun& run, LockOptions options)
    : run_(run), options_(std::move(options)), holder_(run, options_.hold) {
  holder_.give_up_by([this] { run_.service().close(handle_, nullptr); });
  if (options_.patience) {
    run_.executor().schedule(*options_.patience, [this] {
      if (holder_.over() || run_.client().get_sequencer(handle_)) return;
      run_.complain(fmt::format("{}: not got within {} ms", options_.hold.name, options_.patience->ms()));
      holder_.stop(kLockNotGot);
    });
  }
  OpenOptions open{.mode = {.read = true, .write = true},
                   .lock_delay_ms = static_cast<uint32_t>(options_.hold.lock_delay_ms),
                   .creation = chubby::Creation::if_missing,
                   .on_event = [this](const Event& event) {
                     if (event.kind == EventKind::handle_invalid) holder_.lost("its file was removed");
                   }};
  run_.service().open(options_.hold.name, std::move(open), [this](const Outcome<Opened>& opened) {
    run_.reached();
    if (!opened) return holder_.failed(opened.error());
    handle_ = opened->handle;
    acquire();
  });
}

void LockCommand::acquire() {
  const LockMode mode = options_.shared ? LockMode::shared : LockMode::exclusive;
  auto done = [this](const Outcome<Acquired>& acquired) { on_acquired(acquired); };
  if (options_.attempt) {
    run_.service().try_acquire(handle_, mode, std::move(done));
  } else {
    run_.service().acquire(handle_, mode, std::move(done));
  }
}

void LockCommand::on_acquired(const Outcome<Acquired>& acquired) {
  if (!acquired) return holder_.failed(acquired.error());
  holder_.got(acquired->sequencer);
}

}  // namespace conclave::app
