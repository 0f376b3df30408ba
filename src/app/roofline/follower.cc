#include "app/roofline/follower.h"

#include <fmt/format.h>
#include <utility>

namespace conclave::app::roofline {

void Follower::join(const env::Address& master, std::function<void()> ready) {
  ready_ = std::move(ready);
  const auto connected = [this, alive = alive_](Result<std::unique_ptr<env::Stream>> stream) {
    if (!*alive) return;
    if (!stream) return fail_with(stream.error());
    const auto lost = [this](const Error& reason) {
      fail_with({reason.kind, fmt::format("the master is lost: {}", reason.message)});
    };
    master_ = std::make_unique<PeerLink>(
        *std::move(stream), [this](Bytes message) { return receive(std::move(message)); }, lost);
    master_->send(bare_message(Kind::hello, 0, number_));
  };
  world_.network.connect(master, Duration::seconds(10), connected);
}

Result<> Follower::receive(Bytes message) {
  const Header header = header_of(message);
  switch (header.kind) {
    case Kind::hello:
      ready_();
      return {};
    case Kind::batch:
      accept(make_batch(std::move(message)));
      return {};
    case Kind::commit:
      apply_up_to(header.zxid);
      return {};
    default:
      return fail(ErrorKind::corrupt, "the master says what only a follower says");
  }
}

void Follower::turn_ended() {
  if (!gathered_.empty()) master_->send(gathered_.take(Kind::forward));
}

void Follower::durable(uint64_t zxid) {
  master_->send(bare_message(Kind::durable, zxid));
}

}  // namespace conclave::app::roofline
