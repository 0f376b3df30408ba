// A member that hands the writes of its clients to the master, one message a turn, and writes to its log what the
// master sends. Loop thread only.
#pragma once

#include <functional>
#include <memory>

#include "app/roofline/member.h"
#include "app/roofline/peer_link.h"

namespace conclave::app::roofline {

class Follower final : public Member {
 public:
  Follower(env::World world, uint32_t number, Failed failed) : Member(world, number, std::move(failed)) {}
  // `ready` comes when the master counts on us.
  void join(const env::Address& master, std::function<void()> ready);

 private:
  void turn_ended() override;
  void durable(uint64_t zxid) override;
  Result<> receive(Bytes message);

  std::function<void()> ready_;
  std::unique_ptr<PeerLink> master_;
};

}  // namespace conclave::app::roofline
