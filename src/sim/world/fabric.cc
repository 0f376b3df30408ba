#include "sim/world/fabric.h"

#include <algorithm>

#include "base/checksum.h"

namespace conclave::sim {

void Channel::send(Side side, Bytes bytes) {
  if (!at(side).open) return;
  at(side).outstanding += bytes.size();
  fabric_->transmit(*this, side, {.bytes = std::move(bytes), .end = std::nullopt});
}

void Channel::finish(Side side, Error reason) {
  if (!at(side).open) return;
  fabric_->transmit(*this, side, {.bytes = {}, .end = std::move(reason)});
  fabric_->close_side(*this, side);
}

std::shared_ptr<Channel> Fabric::open(HostId first, HostId second) {
  auto channel = std::make_shared<Channel>();
  channel->fabric_ = this;
  channel->id_ = next_channel_++;
  channel->sides_[0].host = first;
  channel->sides_[1].host = second;
  channels_.emplace(channel->id_, channel);
  trace_.record(scheduler_.now(), "channel opened", first.value, second.value, channel->id_);
  return channel;
}

Fabric::Link& Fabric::link(HostId from, HostId to) {
  return links_.try_emplace({from, to}, Link{.options = defaults_}).first->second;
}

bool Fabric::is_cut(HostId from, HostId to) const {
  const auto it = links_.find({from, to});
  return it != links_.end() && it->second.cut;
}

Duration Fabric::latency(HostId from, HostId to) {
  const LinkOptions& options = link(from, to).options;
  const auto low = static_cast<uint64_t>(options.latency_min.us);
  const auto high = std::max(low, static_cast<uint64_t>(options.latency_max.us));
  return Duration::micros(static_cast<int64_t>(random_.between(low, high)));
}

bool Fabric::loses_frame(HostId from, HostId to) {
  const uint32_t loss = link(from, to).options.frame_loss_per_million;
  return loss > 0 && random_.chance(loss, 1'000'000);
}

void Fabric::transmit(Channel& channel, Channel::Side sender, Channel::Item item) {
  auto& from = channel.at(sender);
  const HostId to = channel.at(Channel::other(sender)).host;
  from.last_arrival = std::max(from.last_arrival, scheduler_.now() + latency(from.host, to));
  const auto found = channels_.find(channel.id_);
  if (found == channels_.end()) return;  // both sides are gone
  scheduler_.at(from.last_arrival, [this, shared = found->second, sender, moved = std::move(item)]() mutable {
    arrive(shared, sender, std::move(moved));
  });
}

void Fabric::arrive(const std::shared_ptr<Channel>& channel, Channel::Side sender, Channel::Item item) {
  auto& from = channel->at(sender);
  const HostId to = channel->at(Channel::other(sender)).host;
  if (is_cut(from.host, to) || !from.held.empty()) {
    from.held.push_back(std::move(item));
  } else {
    deliver(channel, sender, std::move(item));
  }
}

void Fabric::deliver(const std::shared_ptr<Channel>& channel, Channel::Side sender, Channel::Item item) {
  const Channel::Side receiver = Channel::other(sender);
  if (!channel->open(receiver)) return;
  ChannelEnd* end = channel->at(receiver).end;
  const HostId from = channel->at(sender).host;
  const HostId to = channel->at(receiver).host;
  if (item.end) {
    trace_.record(scheduler_.now(), "channel ended", from.value, to.value, channel->id_);
    close_side(*channel, receiver);
    if (end != nullptr) end->on_end(*item.end);
  } else {
    trace_.record(scheduler_.now(), "message", (uint64_t{from.value} << 32) | to.value, channel->id_,
                  xxh3_64(item.bytes));
    if (end != nullptr) end->on_message(std::move(item.bytes));
  }
}

void Fabric::release_held(const std::shared_ptr<Channel>& channel, Channel::Side sender) {
  auto& from = channel->at(sender);
  if (is_cut(from.host, channel->at(Channel::other(sender)).host)) return;  // cut again meanwhile
  std::deque<Channel::Item> held;
  held.swap(from.held);
  for (auto& item : held) deliver(channel, sender, std::move(item));
}

void Fabric::cut(HostId from, HostId to) {
  Link& it = link(from, to);
  if (it.cut) return;
  it.cut = true;
  const uint64_t generation = ++it.generation;
  trace_.record(scheduler_.now(), "link cut", from.value, to.value);
  scheduler_.after(break_after_, [this, from, to, generation] {
    if (link(from, to).generation != generation) return;
    for (const auto& channel : between(from, to)) {
      break_channel(channel, Error{ErrorKind::timed_out, "connection timed out"});
    }
  });
}

void Fabric::heal(HostId from, HostId to) {
  Link& it = link(from, to);
  if (!it.cut) return;
  it.cut = false;
  ++it.generation;
  trace_.record(scheduler_.now(), "link healed", from.value, to.value);
  for (const auto& channel : between(from, to)) {
    const auto sender = channel->sides_[0].host == from ? Channel::Side::first : Channel::Side::second;
    if (channel->at(sender).held.empty()) continue;
    scheduler_.after(latency(from, to), [this, channel, sender] { release_held(channel, sender); });
  }
  if (on_heal_) on_heal_(from, to);
}

void Fabric::heal_all() {
  std::vector<std::pair<HostId, HostId>> cuts;
  for (const auto& [ends, it] : links_) {
    if (it.cut) cuts.push_back(ends);
  }
  for (const auto& [from, to] : cuts) heal(from, to);
}

void Fabric::host_down(HostId host, bool resets) {
  std::vector<std::shared_ptr<Channel>> mine;
  for (const auto& [id, channel] : channels_) {
    if (channel->sides_[0].host == host || channel->sides_[1].host == host) mine.push_back(channel);
  }
  for (const auto& channel : mine) {
    for (const auto side : {Channel::Side::first, Channel::Side::second}) {
      if (channel->at(side).host != host || !channel->open(side)) continue;
      if (resets) {
        channel->finish(side, Error{ErrorKind::closed, "connection reset by peer"});
      } else {
        close_side(*channel, side);
        scheduler_.after(break_after_, [this, channel] {
          break_channel(channel, Error{ErrorKind::timed_out, "connection timed out"});
        });
      }
    }
  }
}

void Fabric::host_up(HostId host) {
  for (const auto& [id, channel] : std::map(channels_)) {
    for (const auto side : {Channel::Side::first, Channel::Side::second}) {
      const auto far = Channel::other(side);
      if (channel->at(side).host != host || channel->open(side) || !channel->open(far)) continue;
      transmit(*channel, side, {.bytes = {}, .end = Error{ErrorKind::closed, "connection reset by peer"}});
    }
  }
}

void Fabric::break_channel(const std::shared_ptr<Channel>& channel, const Error& reason) {
  for (const auto side : {Channel::Side::first, Channel::Side::second}) {
    if (!channel->open(side)) continue;
    ChannelEnd* end = channel->at(side).end;
    trace_.record(scheduler_.now(), "channel broke", channel->at(side).host.value, channel->id_);
    close_side(*channel, side);
    if (end != nullptr) end->on_end(reason);
  }
}

void Fabric::close_side(Channel& channel, Channel::Side side) {
  auto& state = channel.at(side);
  state.open = false;
  state.end = nullptr;
  if (!channel.open(Channel::other(side))) channels_.erase(channel.id_);
}

std::vector<std::shared_ptr<Channel>> Fabric::between(HostId a, HostId b) const {
  std::vector<std::shared_ptr<Channel>> found;
  for (const auto& [id, channel] : channels_) {
    const HostId first = channel->sides_[0].host;
    const HostId second = channel->sides_[1].host;
    if ((first == a && second == b) || (first == b && second == a)) found.push_back(channel);
  }
  return found;
}

}  // namespace conclave::sim
