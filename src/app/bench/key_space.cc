#include "app/bench/key_space.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/random.h"

namespace conclave::app::bench {
namespace {

Result<> wait_for_room(Sessions* sessions) {
  while (sessions->in_flight() > Sessions::kInFlightMax) {
    if (auto ok = sessions->turn(sessions->now_ns() + 100 * kMillisecondNs); !ok) return ok;
    if (auto ok = sessions->check_progress("preparing"); !ok) return ok;
  }
  return {};
}

}  // namespace

Bytes make_payload(const Options& options) {
  Bytes payload(options.size_bytes, '\0');
  Random random(options.seed);
  for (char& c : payload) c = static_cast<char>(random.u64());
  return payload;
}

Result<> make_base(const Options& options, Sessions* sessions) {
  Connection* first = &(*sessions)[0];
  first->create(sessions->refresh_clock(), options.base, "", true);
  if (auto ok = sessions->flush(first); !ok) return ok;
  return sessions->drain("preparing");
}

Result<> make_keys(const Options& options, uint32_t keys, Sessions* sessions) {
  auto& connections = sessions->connections();
  for (uint32_t key = 0; key < keys; ++key) {
    Connection& owner = connections[key % connections.size()];
    owner.keys().paths.push_back(fmt::format("{}/k{:05}/n{:07}", options.base, owner.number(), key));
    owner.keys().versions.emplace_back();
    owner.keys().stamps.push_back(key);
  }
  Bytes payload = make_payload(options);
  const size_t rounds = connections.front().keys().paths.size();  // no connection has more
  for (size_t i = 0; i < rounds; ++i) {
    // A batch at a time, so that with many connections the last ones are not answered after all the others.
    for (Connection& connection : connections) {
      Connection::Keys& own = connection.keys();
      if (i >= own.paths.size()) continue;
      const uint64_t now_ns = sessions->now_ns();
      if (i == 0) connection.create(now_ns, fmt::format("{}/k{:05}", options.base, connection.number()), "", true);
      std::memcpy(payload.data(), &own.stamps[i], sizeof(uint64_t));
      connection.create(now_ns, own.paths[i], payload, true);
      connection.set_data(now_ns, static_cast<uint32_t>(i), payload);
      if (auto ok = sessions->flush(&connection); !ok) return ok;
      if (connection.number() % 1024 != 1023) continue;
      if (auto ok = wait_for_room(sessions); !ok) return ok;
    }
    if (auto ok = wait_for_room(sessions); !ok) return ok;
  }
  return sessions->drain("preparing");
}

}  // namespace conclave::app::bench
