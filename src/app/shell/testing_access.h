// What tests of the shell's commands run them on.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "app/shell/access.h"
#include "app/shell/command_line.h"
#include "app/shell/words.h"

namespace conclave::app {

inline Result<Command> parse(const std::string& line) {
  return parse_command(split_words(line).value());
}

// A tree in memory: enough of one for the commands to work on.
class FakeAccess final : public Access {
 public:
  Outcome<client::Created> create(std::string_view path, std::string_view data,
                                  const client::CreateOptions& options) override {
    last_options = options;
    const std::string parent(path.substr(0, std::max<size_t>(1, path.rfind('/'))));
    if (!nodes.contains(parent)) return std::unexpected(client::ErrorCode::no_node);
    if (!nodes.emplace(path, data).second) return std::unexpected(client::ErrorCode::node_exists);
    return client::Created{.path = std::string(path), .stat = {}};
  }
  Outcome<void> remove(std::string_view path, int32_t version) override {
    if (version > 0) return std::unexpected(client::ErrorCode::bad_version);
    if (!names(path).empty()) return std::unexpected(client::ErrorCode::not_empty);
    if (nodes.erase(std::string(path)) == 0) return std::unexpected(client::ErrorCode::no_node);
    return {};
  }
  Outcome<client::Stat> exists(std::string_view path, bool) override { return found<client::Stat>(path, {}); }
  Outcome<client::NodeData> get(std::string_view path, bool) override {
    const auto node = nodes.find(path);
    if (node == nodes.end()) return std::unexpected(client::ErrorCode::no_node);
    return client::NodeData{.data = node->second, .stat = {}};
  }
  Outcome<client::Children> children(std::string_view path, bool) override {
    return found<client::Children>(path, {.names = names(path), .stat = {}});
  }
  Outcome<client::Stat> set(std::string_view path, std::string_view data, int32_t version) override {
    if (version > 0) return std::unexpected(client::ErrorCode::bad_version);
    if (nodes.contains(path)) nodes.find(path)->second = data;
    return found<client::Stat>(path, {});
  }
  Outcome<client::NodeAcl> get_acl(std::string_view path) override {
    return found<client::NodeAcl>(path, {.acl = acls[std::string(path)], .stat = {}});
  }
  Outcome<client::Stat> set_acl(std::string_view path, const client::Acl& acl, int32_t) override {
    acls[std::string(path)] = acl;
    return found<client::Stat>(path, {});
  }
  Outcome<void> sync(std::string_view) override { return {}; }
  Outcome<client::NodeData> reconfig(const client::MemberChange& change) override {
    last_change = change;
    if (refusal != client::ErrorCode::ok) return std::unexpected(refusal);
    return get("/zookeeper/config", false);
  }
  Outcome<int32_t> count_descendants(std::string_view) override { return 5; }
  Outcome<std::vector<std::string>> ephemerals(std::string_view) override { return std::vector<std::string>{"/e"}; }
  Outcome<std::vector<client::Identity>> who_am_i() override { return std::vector<client::Identity>{{"ip", "::1"}}; }
  Outcome<void> add_watch(std::string_view path, client::AddWatchMode mode) override {
    watched = std::string(path) + (mode == client::AddWatchMode::persistent ? "" : "/**");
    return {};
  }
  Outcome<void> remove_watches(std::string_view) override { return std::unexpected(client::ErrorCode::no_watcher); }
  Outcome<void> add_auth(std::string_view scheme, std::string_view) override {
    return scheme == "digest" ? Outcome<void>() : std::unexpected(client::ErrorCode::auth_failed);
  }
  std::string describe() override { return "session 0x1\n"; }

  std::map<std::string, std::string, std::less<>> nodes = {{"/", ""}, {"/zookeeper", ""}};
  std::map<std::string, client::Acl> acls;
  client::CreateOptions last_options;
  client::MemberChange last_change;
  client::ErrorCode refusal = client::ErrorCode::ok;  // of reconfig
  std::string watched;

 private:
  template <class T>
  Outcome<T> found(std::string_view path, T value) {
    if (!nodes.contains(path)) return std::unexpected(client::ErrorCode::no_node);
    return value;
  }
  std::vector<std::string> names(std::string_view path) {
    std::vector<std::string> out;
    const std::string prefix = path == "/" ? "/" : std::string(path) + "/";
    for (const auto& [name, data] : nodes) {
      if (name.size() > prefix.size() && name.starts_with(prefix) &&
          name.find('/', prefix.size()) == std::string::npos) {
        out.push_back(name.substr(prefix.size()));
      }
    }
    return out;
  }
};

}  // namespace conclave::app
