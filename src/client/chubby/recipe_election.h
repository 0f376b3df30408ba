// Electing a primary (CH-53): all candidates open one file and want its lock. Who gets it writes its identity into the
// file; candidates and observers learn of it by the event. The primary shows its sequencer to the servers it talks to.
//
// When the session has expired this one is not the primary any more, whatever elected() says: the program is told by
// LockService::on_session, stops, and makes a new one after restart(). Loop thread only.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "client/chubby/recipe_file.h"

namespace conclave::chubby {

class Election {
 public:
  struct Primary {
    Bytes identity;  // empty: there is none, as far as is known
    bool self = false;
    std::string sequencer;  // of self
    friend bool operator==(const Primary&, const Primary&) = default;
  };
  // Called for every primary that is seen, the present one first. One that was itself and is told of nobody is it no
  // more: its file was removed, and its lock with it.
  using Listener = std::function<void(const Primary&)>;

  Election(LockService& service, std::string name, Listener listener, uint32_t lock_delay_ms = 0)
      : listener_(std::move(listener)),
        file_(service, std::move(name),
              {.mode = {.read = true, .write = true},
               .events = {.contents = true},
               .lock_delay_ms = lock_delay_ms,
               .creation = Creation::if_missing,
               .on_event = [this](const Event& event) {
                 if (event.kind == EventKind::handle_invalid) return on_file_gone();
                 const bool news = event.kind == EventKind::contents_changed || event.kind == EventKind::fail_over;
                 if (news) look();
               }}) {}

  // Only learns who the primary is.
  void observe() { look(); }
  // Wants to be the primary, until resign(). `failed`: it will not be, and why.
  void run(const Bytes& identity, std::function<void(const CallError&)> failed);
  // Gives up: as candidate, or as primary. The next one need not wait.
  void resign(Completion<void> done);
  bool elected() const { return elected_; }
  const Primary& primary() const { return primary_; }

 private:
  void look();
  void on_file_gone();
  void tell(Primary primary);

  Listener listener_;
  Primary primary_;
  bool known_ = false;  // primary_ was told
  bool elected_ = false;
  CallId acquiring_;
  std::string sequencer_;
  RecipeFile file_;
};

}  // namespace conclave::chubby
