// A client of the simulated cell's lock service: a process on a host of its own that uses the client library as
// programs do. It keeps files open and reads them, writes, makes and deletes some, takes locks and works under them,
// and tells the oracles what it asked for and saw. Loop thread of its host only.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "client/chubby/client.h"
#include "env/world.h"
#include "sim/cluster/lock_oracles.h"
#include "sim/cluster/plan.h"
#include "sim/world/scheduler.h"

namespace conclave::sim {

class LockProgram {
 public:
  // All that these clients make is in here.
  static constexpr std::string_view kDirectory = "/svc";

  LockProgram(const env::World& world, const Plan& plan, std::vector<env::Address> replicas, uint32_t number,
              uint64_t life, LockOracles& oracles, const Scheduler& scheduler);
  ~LockProgram();

  // Begins nothing more.
  void stop_asking() { asking_ = false; }
  // Ends its session.
  void leave();
  bool gone() const { return gone_; }
  size_t under_way() const { return under_way_; }
  // From now on writes all the time, besides.
  void start_probing() { probing_ = true; }
  // Its session and what it waits for, for a person.
  std::string describe() const;
  // Adds what its client library counted.
  void add_figures(LockFigures& figures) const;
  // True time at which the last answered write was asked for.
  Instant last_progress() const { return last_progress_; }

 private:
  using Handle = chubby::HandleId;
  template <class T>
  chubby::Completion<T> counted(std::move_only_function<void(chubby::Outcome<T>)> done);

  void on_session(chubby::SessionEvent event);
  void pause_then_act();
  void act();
  void read_some();
  void read(const std::string& path);
  void open_for_reading(const std::string& path);
  void write(const std::string& path, bool surely = false);
  void write_through(Handle handle, const std::string& path, std::optional<uint64_t> only_if);
  void remove(const std::string& path);
  void appear();
  void take_lock(const std::string& path);
  void on_lock(Handle handle, const std::string& path, bool exclusive, chubby::Outcome<chubby::Acquired> outcome);
  void work(Handle handle, const std::string& path, const std::string& sequencer);
  void let_go(Handle handle, const std::string& path);
  void close(Handle handle);
  std::string file() { return "/svc/f" + std::to_string(random_.below(static_cast<uint64_t>(plan_.keys))); }
  std::string lock() { return "/svc/l" + std::to_string(random_.below(static_cast<uint64_t>(plan_.lock_keys))); }

  env::World world_;
  const Plan& plan_;
  const uint32_t number_;
  LockOracles& oracles_;
  const Scheduler& scheduler_;
  Random random_;
  std::unique_ptr<chubby::Client> client_;
  std::map<std::string, Handle> readers_;  // open for reading
  uint64_t session_ = 1;                   // counts them: what belongs to an expired one is dropped
  uint64_t writes_ = 0;
  size_t under_way_ = 0;
  bool set_up_ = false;
  bool asking_ = true;
  bool probing_ = false;
  bool leaving_ = false;
  bool gone_ = false;
  bool locking_ = false;
  bool visible_ = false;
  Instant last_progress_{INT64_MIN};
};

}  // namespace conclave::sim
