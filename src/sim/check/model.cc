#include "sim/check/model.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/check/words.h"

namespace conclave::sim::check {
namespace {

std::string_view last_name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::string_view parent_of(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/" : path.substr(0, slash);
}

bool is_judged(std::string_view path) {
  return path != "/" && path != "/zookeeper" && !path.starts_with("/zookeeper/");
}

Model::Model(const History& history) : history_(history) {
  for (const std::string_view path : {"/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"}) add_root(path);
  const Transaction* previous = nullptr;
  for (applying_ = 0; applying_ < history.log.size(); ++applying_) {
    const Transaction& transaction = history.log[applying_];
    check_order(previous, transaction);
    check_session(transaction);
    for (size_t i = 0; i < transaction.changes.size(); ++i) {
      at_ = {transaction.zxid, static_cast<uint32_t>(i)};
      std::visit([this](const auto& change) { apply(change); }, transaction.changes[i]);
    }
    previous = &transaction;
  }
}

void Model::complain(std::string what) {
  violations_.push_back({"model", std::move(what)});
}

// --- the order of the log

void Model::check_order(const Transaction* previous, const Transaction& transaction) {
  const Zxid zxid = transaction.zxid;
  const bool starts = !transaction.changes.empty() && std::holds_alternative<EpochStarted>(transaction.changes.front());
  if (starts != (zxid.counter() == 1)) {
    complain(fmt::format("transaction {}: the first of an epoch, and no other, starts it", name_of(zxid)));
  }
  if (previous == nullptr) return;
  const bool next = zxid.epoch() == previous->zxid.epoch() && zxid.counter() == previous->zxid.counter() + 1;
  const bool first = zxid.epoch() > previous->zxid.epoch() && zxid.counter() == 1;
  if (!next && !first) {
    complain(fmt::format("transaction {} took effect right after {}: against the primary order", name_of(zxid),
                         name_of(previous->zxid)));
  }
  if (transaction.index <= previous->index) {
    complain(fmt::format("transaction {} stands at index {}, {} before it at index {}", name_of(zxid),
                         transaction.index.value, name_of(previous->zxid), previous->index.value));
  }
  if (transaction.first_applied < previous->first_applied) {
    complain(fmt::format("transaction {} was first applied at {}, {} before it only at {}", name_of(zxid),
                         name_of(transaction.first_applied), name_of(previous->zxid),
                         name_of(previous->first_applied)));
  }
}

void Model::check_session(const Transaction& transaction) {
  const SessionId id = transaction.session;
  if (id == SessionId()) return;
  const bool opens = std::ranges::any_of(transaction.changes, [&](const Change& change) {
    const auto* opened = std::get_if<SessionOpened>(&change);
    return opened != nullptr && opened->session == id;
  });
  const Session* open = session(id);
  if (opens || (open != nullptr && !open->closed)) return;
  complain(fmt::format("transaction {} was asked for by session {:#x}, which is not open", name_of(transaction.zxid),
                       id.value));
}

void Model::apply(const EpochStarted&) {}
void Model::apply(const Other&) {}

// --- nodes

void Model::add_root(std::string_view path) {
  change(path);
  if (path != "/") change_children(parent_of(path), last_name_of(path), true);
}

Node* Model::current(std::string_view path) {
  const auto found = timelines_.find(path);
  if (found == timelines_.end() || found->second.versions.empty()) return nullptr;
  Version& last = found->second.versions.back();
  return last.exists ? &last.node : nullptr;
}

// A new version of the node at this place, equal to the last one until the caller changes it.
Node& Model::change(std::string_view path) {
  std::vector<Version>& versions = timelines_[path].versions;
  Version next{.at = at_, .exists = true, .node = {}};
  if (!versions.empty() && versions.back().exists) next.node = versions.back().node;
  return versions.emplace_back(next).node;
}

void Model::change_children(std::string_view parent, std::string_view name, bool added) {
  Node& node = change(parent);
  Timeline& line = timelines_[parent];
  if (line.child_changes.size() % kCheckpoint == 0) line.checkpoints.emplace_back(line.names.begin(), line.names.end());
  line.child_changes.push_back({at_, name, added});
  line.children_events.push_back({at_, EventKind::children_changed});
  if (added) {
    line.names.insert(name);
    ++node.creates;
  } else {
    line.names.erase(name);
  }
  node.stat.pzxid = at_.zxid;
  ++node.stat.cversion;
  node.stat.num_children = static_cast<int32_t>(line.names.size());
}

void Model::apply(const Created& created) {
  const std::string_view path = created.path;
  const Node* parent = current(parent_of(path));
  if (current(path) != nullptr) complain(fmt::format("{} creates {}, which is there", name_of(at_.zxid), path));
  if (parent == nullptr) {
    complain(fmt::format("{} creates {}, whose parent is not there", name_of(at_.zxid), path));
  } else if (parent->stat.ephemeral_owner != SessionId()) {
    complain(fmt::format("{} creates {} beneath an ephemeral node", name_of(at_.zxid), path));
  }
  if (created.owner != SessionId()) {
    const Session* owner = session(created.owner);
    if (owner == nullptr || owner->closed) {
      complain(fmt::format("{} creates the ephemeral node {} of session {:#x}, which is not open", name_of(at_.zxid),
                           path, created.owner.value));
    }
    ephemerals_[created.owner].insert(path);
  }
  change_children(parent_of(path), last_name_of(path), true);
  Node& node = change(path);
  node = {.data = created.data, .stat = {}, .creates = 0};
  node.stat.czxid = node.stat.mzxid = node.stat.pzxid = at_.zxid;
  node.stat.data_length = static_cast<int32_t>(created.data.size());
  node.stat.ephemeral_owner = created.owner;
  timelines_[path].data_events.push_back({at_, EventKind::created});
}

void Model::remove(std::string_view path) {
  const Node* node = current(path);
  if (node == nullptr) return complain(fmt::format("{} deletes {}, which is not there", name_of(at_.zxid), path));
  if (node->stat.num_children > 0) {
    complain(fmt::format("{} deletes {}, which has {} children", name_of(at_.zxid), path, node->stat.num_children));
  }
  if (node->stat.ephemeral_owner != SessionId()) ephemerals_[node->stat.ephemeral_owner].erase(path);
  Timeline& line = timelines_[path];
  line.versions.push_back({.at = at_, .exists = false, .node = {}});
  line.data_events.push_back({at_, EventKind::deleted});
  line.children_events.push_back({at_, EventKind::deleted});
  change_children(parent_of(path), last_name_of(path), false);
}

void Model::apply(const Removed& removed) {
  remove(removed.path);
}

void Model::apply(const DataSet& set) {
  if (current(set.path) == nullptr) {
    return complain(fmt::format("{} sets {}, which is not there", name_of(at_.zxid), set.path));
  }
  Node& node = change(set.path);
  node.data = set.data;
  node.stat.mzxid = at_.zxid;
  node.stat.data_length = static_cast<int32_t>(set.data.size());
  ++node.stat.version;
  timelines_[set.path].data_events.push_back({at_, EventKind::data_changed});
}

void Model::apply(const Checked& checked) {
  if (current(checked.path) == nullptr) {
    complain(fmt::format("{} found {} to hold, which is not there", name_of(at_.zxid), checked.path));
  }
}

// --- sessions

void Model::apply(const SessionOpened& opened) {
  const auto [place, is_new] =
      sessions_.try_emplace(opened.session, Session{.timeout = opened.timeout, .opened = applying_, .closed = {}});
  if (!is_new) complain(fmt::format("{} opens session {:#x} again", name_of(at_.zxid), opened.session.value));
}

// B46: exactly its ephemerals go with a session.
void Model::apply(const SessionClosed& closed) {
  const auto found = sessions_.find(closed.session);
  if (found == sessions_.end() || found->second.closed) {
    complain(fmt::format("{} closes session {:#x}, which is not open", name_of(at_.zxid), closed.session.value));
  } else {
    found->second.closed = applying_;
  }
  const std::set<std::string_view> owned = ephemerals_[closed.session];
  const std::set<std::string_view> removed(closed.ephemerals.begin(), closed.ephemerals.end());
  if (owned != removed) {
    complain(fmt::format("{} closes session {:#x} and removes [{}]; its ephemeral nodes are [{}]", name_of(at_.zxid),
                         closed.session.value, fmt::join(removed, " "), fmt::join(owned, " ")));
  }
  for (const std::string& path : closed.ephemerals) remove(path);
}

// --- looking things up

const Model::Timeline* Model::timeline(std::string_view path) const {
  const auto found = timelines_.find(path);
  return found == timelines_.end() ? nullptr : &found->second;
}

const Node* Model::node(std::string_view path, Position at) const {
  const Timeline* line = timeline(path);
  if (line == nullptr) return nullptr;
  const auto next = std::ranges::upper_bound(line->versions, at, {}, &Version::at);
  if (next == line->versions.begin()) return nullptr;
  const Version& version = *std::prev(next);
  return version.exists ? &version.node : nullptr;
}

const Node* Model::node_before(std::string_view path, Position at) const {
  if (at.change > 0) return node(path, Position{at.zxid, at.change - 1});
  return node(path, after_all_of(Zxid(at.zxid.value - 1)));
}

std::vector<std::string> Model::children(std::string_view path, Zxid at) const {
  const Timeline* line = timeline(path);
  if (line == nullptr || line->child_changes.empty()) return {};
  const auto end = std::ranges::upper_bound(line->child_changes, after_all_of(at), {}, &ChildChange::at);
  const auto count = static_cast<size_t>(end - line->child_changes.begin());
  const size_t checkpoint = std::min(count / kCheckpoint, line->checkpoints.size() - 1);
  std::set<std::string_view> names(line->checkpoints[checkpoint].begin(), line->checkpoints[checkpoint].end());
  for (size_t i = checkpoint * kCheckpoint; i < count; ++i) {
    const ChildChange& change = line->child_changes[i];
    if (change.added) {
      names.insert(change.name);
    } else {
      names.erase(change.name);
    }
  }
  return {names.begin(), names.end()};
}

namespace {

std::optional<NodeEvent> first_after(const std::vector<NodeEvent>& events, Zxid after) {
  const auto next = std::ranges::upper_bound(events, after_all_of(after), {}, &NodeEvent::at);
  return next == events.end() ? std::nullopt : std::optional(*next);
}

}  // namespace

std::optional<NodeEvent> Model::first_data_event(std::string_view path, Zxid after) const {
  const Timeline* line = timeline(path);
  return line == nullptr ? std::nullopt : first_after(line->data_events, after);
}

std::optional<NodeEvent> Model::first_children_event(std::string_view path, Zxid after) const {
  const Timeline* line = timeline(path);
  return line == nullptr ? std::nullopt : first_after(line->children_events, after);
}

void Model::add_changes(std::string_view path, Zxid after, Zxid until, std::vector<Zxid>* out) const {
  const Timeline* line = timeline(path);
  if (line == nullptr) return;
  auto next = std::ranges::upper_bound(line->versions, after_all_of(after), {}, &Version::at);
  for (; next != line->versions.end() && next->at.zxid <= until; ++next) out->push_back(next->at.zxid);
}

std::optional<size_t> Model::find(Zxid zxid) const {
  const auto found = std::ranges::lower_bound(history_.log, zxid, {}, &Transaction::zxid);
  if (found == history_.log.end() || found->zxid != zxid) return std::nullopt;
  return static_cast<size_t>(found - history_.log.begin());
}

const Model::Session* Model::session(SessionId id) const {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

Zxid Model::applied_by(Instant time) const {
  const auto next = std::ranges::upper_bound(history_.log, time, {}, &Transaction::first_applied);
  return next == history_.log.begin() ? Zxid() : std::prev(next)->zxid;
}

Violations check_model(const History& history) {
  return Model(history).violations();
}

}  // namespace conclave::sim::check
