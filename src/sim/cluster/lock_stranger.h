// A client of ZooKeeper that reads and changes the files of the lock service, which are in the same tree, and tells the
// oracle: what clients of the lock service have cached must be dropped before its changes too. A process on a host of
// its own. Loop thread of that host only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "client/client.h"
#include "env/world.h"
#include "sim/cluster/lock_oracles.h"
#include "sim/cluster/plan.h"

namespace conclave::sim {

class LockStranger {
 public:
  LockStranger(const env::World& world, const Plan& plan, std::vector<env::Address> servers, LockOracles& oracles);

  // Begins nothing more.
  void stop_asking() { asking_ = false; }
  // Ends its session.
  void leave();
  bool gone() const { return client_ == nullptr && !asking_; }
  size_t under_way() const { return under_way_; }

 private:
  template <class T>
  client::Completion<T> counted(std::move_only_function<void(client::Outcome<T>)> done);

  void open_session();
  void pause_then_act();
  void act();
  void read(const std::string& path);
  void write(const std::string& path);
  void create(const std::string& path);
  void remove(const std::string& path);

  env::World world_;
  const Plan& plan_;
  const std::vector<env::Address> servers_;
  LockOracles& oracles_;
  Random random_;
  std::unique_ptr<client::Client> client_;
  uint64_t writes_ = 0;
  size_t under_way_ = 0;
  bool asking_ = true;
};

}  // namespace conclave::sim
