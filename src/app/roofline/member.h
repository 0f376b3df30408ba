// What the master and a follower have in common: clients, the store, a log, and one hand-over a turn of what the
// clients of this turn want to write.
//
// Invariants of the null log:
//   1. a write is applied and answered when it is on the disks of a majority, in the order of the zxids;
//   2. every member applies the same batches in the same order, so that reads at any member show what its own clients
//      wrote.
// There is no election and no catching up: a member that dies is missed, and the master's end is everybody's.
//
// Loop thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "app/roofline/batch.h"
#include "app/roofline/client_link.h"
#include "app/roofline/log.h"
#include "app/roofline/store.h"
#include "env/world.h"

namespace conclave::app::roofline {

inline constexpr size_t kMembers = 3;
inline constexpr const char* kHost = "127.0.0.1";

class Member : public ClientLink::Host {
 public:
  // The member cannot go on; comes at most once.
  using Failed = std::function<void(const Error& reason)>;

  // `number` is 0 for the master.
  Member(env::World world, uint32_t number, Failed failed);
  ~Member() override;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  // Makes the log and listens to clients, at the address returned.
  Result<env::Address> open();

  void propose(uint32_t connection, BytesView frame) final;
  Store& store() final { return store_; }
  uint64_t zxid_applied() const final { return zxid_applied_; }
  void gone(uint32_t connection) final;

 protected:
  // At the end of a turn in which something was proposed.
  virtual void turn_ended() = 0;
  // All up to `zxid` are on our disk.
  virtual void durable(uint64_t zxid) = 0;

  // Into the log, and to be applied when committed.
  void accept(std::shared_ptr<const Batch> batch);
  void apply_up_to(uint64_t zxid);
  void end_turn_later();
  void fail_with(const Error& reason);

  env::World world_;
  const uint32_t number_;
  Gathering gathered_;  // by this turn, and by those before it that had to wait
  std::unique_ptr<Log> log_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

 private:
  void apply(const Batch& batch);

  Failed failed_;
  Store store_;
  uint64_t zxid_applied_ = 0;
  std::deque<std::shared_ptr<const Batch>> accepted_;  // not applied yet
  std::unique_ptr<env::Listener> listener_;
  std::vector<std::unique_ptr<ClientLink>> links_;  // by number; null: gone
  std::vector<ClientLink*> answered_;               // in this application; may hold one twice
  bool turn_ends_ = false;
};

}  // namespace conclave::app::roofline
