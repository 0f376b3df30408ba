// Test only: a cell of replicas in the virtual world, and what tests ask of it.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "replica/replica.h"
#include "sim/world/world.h"

namespace conclave::replica {

// One process: recovers, joins, remembers why it stopped.
class TestProcess {
 public:
  TestProcess(const env::World& world, Options options) {
    auto opened = Replica::open(world, std::move(options));
    if (!opened) {
      refused = opened.error();
      return;
    }
    replica = std::move(*opened);
    replica->start([this](const Error& error) { fatal = error; });
  }

  std::unique_ptr<Replica> replica;
  std::optional<Error> refused;
  std::optional<Error> fatal;
};

class TestCell {
 public:
  explicit TestCell(uint64_t seed, uint8_t replicas = 3, std::function<void(Options&)> adjust = {}) : world(seed) {
    for (uint8_t id = 1; id <= replicas; ++id) ids.push_back(ReplicaId(id));
    for (const ReplicaId id : ids) {
      Options options{.cell = CellId(42)};
      options.consensus.self = id;
      for (const ReplicaId member : ids) options.consensus.members.push_back({.id = member, .voter = true});
      options.journal_segment_bytes = 1 << 20;
      if (adjust) adjust(options);
      world.host(id).boot([options](const env::World& env) { return std::make_shared<TestProcess>(env, options); });
    }
  }

  TestProcess& process(ReplicaId id) { return world.host(id).process<TestProcess>(); }
  bool up(ReplicaId id) { return world.host(id).running() && process(id).replica != nullptr; }
  Replica& at(ReplicaId id) { return *process(id).replica; }
  Replica& at(int id) { return at(ReplicaId(static_cast<uint8_t>(id))); }

  // The replica that serves as master and that a majority of the running ones follow.
  std::optional<ReplicaId> master() {
    for (const ReplicaId id : ids) {
      if (!up(id) || at(id).status().role != Role::leader) continue;
      const auto followers = std::ranges::count_if(
          ids, [&](ReplicaId other) { return up(other) && at(other).serving() && at(other).status().master == id; });
      if (static_cast<size_t>(followers) > ids.size() / 2) return id;
    }
    return std::nullopt;
  }
  ReplicaId wait_for_master(Duration limit = Duration::seconds(10)) {
    const bool elected = world.run_until([&] { return master().has_value(); }, limit);
    CONCLAVE_ASSERT(elected);
    return *master();
  }
  ReplicaId follower() {
    const ReplicaId leader = wait_for_master();
    return *std::ranges::find_if(ids, [&](ReplicaId id) { return id != leader && up(id); });
  }

  // Runs until the write is answered; nullopt after `limit`.
  std::optional<Reply> write(ReplicaId id, state::Request request, Duration limit = Duration::seconds(10)) {
    auto reply = std::make_shared<std::optional<Reply>>();
    at(id).submit(std::move(request), [reply](Reply r) { *reply = std::move(r); });
    world.run_until([&] { return reply->has_value(); }, limit);
    return *reply;
  }
  bool sync(ReplicaId id, Duration limit = Duration::seconds(10)) {
    auto done = std::make_shared<bool>(false);
    at(id).sync([done](const Reply& reply) { *done = reply.outcome.code == state::Code::ok; });
    return world.run_until([&] { return *done; }, limit);
  }
  bool converge(Duration limit = Duration::seconds(20)) {
    return world.run_until(
        [&] {
          std::optional<uint64_t> digest;
          for (const ReplicaId id : ids) {
            if (!up(id)) continue;
            const uint64_t here = at(id).state().digest();
            if (digest && *digest != here) return false;
            digest = here;
          }
          return master().has_value();
        },
        limit);
  }

  sim::World world;
  std::vector<ReplicaId> ids;
};

inline state::Acl open_acl() {
  return {{state::kAllPermissions, "world", "anyone"}};
}
inline state::Request create(const std::string& path, const std::string& data = "",
                             state::NodeKind kind = state::NodeKind::persistent, SessionId session = SessionId()) {
  return {.session = session,
          .identities = {},
          .body = state::CreateRequest{.path = path, .data = data, .acl = open_acl(), .kind = kind}};
}
inline state::Request set(const std::string& path, const std::string& data, int32_t version = state::kAnyVersion,
                          SessionId session = SessionId()) {
  return {.session = session,
          .identities = {},
          .body = state::SetDataRequest{.path = path, .data = data, .version = version}};
}
inline state::Request open_session(SessionId id, int64_t timeout_ms, const std::string& password = "0123456789abcdef") {
  return {.session = id,
          .identities = {},
          .body = state::CreateSessionRequest{.id = id, .password = password, .timeout_ms = timeout_ms}};
}

inline state::Request resume_session(SessionId id, const std::string& password = "0123456789abcdef") {
  return {.session = id, .identities = {}, .body = state::ResumeSessionRequest{password}};
}

}  // namespace conclave::replica
