// Which session may have cached which name, and which changes wait until they have not (CH-56 … CH-59). Pure.
//
// Invariants:
//   G1  A change of a name is admitted only when no session may have it cached.
//   G2  From the moment a change asks until it is applied, or is not wanted any more, nobody begins to cache the name:
//       what reads show then will be replaced.
//   G3  A change that was not admitted is ready once each of its names has been dropped by every session that may have
//       had it, by word of it or by its end.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "base/ids.h"

namespace conclave::frontend::chubby {

class CacheTable {
 public:
  using Ticket = uint64_t;
  struct Invalidation {
    SessionId session;
    std::string path;
  };

  // May a session begin to cache the name now? If so, tell `cached`.
  bool may_cache(std::string_view path) const {
    return passed_ == Zxid() && !rounds_.contains(path) && !changing_.contains(path);
  }
  void cached(std::string_view path, SessionId session);
  size_t cached_by(SessionId session) const;

  // May all of these names be changed now? If so the change is that of transaction `zxid`.
  bool admit(const std::vector<std::string_view>& paths, Zxid zxid);
  // Transaction `zxid` was admitted and nobody looked at what it changes: until it is applied nothing may be cached.
  void passed(Zxid zxid) { passed_ = zxid; }
  // If not: who must drop what first. The change is known by `ticket` from now on.
  std::vector<Invalidation> hold(const std::vector<std::string_view>& paths, Ticket ticket);
  // Additionally waits for `open()`: what a new master's clients cached is not known (CH-77, step 6).
  void hold_until_open(Ticket ticket);
  void open();

  void acknowledged(SessionId session, std::string_view path);
  void session_ended(SessionId session);
  void applied(Zxid zxid);
  // Those of the held changes that became ready since the last call, in that order. Then `forget` each, when it has
  // asked again.
  std::vector<Ticket> take_ready() { return std::exchange(ready_, {}); }
  void forget(Ticket ticket);

  // Every name that some session may have cached.
  template <class Visit>
  void for_each_cached(Visit visit) const {
    for (const auto& [path, sessions] : cachers_) visit(path);
  }
  // Names that are not cacheable now.
  size_t closed() const { return rounds_.size() + changing_.size(); }
  size_t held() const { return tickets_.size(); }
  size_t names() const { return cachers_.size(); }

 private:
  using Sessions = absl::btree_set<SessionId>;
  using Paths = absl::btree_set<std::string, std::less<>>;
  struct Round {
    Sessions waiting;
    absl::btree_set<Ticket> tickets;
  };
  struct Held {
    std::vector<std::string> paths;
    size_t not_ready = 0;  // rounds that wait, and one more until open()
    bool until_open = false;
  };

  void one_less(Ticket ticket);

  absl::btree_map<std::string, Sessions, std::less<>> cachers_;
  absl::btree_map<SessionId, Paths> cached_by_;
  absl::btree_map<std::string, Round, std::less<>> rounds_;
  absl::btree_map<SessionId, Paths> waiting_for_;
  absl::btree_map<Ticket, Held> tickets_;
  absl::btree_map<std::string, Zxid, std::less<>> changing_;  // admitted and not applied: the last such transaction
  std::deque<std::pair<Zxid, std::string>> admitted_;         // in order
  Zxid passed_;                                               // the last one, if it is not applied yet
  std::vector<Ticket> ready_;
};

}  // namespace conclave::frontend::chubby
