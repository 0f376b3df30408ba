#include "app/chubby/watching.h"

#include <chrono>
#include <signal.h>
#include <utility>
#include <vector>

#include "app/chubby/text.h"
#include "app/chubby/waits.h"

namespace conclave::app {
namespace {

using chubby::Event;
using chubby::EventKind;
using chubby::LockInfo;
using chubby::Opened;
using chubby::OpenOptions;
using chubby::Outcome;
using chubby::SessionEvent;
using chubby::SessionInfo;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void run_events(CellRun& run, const std::string& name) {
  run.world().on_signal({SIGINT, SIGTERM}, [&run](int) { run.finish(kCellDone); });
  const auto say = [&run](std::string_view event, std::string_view child = {}) {
    run.print(run.json() ? event_json(event, child, now_ms()) : event_text(event, child, now_ms()));
  };
  run.service().on_session([&run, say](SessionEvent event) {
    say(to_string(event));
    if (event == SessionEvent::expired) run.finish(kCellUnreachable);
  });
  OpenOptions open{.events = {.contents = true, .children = true, .lock_acquired = true, .lock_conflict = true},
                   .on_event = [&run, say](const Event& event) {
                     say(to_string(event.kind), event.child);
                     if (event.kind == EventKind::handle_invalid) run.finish(kCellRefused);
                   }};
  run.service().open(name, std::move(open), [&run, name, say](const Outcome<Opened>& opened) {
    if (!opened) return run.fail(name, opened.error());
    run.reached();
    say("watching");
  });
}

void run_locks(CellRun& run) {
  run.client().list_locks([&run](const Outcome<std::vector<LockInfo>>& locks) {
    if (!locks) return run.fail("locks", locks.error());
    const std::vector<WaitCycle> cycles = waiting_cycles(*locks);
    run.print(run.json() ? locks_json(*locks, cycles) : locks_text(*locks, cycles));
    run.finish(cycles.empty() ? kCellDone : kCellRefused);
  });
}

void run_sessions(CellRun& run) {
  run.client().list_sessions([&run](const Outcome<std::vector<SessionInfo>>& sessions) {
    if (!sessions) return run.fail("sessions", sessions.error());
    run.print(run.json() ? sessions_json(*sessions) : sessions_text(*sessions));
    run.finish(kCellDone);
  });
}

}  // namespace conclave::app
