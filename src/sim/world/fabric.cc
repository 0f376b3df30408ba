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

size_t Channel::readable(Side receiver, size_t arrived) {
  return fabric_->readable(*this, receiver, arrived);
}

std::shared_ptr<Channel> Fabric::open(HostId first, HostId second) {
  auto channel = std::make_shared<Channel>();
  channel->fabric_ = this;
  channel->id_ = next_channel_++;
  channel->sides_[0].host = first;
  channel->sides_[1].host = second;
  channel->sides_[0].out = &link(first, second);
  channel->sides_[1].out = &link(second, first);
  channels_.emplace(channel->id_, channel);
  trace_.record(scheduler_.now(), "channel opened", first.value, second.value, channel->id_);
  return channel;
}

Link& Fabric::link(HostId from, HostId to) {
  return links_.try_emplace({from, to}, Link{.options = defaults_}).first->second;
}

bool Fabric::is_cut(HostId from, HostId to) const {
  const auto it = links_.find({from, to});
  return it != links_.end() && it->second.cut;
}

Duration Fabric::latency(const Link& link, HostId from, HostId to, Random& random) {
  const LinkOptions& options = link.options;
  const auto low = static_cast<uint64_t>(options.latency_min.us);
  const auto high = std::max(low, static_cast<uint64_t>(options.latency_max.us));
  uint64_t us = random.between(low, high);
  if (options.spike_per_million > 0 && random.chance(options.spike_per_million, 1'000'000)) {
    us += random.between(0, static_cast<uint64_t>(options.spike_max.us));
    trace_.record(scheduler_.now(), "delay spike", from.value, to.value, us);
  }
  return Duration::micros(static_cast<int64_t>(us));
}

Duration Fabric::travel_time(HostId from, HostId to) {
  const Link& it = link(from, to);
  return latency(from, to) + std::max(Duration{0}, std::max(it.clogged_until, it.stalled_until) - scheduler_.now());
}

Channel::Item Fabric::reset_by_peer() {
  return {.bytes = {}, .end = Error{ErrorKind::closed, "connection reset by peer"}};
}

void Fabric::transmit(Channel& channel, Channel::Side sender, Channel::Item item) {
  auto& from = channel.at(sender);
  const HostId to = channel.at(Channel::other(sender)).host;
  from.last_arrival = std::max(from.last_arrival, scheduler_.now() + latency(*from.out, from.host, to, random_));
  from.in_flight.push_back(std::move(item));
  scheduler_.at(from.last_arrival,
                [shared = channel.shared_from_this(), sender] { shared->fabric_->arrive(shared, sender); });
}

void Fabric::arrive(const std::shared_ptr<Channel>& channel, Channel::Side sender) {
  auto& from = channel->at(sender);
  Channel::Item item = std::move(from.in_flight.front());
  from.in_flight.pop_front();
  if (blocked(*from.out) || !from.held.empty()) {
    from.held.push_back(std::move(item));
  } else {
    deliver(channel, sender, std::move(item));
  }
}

void Fabric::deliver(const std::shared_ptr<Channel>& channel, Channel::Side sender, Channel::Item item) {
  const Channel::Side receiver = Channel::other(sender);
  if (!channel->open(receiver)) {
    if (channel->at(receiver).answers_reset && channel->open(sender)) transmit(*channel, receiver, reset_by_peer());
    return;
  }
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
  if (blocked(*from.out)) return;  // again meanwhile
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

size_t Fabric::readable(const Channel& channel, Channel::Side receiver, size_t arrived) {
  const auto& from = channel.sides_[static_cast<size_t>(Channel::other(receiver))];
  const uint32_t rate = from.out->options.short_read_per_million;
  if (rate == 0 || arrived < 2 || !random_.chance(rate, 1'000'000)) return arrived;
  const auto part = static_cast<size_t>(random_.between(1, arrived - 1));
  trace_.record(scheduler_.now(), "short read", from.host.value, arrived, part);
  return part;
}

void Fabric::clog(HostId from, HostId to, Duration time) {
  Link& it = link(from, to);
  const Instant until = scheduler_.now() + time;
  if (until <= it.clogged_until) return;
  it.clogged_until = until;
  trace_.record(scheduler_.now(), "link clogged", from.value, to.value, static_cast<uint64_t>(time.us));
  scheduler_.at(until, [this, from, to] { unclog(from, to); });
}

void Fabric::stall(HostId from, HostId to, Duration time) {
  Link& it = link(from, to);
  const Instant until = scheduler_.now() + time;
  if (until <= it.stalled_until) return;
  it.stalled_until = until;
  trace_.record(scheduler_.now(), "streams stalled", from.value, to.value, static_cast<uint64_t>(time.us));
  scheduler_.at(until, [this, from, to] { unclog(from, to); });
}

void Fabric::unclog(HostId from, HostId to) {
  Link& it = link(from, to);
  if (scheduler_.now() < it.clogged_until) return;  // for longer
  for (Task& task : std::exchange(it.after_clog, {})) task();
  if (blocked(it)) return;  // by a stall that is longer, or by a cut: healing releases what is held
  for (const auto& channel : between(from, to)) {
    release_held(channel, channel->sides_[0].host == from ? Channel::Side::first : Channel::Side::second);
  }
}

void Fabric::heal_all() {
  std::vector<std::pair<HostId, HostId>> cuts, clogs;
  for (auto& [ends, it] : links_) {
    if (it.cut) cuts.push_back(ends);
    if (std::max(it.clogged_until, it.stalled_until) > scheduler_.now()) clogs.push_back(ends);
  }
  for (const auto& [from, to] : clogs) {
    link(from, to).clogged_until = link(from, to).stalled_until = scheduler_.now();
    trace_.record(scheduler_.now(), "link unclogged", from.value, to.value);
    scheduler_.after(Duration{0}, [this, from, to] { unclog(from, to); });
  }
  for (const auto& [from, to] : cuts) heal(from, to);
}

void Fabric::set_link(HostId from, HostId to, const LinkOptions& options) {
  trace_.record(scheduler_.now(), "link set", from.value, to.value);
  link(from, to).options = options;
}

void Fabric::set_all_links(const LinkOptions& options) {
  trace_.record(scheduler_.now(), "all links set");
  defaults_ = options;
  for (auto& [ends, it] : links_) it.options = options;
}

void Fabric::reset_connections(HostId a, HostId b) {
  trace_.record(scheduler_.now(), "connections reset", a.value, b.value);
  for (const auto& channel : between(a, b)) {
    scheduler_.after(Duration{0},
                     [this, channel] { break_channel(channel, Error{ErrorKind::closed, "connection reset by peer"}); });
  }
}

void Fabric::half_open(HostId gone, HostId stays) {
  trace_.record(scheduler_.now(), "connections half-open", gone.value, stays.value);
  for (const auto& channel : between(gone, stays)) {
    const auto side = channel->sides_[0].host == gone ? Channel::Side::first : Channel::Side::second;
    scheduler_.after(Duration{0}, [this, channel, side] {
      if (!channel->open(side)) return;
      channel->at(side).answers_reset = true;
      deliver(channel, Channel::other(side), reset_by_peer());
    });
  }
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
      transmit(*channel, side, reset_by_peer());
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
