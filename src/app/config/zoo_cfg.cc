// Reader of ZooKeeper's zoo.cfg: every key becomes a setting, a member, or a named warning.
#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "app/config/load.h"
#include "app/config/properties.h"
#include "app/config/scalars.h"
#include "app/config/server_line.h"
#include "app/config/settings.h"
#include "app/config/validate.h"
#include "app/config/zoo_keys.h"

namespace conclave::app {
namespace {

constexpr int64_t kZooKeeperDefaultTickMs = 3'000;
constexpr std::string_view kChubbyServer = "conclave.chubby.server.";

class ZooCfg {
 public:
  ZooCfg(std::string path, const FileReader& read, Problems* problems)
      : path_(std::move(path)), read_(read), problems_(*problems) {
    provenance_.file = path_;
    provenance_.zoo_names = true;
  }

  Configuration load() {
    configuration_.sessions.tick_ms = kZooKeeperDefaultTickMs;
    const auto text = read_(path_);
    if (!text) {
      problems_.error({path_, 0}, text.error().message);
      return configuration_;
    }
    const std::vector<Property> properties = parse_properties(*text);
    warn_of_repetition(properties);
    read_tick(properties);
    for (const Property& property : properties) take(property);
    read_dynamic_file();
    place_chubby_addresses();
    read_myid();
    validate(provenance_, &configuration_, &problems_);
    check_peer_type();
    return configuration_;
  }

 private:
  static std::string_view without_prefix(std::string_view key) {
    constexpr std::string_view kPrefix = "zookeeper.";
    return key.starts_with(kPrefix) ? key.substr(kPrefix.size()) : key;
  }

  void warn_of_repetition(const std::vector<Property>& properties) {
    std::map<std::string_view, int> first_line;
    for (const Property& property : properties) {
      const auto [at, fresh] = first_line.emplace(without_prefix(property.key), property.line);
      if (!fresh) {
        problems_.warn(
            {path_, property.line},
            fmt::format("{} is given a second time (first on line {}): this one holds", property.key, at->second));
      }
    }
  }

  // Other values are counted in ticks, so the tick is read before them.
  void read_tick(const std::vector<Property>& properties) {
    for (const Property& property : properties) {
      if (without_prefix(property.key) != "tickTime") continue;
      const auto tick = parse_integer(property.value);
      if (tick && *tick > 0) configuration_.sessions.tick_ms = *tick;
    }
  }

  void take(const Property& property) {
    const SourceLine where{path_, property.line};
    const std::string_view key = without_prefix(property.key);
    if (take_server(key, property.value, where) || take_chubby_server(key, property.value, where)) return;
    if (key == "dynamicConfigFile") {
      dynamic_file_ = property.value;
      dynamic_where_ = where;
      return;
    }
    if (key == "peerType") {
      take_peer_type(property.value, where);
      return;
    }
    constexpr std::string_view kOwnPrefix = "conclave.";
    const Setting* setting =
        key.starts_with(kOwnPrefix) ? find_setting(key.substr(kOwnPrefix.size())) : find_zoo_setting(key);
    if (setting != nullptr) {
      take_setting(*setting, property, where);
      return;
    }
    const ZooKeyAnswer answer = answer_zoo_key(key, property.value);
    switch (answer.verdict) {
      case ZooKeyVerdict::refused:
        problems_.error(where, fmt::format("{}: {}", property.key, answer.reason));
        break;
      case ZooKeyVerdict::ignored:
        problems_.warn(where, fmt::format("{} has no meaning here and is ignored: {}", property.key, answer.reason));
        break;
      case ZooKeyVerdict::unknown:
        problems_.warn(where, fmt::format("{} is ignored: {}", property.key, answer.reason));
        break;
    }
  }

  void take_setting(const Setting& setting, const Property& property, const SourceLine& where) {
    provenance_.lines[std::string(setting.name)] = where;
    provenance_.spelled[std::string(setting.name)] = property.key;
    std::string_view value = property.value;
    // ZooKeeper writes "by the tick" as -1.
    const bool session_limit = setting.name == "sessions.timeout_min_ms" || setting.name == "sessions.timeout_max_ms";
    if (session_limit && value == "-1") value = "0";
    const auto stored = set_from_text(setting, value, configuration_.sessions.tick_ms, &configuration_);
    if (!stored) problems_.error(where, fmt::format("{}: {}", property.key, stored.error().message));
  }

  // server.N, in the main file or in the dynamic one.
  bool take_server(std::string_view key, std::string_view value, const SourceLine& where) {
    constexpr std::string_view kServer = "server.";
    if (!key.starts_with(kServer)) return false;
    const auto id = parse_integer(key.substr(kServer.size()));
    if (!id) {
      problems_.error(where, fmt::format("{}: the id of the server is not a number", key));
      return true;
    }
    auto member = parse_server_value(value);
    if (!member) {
      problems_.error(where, fmt::format("{}: {}", key, member.error().message));
      return true;
    }
    member->id = *id;
    member->where = where;
    std::erase_if(configuration_.cell.members,  // in properties the last of a key holds
                  [&](const MemberSetting& m) { return m.id == *id && m.where.file == where.file; });
    configuration_.cell.members.push_back(*std::move(member));
    return true;
  }

  // conclave.chubby.server.N, which server.N has no place for. The lines may come in any order.
  bool take_chubby_server(std::string_view key, std::string_view value, const SourceLine& where) {
    if (!key.starts_with(kChubbyServer)) return false;
    const auto id = parse_integer(key.substr(kChubbyServer.size()));
    const auto address = parse_address(value);
    if (!id) {
      problems_.error(where, fmt::format("{}: the id of the server is not a number", key));
    } else if (!address) {
      problems_.error(where, fmt::format("{}: {}", key, address.error().message));
    } else {
      chubby_servers_[*id] = {*address, where};  // in properties the last of a key holds
    }
    return true;
  }

  void place_chubby_addresses() {
    for (const auto& [id, given] : chubby_servers_) {
      bool placed = false;
      for (MemberSetting& member : configuration_.cell.members) {
        if (member.id != id) continue;
        std::tie(member.chubby_address, member.chubby_where) = given;
        placed = true;
      }
      if (!placed) problems_.error(given.second, fmt::format("{}{}: there is no server.{}", kChubbyServer, id, id));
    }
  }

  void take_peer_type(std::string_view value, const SourceLine& where) {
    if (value == "observer" || value == "participant") {
      peer_type_observer_ = value == "observer";
      peer_type_where_ = where;
      return;
    }
    problems_.error(where, fmt::format("peerType: \"{}\" is neither observer nor participant", value));
  }

  void read_dynamic_file() {
    if (dynamic_file_.empty()) return;
    const auto text = read_(dynamic_file_);
    if (!text) {
      problems_.error(dynamic_where_, fmt::format("dynamicConfigFile: {} {}", dynamic_file_, text.error().message));
      return;
    }
    for (const Property& property : parse_properties(*text)) {
      const SourceLine where{dynamic_file_, property.line};
      const std::string_view key = without_prefix(property.key);
      if (key == "version" || take_server(key, property.value, where)) continue;
      const ZooKeyAnswer answer = answer_zoo_key(key, property.value);
      problems_.warn(
          where, fmt::format("{} is ignored in a dynamic file: {}", property.key,
                             answer.verdict == ZooKeyVerdict::unknown ? "only server.N stands there" : answer.reason));
    }
  }

  // The id of this replica. Needed as soon as there is a list of servers.
  void read_myid() {
    const std::string& directory = configuration_.replica.data_directory;
    if (directory.empty() || provenance_.lines.contains("replica.id")) return;
    const std::string path = directory + (directory.ends_with('/') ? "myid" : "/myid");
    const bool needed = configuration_.cell.members.size() > 1;
    const auto text = read_(path);
    if (!text) {
      if (needed) {
        problems_.error({path, 0},
                        fmt::format("{}; it must hold the N of this replica's server.N line", text.error().message));
        myid_failed_ = true;
      }
    } else if (const auto id = parse_integer(*text); !id || *id < 1 || *id > 255) {
      problems_.error({path, 1}, fmt::format("\"{}\" is not a replica id from 1 to 255", trim(*text)));
      myid_failed_ = true;
    } else {
      configuration_.replica.id = *id;
      provenance_.lines["replica.id"] = {path, 1};
      provenance_.spelled["replica.id"] = "myid";
    }
    // Told once: keep validate() from complaining that the id is missing.
    if (myid_failed_ && !configuration_.cell.members.empty()) {
      configuration_.replica.id = configuration_.cell.members.front().id;
    }
  }

  // peerType is redundant; a contradiction with the list of servers is a mistake in one of them.
  void check_peer_type() {
    if (!peer_type_observer_ || myid_failed_) return;
    const auto& members = configuration_.cell.members;
    const auto self = std::ranges::find(members, configuration_.replica.id, &MemberSetting::id);
    if (self == members.end() || self->voter != *peer_type_observer_) return;
    problems_.error(peer_type_where_, fmt::format("peerType: {} contradicts server.{}, which is a {}",
                                                  *peer_type_observer_ ? "observer" : "participant", self->id,
                                                  self->voter ? "participant" : "observer"));
  }

  std::string path_;
  const FileReader& read_;
  Problems& problems_;
  Configuration configuration_;
  Provenance provenance_;
  std::map<int64_t, std::pair<env::Address, SourceLine>> chubby_servers_;
  std::string dynamic_file_;
  SourceLine dynamic_where_;
  std::optional<bool> peer_type_observer_;
  SourceLine peer_type_where_;
  bool myid_failed_ = false;
};

}  // namespace

Configuration load_zoo_cfg(const std::string& path, const FileReader& read, Problems* problems) {
  return ZooCfg(path, read, problems).load();
}

}  // namespace conclave::app
