#include "app/roofline/master.h"

#include <fmt/format.h>
#include <utility>

namespace conclave::app::roofline {

Result<env::Address> Master::open_to_followers() {
  auto listener = world_.network.listen({.host = kHost, .port = 0},
                                        [this](std::unique_ptr<env::Stream> stream) { welcome(std::move(stream)); });
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::move(*listener);
  return listener_->local();
}

void Master::welcome(std::unique_ptr<env::Stream> stream) {
  const size_t place = followers_.size();
  const auto closed = [this, place](const Error&) {
    followers_[place].number = 0;
    // Not at once: it may be the link that calls.
    world_.executor.post([link = std::move(followers_[place].link)] {});
  };
  followers_.push_back(
      {.link = std::make_unique<PeerLink>(
           std::move(stream), [this, place](Bytes message) { return receive(place, std::move(message)); }, closed)});
}

Result<> Master::receive(size_t place, Bytes message) {
  Follower& follower = followers_[place];
  const Header header = header_of(message);
  if (follower.number == 0) {
    if (header.kind != Kind::hello || header.count == 0 || header.count >= kMembers)
      return fail(ErrorKind::invalid_argument, fmt::format("a follower does not say who it is but {}", header.count));
    if (zxid_sealed_ != 0) return fail(ErrorKind::unavailable, "too late: there is no catching up");
    follower.number = header.count;
    follower.link->send(std::move(message));
    return {};
  }
  switch (header.kind) {
    case Kind::forward:
      gathered_.add_all(records_of(message), header.count);
      end_turn_later();
      return {};
    case Kind::durable:
      majority_.record(follower.number, header.zxid);
      commit();
      return {};
    default:
      return fail(ErrorKind::corrupt, "a follower says what only the master says");
  }
}

void Master::turn_ended() {
  if (log_->idle() && !gathered_.empty()) seal();
}

void Master::seal() {
  const auto batch = make_batch(gathered_.take(Kind::batch, zxid_sealed_));
  zxid_sealed_ = batch->zxid_last;
  send_to_followers(batch->message);
  accept(batch);
}

void Master::durable(uint64_t zxid) {
  if (!gathered_.empty()) seal();
  majority_.record(0, zxid);
  commit();
}

void Master::commit() {
  const uint64_t committed = majority_.committed();
  if (committed <= zxid_applied()) return;
  apply_up_to(committed);
  send_to_followers(bare_message(Kind::commit, committed));
}

void Master::send_to_followers(const Bytes& message) {
  for (Follower& follower : followers_)
    if (follower.number != 0) follower.link->send(message);
}

}  // namespace conclave::app::roofline
