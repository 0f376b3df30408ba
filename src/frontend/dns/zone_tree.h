// The records of names, read from the tree through the lock service's client. Loop thread only.
//
// Invariants:
//   Z1  What look_up() gives was in the tree at some moment between the call and its completion: a file is asked for at
//       the client, whose cache is coherent (CH-56), a directory at the master. What is kept here are contents of one
//       generation of a file, which do not change (known_nodes.h).
//   Z2  No ephemeral file is kept open, nor opened twice for the same contents: a handle would keep it alive when its
//       owner is gone (CH-23). It is looked up in its directory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/chubby/lock_service.h"
#include "frontend/dns/known_nodes.h"
#include "frontend/dns/zone.h"

namespace conclave::frontend::dns {

struct TreeLimits {
  size_t nodes_max = 10'000;  // known, and of these handles open
  size_t bytes_max = 64 << 20;
};

// What a name has.
struct NodeRecords {
  bool exists = false;
  // Of a file one; of a directory that of its file "@", and those of its ephemeral files: each may be null.
  std::vector<Records> parts;
};

class ZoneTree {
 public:
  using Done = conclave::chubby::Completion<NodeRecords>;

  // `ttl`: of records that say none. REQUIRES: the service outlives *this.
  ZoneTree(conclave::chubby::LockService& service, Zone zone, uint32_t ttl, TreeLimits limits);
  // What was looked up is not completed then.
  ~ZoneTree();
  ZoneTree(const ZoneTree&) = delete;
  ZoneTree& operator=(const ZoneTree&) = delete;

  const Zone& zone() const { return zone_; }
  // May complete inside the call. Fails as calls of the lock service do; that there is no node is no failure.
  // REQUIRES: `name` is in the zone.
  void look_up(const Name& name, Done done);
  size_t known_nodes() const { return known_.entries(); }

 private:
  // A node as it is now.
  struct View {
    bool exists = false;
    bool directory = false;
    conclave::chubby::Directory listing;  // of a directory
    Records records;                      // of a file
  };
  using Viewed = conclave::chubby::Completion<View>;
  struct Gathering;

  void view(const std::string& path, int attempts, Viewed done);
  void open(const std::string& path, int attempts, Viewed done);
  void use(const std::string& path, conclave::chubby::HandleId handle, bool directory, int attempts, Viewed done);
  void look_again(const std::string& path, int attempts, const conclave::chubby::CallError& error, Viewed done);
  void look_up_ephemeral(const std::string& path, Done done);
  void gather(const std::string& path, const conclave::chubby::Directory& listing, Done done);
  // Records of a file that was listed with this stat; null if it has gone since.
  void read_listed(const std::string& path, const conclave::chubby::Stat& stat,
                   conclave::chubby::Completion<Records> done);
  conclave::chubby::CallId open_node(const std::string& path,
                                     conclave::chubby::Completion<conclave::chubby::Opened> done);
  // Those of these contents, parsed only if they are new.
  Records records_of(const std::string& path, const conclave::chubby::Contents& contents);
  void keep(KnownNode node);
  void forget(const std::string& path);
  void close(conclave::chubby::HandleId handle) { service_.close(handle, nullptr); }
  // A function that does nothing once *this is destroyed.
  template <class Function>
  auto guarded(Function function) {
    return [function = std::move(function), alive = std::weak_ptr(alive_)](auto&&... arguments) mutable {
      if (!alive.expired()) function(std::forward<decltype(arguments)>(arguments)...);
    };
  }

  conclave::chubby::LockService& service_;
  const Zone zone_;
  const uint32_t ttl_;
  KnownNodes known_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::frontend::dns
