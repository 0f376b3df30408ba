#include "app/chubby/elect.h"

#include <algorithm>
#include <fmt/format.h>
#include <signal.h>
#include <utility>

#include "app/chubby/text.h"
#include "client/chubby/names.h"

namespace conclave::app {

using chubby::CallError;
using chubby::Contents;
using chubby::Election;
using chubby::Event;
using chubby::EventKind;
using chubby::LockInfo;
using chubby::Opened;
using chubby::OpenOptions;
using chubby::Outcome;

ElectCommand::ElectCommand(CellRun& run, const HoldOptions& options, const std::string& id)
    : run_(run),
      holder_(run, options),
      election_(
          run.service(), options.name,
          [this](const Election::Primary& primary) {
            run_.reached();
            if (primary.self) return holder_.got(primary.sequencer);
            if (holder_.holds()) return holder_.lost("its file was removed");
            if (!primary.identity.empty()) run_.complain(fmt::format("{} is primary", primary.identity));
          },
          static_cast<uint32_t>(options.lock_delay_ms)) {
  holder_.give_up_by([this] { election_.resign(nullptr); });
  election_.run(id, [this](const CallError& error) { holder_.failed(error); });
}

PrimaryCommand::PrimaryCommand(CellRun& run, std::string name, bool follow)
    : run_(run), name_(std::move(name)), follow_(follow) {
  if (follow_) run_.world().on_signal({SIGINT, SIGTERM}, [this](int) { run_.finish(kCellDone); });
  OpenOptions open{.events = {.contents = true, .lock_acquired = true}, .on_event = [this](const Event& event) {
                     if (event.kind != EventKind::handle_invalid) return look();
                     run_.complain(name_ + ": it was removed");
                     run_.finish(kCellRefused);
                   }};
  if (!follow_) open.events = {};
  run_.service().open(name_, std::move(open), [this](const Outcome<Opened>& opened) {
    if (!opened) return run_.fail(name_, opened.error());
    if (follow_) run_.reached();
    handle_ = opened->handle;
    look();
  });
}

void PrimaryCommand::look() {
  run_.service().get_contents(handle_, [this](const Outcome<Contents>& contents) {
    if (!contents) return run_.fail(name_, contents.error());
    run_.client().list_locks([this, id = contents->contents](const Outcome<std::vector<LockInfo>>& locks) {
      if (!locks) return run_.fail(name_, locks.error());
      judge(id, *locks);
    });
  });
}

// A primary that was lost leaves its name: who does not hold the lock is none.
void PrimaryCommand::judge(const std::string& id, const std::vector<LockInfo>& locks) {
  const auto path = chubby::parse_name(name_);
  const bool held = std::ranges::any_of(locks, [&](const LockInfo& lock) {
    return path && lock.path == path->path &&
           std::ranges::any_of(lock.holders, [](const chubby::LockPlace& holder) { return !holder.lost; });
  });
  const std::string primary = held ? id : "";
  if (told_ != primary) {
    told_ = primary;
    if (run_.json()) {
      run_.print(fmt::format("{{\"primary\":{}}}\n", primary.empty() ? "null" : json_quoted(primary)));
    } else if (!primary.empty()) {
      run_.print(primary + "\n");
    } else {
      run_.complain(name_ + ": nobody is primary");
    }
  }
  if (!follow_) run_.finish(primary.empty() ? kCellRefused : kCellDone);
}

}  // namespace conclave::app
