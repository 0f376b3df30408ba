// Handles: those of the application, and those at the master that stand behind them (CH-60). Pure.
//
// Invariants:
//   H1  Neither numbers of handles at the master nor ids of the application's are ever used twice.
//   H2  A handle at the master that may write, and so lock, stands behind one handle of the application at a time.
//   H3  One that nobody uses is kept only if its node is permanent, it holds no lock and asks for no events.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/chubby/convert.h"
#include "client/chubby/types.h"

namespace conclave::chubby {

struct HeldLock {
  LockMode mode = LockMode::exclusive;
  Acquired acquired;
  bool kept = false;  // the program released it, we did not (CH-61)
};

// A handle at the master.
struct Remote {
  wire::Handle handle;  // as the master gave it out; before that number, path, mode, events alone
  bool opened = false;
  bool invalid = false;
  bool closing = false;
  bool ephemeral = false;  // its node
  std::optional<HeldLock> lock;
  bool lock_wanted = false;  // by somebody else, since we asked for it
  bool letting_go = false;   // a Release was sent, and nothing says that it was done
  std::vector<HandleId> users;
  std::vector<wire::Event> early;  // told before the answer to Open came

  uint64_t number() const { return handle.number(); }
  const std::string& path() const { return handle.path(); }
};

// A handle of the application.
struct Handle {
  std::string path;
  uint32_t mode = 0;
  uint32_t events = 0;
  EventFunction on_event;
  uint64_t remote = 0;    // 0: its session is gone; of the root: it was not needed yet
  bool root = false;      // the library's own
  bool poisoned = false;  // CH-46
  std::string sequencer;  // that calls depend on (CH-50)
};

class HandleTable {
 public:
  explicit HandleTable(size_t idle_max) : idle_max_(idle_max) {}

  // --- at the master
  Remote& begin(std::string_view path, uint32_t mode, uint32_t events, uint32_t lock_delay_ms);
  Remote* remote(uint64_t number);
  const Remote* remote(uint64_t number) const;
  void forget(uint64_t number);
  // An open handle that can stand behind one more of the application. Null: none.
  Remote* reusable(std::string_view path, uint64_t instance, uint32_t mode, uint32_t events, uint32_t lock_delay_ms);
  // Nobody uses it: keeps it for the next Open. Returns one that must be closed for it, or itself.
  std::optional<uint64_t> park(const Remote& remote);
  std::map<uint64_t, Remote>& remotes() { return remotes_; }

  // --- of the application
  HandleId attach(Remote& remote, uint32_t mode, uint32_t events, EventFunction on_event);
  HandleId attach_root();
  Handle* find(HandleId id);
  const Handle* find(HandleId id) const;
  // Null: it was open, but nothing stands behind it.
  Remote* detach(HandleId id);
  const std::map<HandleId, Handle>& handles() const { return handles_; }
  bool any_open() const;

  // All that are open at the master are gone, those of the application are dead.
  void session_gone();

 private:
  size_t idle_max_;
  uint64_t last_number_ = 0;
  uint64_t last_id_ = 0;
  std::map<uint64_t, Remote> remotes_;  // by number
  std::set<std::pair<std::string, uint64_t>> by_path_;
  std::list<uint64_t> parked_;  // the one parked last is first
  std::map<HandleId, Handle> handles_;
};

}  // namespace conclave::chubby
