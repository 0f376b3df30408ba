#include "app/roofline/member.h"

#include <fmt/format.h>
#include <utility>

#include "base/assert.h"

namespace conclave::app::roofline {

Member::Member(env::World world, uint32_t number, Failed failed)
    : world_(world), number_(number), failed_(std::move(failed)) {}

Member::~Member() {
  *alive_ = false;
}

Result<env::Address> Member::open() {
  auto log = Log::create(world_, fmt::format("log.{}", number_),
                         [this](Result<uint64_t> zxid) { zxid ? durable(*zxid) : fail_with(zxid.error()); });
  if (!log) return std::unexpected(log.error());
  log_ = std::move(*log);
  auto listener = world_.network.listen({.host = kHost, .port = 0}, [this](std::unique_ptr<env::Stream> stream) {
    const auto number = static_cast<uint32_t>(links_.size());
    links_.push_back(std::make_unique<ClientLink>(number, std::move(stream), *this));
  });
  if (!listener) return std::unexpected(listener.error());
  listener_ = std::move(*listener);
  return listener_->local();
}

void Member::propose(uint32_t connection, BytesView frame) {
  gathered_.add({.member = number_, .connection = connection}, frame);
  end_turn_later();
}

void Member::gone(uint32_t connection) {
  // Not at once: it may be the link that calls.
  world_.executor.post([link = std::move(links_[connection])] {});
}

// Posted tasks run behind all that a turn reads, and before what it writes is sent.
void Member::end_turn_later() {
  if (std::exchange(turn_ends_, true)) return;
  world_.executor.post([this, alive = alive_] {
    if (!*alive) return;
    turn_ends_ = false;
    turn_ended();
  });
}

void Member::accept(std::shared_ptr<const Batch> batch) {
  if (batch->message.size() > log_->bytes())
    return fail_with({ErrorKind::limit, fmt::format("a batch of {} bytes does not fit into the log of {}",
                                                    batch->message.size(), log_->bytes())});
  accepted_.push_back(batch);
  log_->append(std::move(batch));
}

void Member::apply_up_to(uint64_t zxid) {
  while (!accepted_.empty() && accepted_.front()->zxid_last <= zxid) {
    const auto batch = std::move(accepted_.front());
    accepted_.pop_front();
    apply(*batch);
  }
  for (ClientLink* link : answered_) link->flush();
  answered_.clear();
}

void Member::apply(const Batch& batch) {
  CONCLAVE_ASSERT(batch.zxid_first == zxid_applied_ + 1);
  for_each_record(records_of(batch.message), [this](Origin origin, BytesView frame) {
    const auto request = parse_request(frame);
    CONCLAVE_ASSERT(request.has_value());
    const Store::Applied applied = store_.apply(*request, ++zxid_applied_);
    if (origin.member != number_) return;
    ClientLink* link = links_[origin.connection].get();
    if (link == nullptr) return;
    link->complete(*request, zxid_applied_, applied);
    if (answered_.empty() || answered_.back() != link) answered_.push_back(link);
  });
  CONCLAVE_ASSERT(zxid_applied_ == batch.zxid_last);
}

void Member::fail_with(const Error& reason) {
  if (failed_) std::exchange(failed_, nullptr)(reason);
}

}  // namespace conclave::app::roofline
