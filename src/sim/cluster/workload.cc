#include "sim/cluster/workload.h"

#include <array>
#include <utility>

namespace conclave::sim {

using check::Action;
using check::Call;

Workload::Workload(const Plan& plan, std::string name, uint64_t seed)
    : plan_(plan), name_(std::move(name)), random_(seed) {}

std::vector<Workload::Next> Workload::setup() const {
  std::vector<Next> out;
  for (const char* path : {"/r", "/q"}) {
    out.push_back(
        {.call = {.action = Action::create, .path = path, .data = name_ + "-setup" + std::to_string(++written_)}});
  }
  return out;
}

Workload::Next Workload::next() {
  if (random_.chance(static_cast<uint64_t>(plan_.session_end_per_million), 1'000'000)) {
    return {.call = {.action = Action::close_session, .path = "", .data = {}}, .end_session = true};
  }
  const std::array<int64_t, 9> shares = {plan_.share_create,   plan_.share_remove, plan_.share_set,
                                         plan_.share_get,      plan_.share_exists, plan_.share_children,
                                         plan_.share_sync_get, plan_.share_multi,  plan_.share_sequential};
  uint64_t total = 0;
  for (const int64_t share : shares) total += static_cast<uint64_t>(share);
  uint64_t ticket = random_.below(std::max<uint64_t>(total, 1));
  size_t chosen = 0;
  while (chosen + 1 < shares.size() && ticket >= static_cast<uint64_t>(shares[chosen])) {
    ticket -= static_cast<uint64_t>(shares[chosen++]);
  }
  const bool watch = random_.chance(static_cast<uint64_t>(plan_.watch_percent), 100);
  switch (chosen) {
    case 0:
      return {.call = create()};
    case 1:
      return {.call = remove()};
    case 2:
      return {.call = set()};
    case 3:
      return {.call = {.action = Action::get, .path = key()}, .watch = watch};
    case 4:
      return {.call = {.action = Action::exists, .path = key()}, .watch = watch};
    case 5:
      return {.call = {.action = Action::children, .path = random_.chance(1, 2) ? "/r" : "/q"}, .watch = watch};
    case 6:
      return {.call = {.action = Action::get, .path = key()}, .sync_first = true};
    case 7:
      return {.call = {.action = Action::multi}, .parts = multi()};
    default:
      return {.call = sequential()};
  }
}

Call Workload::create() {
  Call call{.action = Action::create, .path = key(), .data = unique_data()};
  call.ephemeral = call.path.starts_with("/r/e");
  return call;
}

Call Workload::remove() {
  if (made_.size() > 4 || (!made_.empty() && random_.chance(1, 2))) {
    std::string path = std::move(made_.front());
    made_.pop_front();
    return {.action = Action::remove, .path = std::move(path)};
  }
  Call call{.action = Action::remove, .path = key()};
  call.version = expected_version(call.path);
  return call;
}

Call Workload::set() {
  Call call{.action = Action::set, .path = key(), .data = unique_data()};
  call.version = expected_version(call.path);
  return call;
}

Call Workload::sequential() {
  if (made_.size() > 8) return remove();
  return {.action = Action::create,
          .path = "/q/n-",
          .data = unique_data(),
          .ephemeral = random_.chance(1, 2),
          .sequential = true};
}

std::vector<Call> Workload::multi() {
  std::vector<Call> parts;
  for (uint64_t n = random_.between(2, 4); n > 0; --n) {
    switch (random_.below(4)) {
      case 0:
        parts.push_back({.action = Action::check, .path = key()});
        parts.back().version = expected_version(parts.back().path);
        break;
      case 1:
        parts.push_back(create());
        break;
      case 2:
        parts.push_back(remove());
        break;
      default:
        parts.push_back(set());
    }
  }
  return parts;
}

std::string Workload::key() {
  // One draw a statement: compilers differ in the order of operands, and a seed means the same to all of them.
  const uint64_t number = random_.below(static_cast<uint64_t>(plan_.keys));
  const bool ephemeral = random_.chance(1, 4);
  return (ephemeral ? "/r/e" : "/r/k") + std::to_string(number);
}

Bytes Workload::unique_data() {
  Bytes data = name_ + "-" + std::to_string(++written_);
  // Most values are small; one in eight may have any size.
  const uint64_t room = static_cast<uint64_t>(plan_.data_bytes_max) / (random_.chance(1, 8) ? 1 : 16);
  data.append(random_.below(room + 1), '.');
  return data;
}

int32_t Workload::expected_version(const std::string& path) {
  const auto known = versions_.find(path);
  if (known == versions_.end() || random_.chance(1, 2)) return -1;
  return known->second;
}

void Workload::learn(const check::Operation& operation) {
  const auto learn_one = [this](const Call& call, const check::Answer& answer) {
    if (answer.stat) versions_[call.path] = answer.stat->version;
    if (call.sequential && !answer.created.empty()) made_.push_back(answer.created);
  };
  learn_one(operation.call, operation.answer);
  for (size_t i = 0; i < operation.part_answers.size(); ++i) learn_one(operation.parts[i], operation.part_answers[i]);
}

}  // namespace conclave::sim
