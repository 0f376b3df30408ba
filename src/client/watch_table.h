// The watches of one session, kept by the client: which function to call for an event, and what to tell the next server
// after a change of connection. Pure.
//
// Rules (ZK-07): a data, exists or child watch fires once; a persistent one stays. A recursive watch hears of every
// descendant, but not of changed children lists: it hears of the children themselves.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "client/types.h"
#include "wire/zookeeper/requests.h"

namespace conclave::client {

class WatchTable {
 public:
  enum class Kind { data, exists, children, persistent, recursive };

  void add(Kind kind, std::string_view path, WatchFunction function);
  // Forgets the watches of the path that `type` speaks of; persistent ones count as any.
  void remove(std::string_view path, WatcherType type);
  void clear();
  bool empty() const;

  // The functions to call for the event; one-shot watches are gone afterwards.
  std::vector<WatchFunction> take(const WatchEvent& event);

  // What to send to a new server, in pieces of about `bytes_max` at most (one path is never split). The views point
  // into this table and live until it changes.
  std::vector<wire::zookeeper::SetWatches2Request> for_new_server(Zxid last_seen, size_t bytes_max) const;

 private:
  using Functions = std::vector<WatchFunction>;
  using Paths = std::map<std::string, Functions, std::less<>>;

  static void move_out(Paths* paths, std::string_view path, Functions* out);
  static void copy_out(const Paths& paths, std::string_view path, Functions* out);
  Paths& of(Kind kind) { return watches_[static_cast<size_t>(kind)]; }
  const Paths& of(Kind kind) const { return watches_[static_cast<size_t>(kind)]; }

  Paths watches_[5];
};

}  // namespace conclave::client
