// The wires of the virtual world: links between hosts, and channels over them. A channel is what TCP gives: two-way,
// ordered, nothing lost while it lives. Streams (streams.h) and peer connections (peers.h) are made of channels.
//
// A link is directed. Cutting it holds back what is sent over it, as TCP's retransmissions do: if it heals in time
// everything arrives late, in order; after `break_after` (TCP_USER_TIMEOUT of the real world) every channel between the
// two hosts breaks, in whichever direction the cut was, since acknowledgements are lost with the data.
//
// Clogging a link holds everything back for a given time, then releases it in a burst; connections outlast it.
//
// A killed process resets its channels, which the other end hears after the link's latency. A power cut says nothing:
// the other end learns by break_after, or when the machine is back and answers with a reset.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "sim/world/link.h"
#include "sim/world/scheduler.h"
#include "sim/world/trace.h"

namespace conclave::sim {

// One side of a channel. Called from scheduler events only, so never inside a call on the same channel.
class ChannelEnd {
 public:
  virtual ~ChannelEnd() = default;
  virtual void on_message(Bytes bytes) = 0;
  virtual void on_end(const Error& reason) = 0;  // the last call
};

class Fabric;

class Channel : public std::enable_shared_from_this<Channel> {
 public:
  enum class Side : uint8_t { first, second };
  static constexpr Side other(Side side) { return side == Side::first ? Side::second : Side::first; }

  void attach(Side side, ChannelEnd* end) { at(side).end = end; }
  // Sends in order; silently lost if the other side is gone.
  void send(Side side, Bytes bytes);
  // Ends this side: nothing is called on it any more. The other side hears `reason` after all that was sent.
  void finish(Side side, Error reason);
  // The receiver has taken `size` bytes off the channel.
  void consumed(Side receiver, size_t size) { at(other(receiver)).outstanding -= size; }
  // Bytes that `sender` sent and the receiver has not taken.
  size_t outstanding(Side sender) const { return sides_[static_cast<size_t>(sender)].outstanding; }
  // Of the link that carries what `sender` sends.
  const LinkOptions& options(Side sender) const { return sides_[static_cast<size_t>(sender)].out->options; }
  // How many of `arrived` bytes the receiver gets to see at once: all, or a part by the link's chance of a short read.
  size_t readable(Side receiver, size_t arrived);
  bool open(Side side) const { return sides_[static_cast<size_t>(side)].open; }

 private:
  friend class Fabric;
  struct Item {
    Bytes bytes;
    std::optional<Error> end;
  };
  struct SideState {
    HostId host;
    ChannelEnd* end = nullptr;
    bool open = true;
    size_t outstanding = 0;
    Link* out = nullptr;      // from this host to the other
    Instant last_arrival{0};  // of what this side sent
    std::deque<Item> in_flight;
    std::deque<Item> held;       // arrived, but held back by a cut or a clog
    bool answers_reset = false;  // closed without the other side's knowledge, on a machine that is up
  };
  SideState& at(Side side) { return sides_[static_cast<size_t>(side)]; }

  Fabric* fabric_ = nullptr;
  uint64_t id_ = 0;
  std::array<SideState, 2> sides_;
};

class Fabric {
 public:
  Fabric(Scheduler& scheduler, Trace& trace, uint64_t seed, LinkOptions defaults, Duration break_after)
      : scheduler_(scheduler), trace_(trace), random_(seed), defaults_(defaults), break_after_(break_after) {}

  std::shared_ptr<Channel> open(HostId first, HostId second);

  const LinkOptions& options(HostId from, HostId to) { return link(from, to).options; }
  void set_link(HostId from, HostId to, const LinkOptions& options);
  // Those there are and those to come.
  void set_all_links(const LinkOptions& options);
  // One way: what `from` sends to `to` is held back.
  void cut(HostId from, HostId to);
  void heal(HostId from, HostId to);
  // One way: what arrives within `time` from now is held back until then.
  void clog(HostId from, HostId to, Duration time);
  // The same of streams alone, as when TCP backs off after a loss.
  void stall(HostId from, HostId to, Duration time);
  // Ends all cuts, clogs and stalls.
  void heal_all();
  bool is_cut(HostId from, HostId to) const;
  // Cut or clogged: for what is not a stream.
  bool blocked(HostId from, HostId to) {
    const Link& it = link(from, to);
    return it.cut || scheduler_.now() < it.clogged_until;
  }
  // Runs `task` once no clog is left, whether the link is cut or not; those of one link in their order.
  void when_unclogged(HostId from, HostId to, Task task) { link(from, to).after_clog.push_back(std::move(task)); }
  // Called after a link healed.
  void on_heal(std::function<void(HostId, HostId)> hook) { on_heal_ = std::move(hook); }

  // Breaks all connections between the two; both sides hear of it.
  void reset_connections(HostId a, HostId b);
  // Breaks them so that only `gone` knows; `stays` hears of it when it sends something.
  void half_open(HostId gone, HostId stays);

  // Of one message.
  Duration latency(HostId from, HostId to) { return latency(from, to, random_); }
  // The same, drawn from other random numbers.
  Duration latency(HostId from, HostId to, Random& random) { return latency(link(from, to), from, to, random); }
  // The same, and what is left of a clog or stall.
  Duration travel_time(HostId from, HostId to);

  // The host's side of all its channels is gone: reset (a killed process) or silent (a power cut).
  void host_down(HostId host, bool resets);
  // Channels that a power cut left half-open are reset now.
  void host_up(HostId host);

 private:
  friend class Channel;
  Link& link(HostId from, HostId to);
  // For streams.
  bool blocked(const Link& link) const {
    return link.cut || scheduler_.now() < std::max(link.clogged_until, link.stalled_until);
  }
  Duration latency(const Link& link, HostId from, HostId to, Random& random);
  void transmit(Channel& channel, Channel::Side sender, Channel::Item item);
  static Channel::Item reset_by_peer();
  size_t readable(const Channel& channel, Channel::Side receiver, size_t arrived);
  void arrive(const std::shared_ptr<Channel>& channel, Channel::Side sender);
  void deliver(const std::shared_ptr<Channel>& channel, Channel::Side sender, Channel::Item item);
  void unclog(HostId from, HostId to);
  void release_held(const std::shared_ptr<Channel>& channel, Channel::Side sender);
  void break_channel(const std::shared_ptr<Channel>& channel, const Error& reason);
  void close_side(Channel& channel, Channel::Side side);
  std::vector<std::shared_ptr<Channel>> between(HostId a, HostId b) const;

  Scheduler& scheduler_;
  Trace& trace_;
  Random random_;
  LinkOptions defaults_;
  Duration break_after_;
  std::function<void(HostId, HostId)> on_heal_;
  std::map<std::pair<HostId, HostId>, Link> links_;
  std::map<uint64_t, std::shared_ptr<Channel>> channels_;
  uint64_t next_channel_ = 1;
};

}  // namespace conclave::sim
