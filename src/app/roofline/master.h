// The member that puts the writes of all in order. What came in one turn, while the disk was busy, is one batch: it
// goes to its own log and to the followers at the same time. Loop thread only.
#pragma once

#include <memory>
#include <vector>

#include "app/roofline/majority.h"
#include "app/roofline/member.h"
#include "app/roofline/peer_link.h"

namespace conclave::app::roofline {

class Master final : public Member {
 public:
  Master(env::World world, Failed failed) : Member(world, 0, std::move(failed)), majority_(kMembers) {}
  // Listens to followers, at the address returned.
  Result<env::Address> open_to_followers();

 private:
  void turn_ended() override;
  void durable(uint64_t zxid) override;
  void welcome(std::unique_ptr<env::Stream> stream);
  Result<> receive(size_t link, Bytes message);
  void seal();
  void commit();
  void send_to_followers(const Bytes& message);

  struct Follower {
    std::unique_ptr<PeerLink> link;  // null: gone
    size_t number = 0;               // 0: has not said yet
  };
  Majority majority_;
  uint64_t zxid_sealed_ = 0;
  std::unique_ptr<env::Listener> listener_;
  std::vector<Follower> followers_;
};

}  // namespace conclave::app::roofline
