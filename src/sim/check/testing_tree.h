// The rules of the tree once more, as naively as can be: one map, walked in full. For tests alone; it shares nothing
// with Model, so that tests do not ask a checker to confirm itself.
#pragma once

#include <fmt/format.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/check/history.h"

namespace conclave::sim::check::testing {

class Tree {
 public:
  struct Node {
    Bytes data;
    Zxid czxid, mzxid, pzxid;
    int32_t version = 0;
    int32_t creates = 0;
    int32_t deletes = 0;
    SessionId owner;
  };
  struct Outcome {
    Code code = Code::ok;
    std::vector<Answer> answers;  // of the parts
    std::vector<Change> changes;
  };

  Tree() {
    for (const char* path : {"/", "/zookeeper", "/zookeeper/config", "/zookeeper/quota"}) nodes_[path] = {};
  }

  bool has(const std::string& path) const { return nodes_.contains(path); }
  const Node& at(const std::string& path) const { return nodes_.at(path); }

  std::vector<std::string> children(const std::string& path) const {
    const std::string prefix = path == "/" ? "/" : path + "/";
    std::vector<std::string> names;
    for (const auto& [other, node] : nodes_) {
      if (other == "/" || !other.starts_with(prefix)) continue;
      const std::string name = other.substr(prefix.size());
      if (name.find('/') == std::string::npos) names.push_back(name);
    }
    return names;
  }

  std::vector<std::string> owned_by(SessionId session) const {
    std::vector<std::string> paths;
    for (const auto& [path, node] : nodes_) {
      if (node.owner == session && session != SessionId()) paths.push_back(path);
    }
    return paths;
  }

  NodeStat stat(const std::string& path) const {
    const Node& node = nodes_.at(path);
    return {.czxid = node.czxid,
            .mzxid = node.mzxid,
            .pzxid = node.pzxid,
            .version = node.version,
            .cversion = node.creates + node.deletes,
            .data_length = static_cast<int32_t>(node.data.size()),
            .num_children = static_cast<int32_t>(children(path).size()),
            .ephemeral_owner = node.owner};
  }

  // All calls or none, as transaction `zxid` of the session.
  Outcome run(const std::vector<Call>& calls, SessionId session, Zxid zxid) {
    const auto before = nodes_;
    Outcome out;
    for (const Call& call : calls) {
      out.answers.emplace_back();
      out.code = run_one(call, session, zxid, &out);
      out.answers.back().code = out.code;
      if (out.code == Code::ok) continue;
      nodes_ = before;
      out.answers.resize(calls.size(), Answer{.code = static_cast<Code>(-2), .stat = {}});
      for (Answer& answer : out.answers) answer = Answer{.code = answer.code, .stat = {}};
      out.changes.clear();
      break;
    }
    return out;
  }

  void apply(const Change& change, Zxid zxid) {
    if (const auto* created = std::get_if<Created>(&change)) {
      create(created->path, created->data, created->owner, zxid);
    } else if (const auto* set = std::get_if<DataSet>(&change)) {
      nodes_.at(set->path).data = set->data;
      nodes_.at(set->path).mzxid = zxid;
      ++nodes_.at(set->path).version;
    } else if (const auto* removed = std::get_if<Removed>(&change)) {
      remove(removed->path, zxid);
    } else if (const auto* closed = std::get_if<SessionClosed>(&change)) {
      for (const std::string& path : closed->ephemerals) remove(path, zxid);
    }
  }

  // What reads answer.
  Answer read(Action action, const std::string& path) const {
    if (!has(path)) return {.code = Code::no_node, .stat = {}};
    Answer answer{.stat = stat(path)};
    if (action == Action::get) answer.data = at(path).data;
    if (action == Action::children) answer.children = children(path);
    return answer;
  }

 private:
  static std::string parent(const std::string& path) {
    const size_t slash = path.rfind('/');
    return slash == 0 ? "/" : path.substr(0, slash);
  }

  void create(const std::string& path, const Bytes& data, SessionId owner, Zxid zxid) {
    nodes_[path] = {.data = data, .czxid = zxid, .mzxid = zxid, .pzxid = zxid, .owner = owner};
    ++nodes_.at(parent(path)).creates;
    nodes_.at(parent(path)).pzxid = zxid;
  }
  void remove(const std::string& path, Zxid zxid) {
    nodes_.erase(path);
    ++nodes_.at(parent(path)).deletes;
    nodes_.at(parent(path)).pzxid = zxid;
  }

  Code run_one(const Call& call, SessionId session, Zxid zxid, Outcome* out) {
    Answer& answer = out->answers.back();
    if (call.action == Action::create) {
      if (!has(parent(call.path))) return Code::no_node;
      std::string path = call.path;
      if (call.sequential) path += fmt::format("{:010}", at(parent(path)).creates);
      if (has(path)) return Code::node_exists;
      if (at(parent(path)).owner != SessionId()) return Code::no_children_for_ephemerals;
      out->changes.push_back(Created{path, call.data, call.ephemeral ? session : SessionId()});
      apply(out->changes.back(), zxid);
      answer.created = path;
      answer.stat = stat(path);
      return Code::ok;
    }
    if (!has(call.path)) return Code::no_node;
    if (call.version != -1 && call.version != at(call.path).version) return Code::bad_version;
    if (call.action == Action::check) out->changes.push_back(Checked{call.path});
    if (call.action == Action::set) {
      out->changes.push_back(DataSet{call.path, call.data});
      apply(out->changes.back(), zxid);
      answer.stat = stat(call.path);
    }
    if (call.action == Action::remove) {
      if (!children(call.path).empty()) return Code::not_empty;
      out->changes.push_back(Removed{call.path});
      apply(out->changes.back(), zxid);
    }
    return Code::ok;
  }

  std::map<std::string, Node> nodes_;
};

}  // namespace conclave::sim::check::testing
