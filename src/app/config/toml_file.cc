// Reader of Conclave's own configuration, in TOML: [section] key = value as in the table of settings, and one
// [[cell.members]] per replica.
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>

#include "app/config/load.h"
#include "app/config/server_line.h"
#include "app/config/settings.h"
#include "app/config/toml_library.h"
#include "app/config/validate.h"

namespace conclave::app {
namespace {

class TomlFile {
 public:
  TomlFile(std::string path, const FileReader& read, Problems* problems)
      : path_(std::move(path)), read_(read), problems_(*problems) {
    provenance_.file = path_;
  }

  Configuration load() {
    const auto text = read_(path_);
    if (!text) {
      problems_.error({path_, 0}, text.error().message);
      return configuration_;
    }
    const toml::parse_result parsed = toml::parse(*text, path_);
    if (!parsed) {
      const int line = static_cast<int>(parsed.error().source().begin.line);
      problems_.error({path_, line}, fmt::format("not TOML: {}", parsed.error().description()));
      return configuration_;
    }
    for (const auto& [section, value] : parsed.table()) take_section(section.str(), value);
    validate(provenance_, &configuration_, &problems_);
    return configuration_;
  }

 private:
  SourceLine line_of(const toml::node& node) const { return {path_, static_cast<int>(node.source().begin.line)}; }

  static bool is_section(std::string_view name) {
    for (const Setting& setting : settings()) {
      if (setting.name.substr(0, setting.name.find('.')) == name) return true;
    }
    return false;
  }

  void take_section(std::string_view section, const toml::node& value) {
    if (!is_section(section)) {
      problems_.error(line_of(value), fmt::format("there is no section [{}]", section));
      return;
    }
    const toml::table* table = value.as_table();
    if (table == nullptr) {
      problems_.error(line_of(value), fmt::format("{} is a section: write [{}]", section, section));
      return;
    }
    for (const auto& [key, node] : *table) {
      const std::string name = fmt::format("{}.{}", section, key.str());
      if (name == "cell.members") {
        take_members(node);
      } else {
        take_setting(name, node);
      }
    }
  }

  void take_setting(const std::string& name, const toml::node& node) {
    const SourceLine where = line_of(node);
    const Setting* setting = find_setting(name);
    if (setting == nullptr) {
      problems_.error(where, fmt::format("there is no setting {}", name));
      return;
    }
    provenance_.lines[name] = where;
    provenance_.spelled[name] = name;
    const Result<> stored = store(*setting, node);
    if (!stored) problems_.error(where, fmt::format("{}: {}", name, stored.error().message));
  }

  Result<> store(const Setting& setting, const toml::node& node) {
    const auto wrong_type = [&] {
      return fail(ErrorKind::invalid_argument,
                  fmt::format("must be {} {}", setting.field.index() == 0 ? "an" : "a", type_of(setting)));
    };
    if (std::holds_alternative<Setting::Integer>(setting.field)) {
      const auto* integer = node.as_integer();
      return integer ? set_integer(setting, integer->get(), &configuration_) : Result<>(wrong_type());
    }
    if (const auto* field = std::get_if<Setting::Boolean>(&setting.field)) {
      const auto* boolean = node.as_boolean();
      if (!boolean) return wrong_type();
      (*field)(configuration_) = boolean->get();
      return {};
    }
    if (std::holds_alternative<Setting::Text>(setting.field)) {
      const auto* text = node.as_string();
      return text ? set_text(setting, text->get(), &configuration_) : Result<>(wrong_type());
    }
    const auto* array = node.as_array();
    if (array == nullptr || !array->is_homogeneous(toml::node_type::string)) {
      if (array == nullptr || !array->empty()) return wrong_type();
    }
    auto& list = std::get<Setting::List>(setting.field)(configuration_);
    list.clear();
    for (const toml::node& item : *array) list.push_back(item.as_string()->get());
    return {};
  }

  void take_members(const toml::node& node) {
    const toml::array* array = node.as_array();
    if (array == nullptr) {
      problems_.error(line_of(node), "cell.members is a list of tables: write [[cell.members]]");
      return;
    }
    for (const toml::node& item : *array) {
      const toml::table* table = item.as_table();
      if (table == nullptr) {
        problems_.error(line_of(item), "a member is a table with id, peer, client, chubby and voter");
      } else {
        take_member(*table);
      }
    }
  }

  void take_member(const toml::table& table) {
    MemberSetting member;
    member.where = line_of(table);
    bool has_id = false;
    for (const auto& [key, node] : table) {
      const SourceLine where = line_of(node);
      if (key == "id" && node.is_integer()) {
        member.id = node.as_integer()->get();
        has_id = true;
      } else if (key == "voter" && node.is_boolean()) {
        member.voter = node.as_boolean()->get();
      } else if (key == "client" && node.is_string()) {
        member.client_address = take_address("client", node);
        member.client_listed = member.client_address.has_value();
      } else if (key == "chubby" && node.is_string()) {
        member.chubby_address = take_address("chubby", node);
        member.chubby_where = where;
      } else if (key == "peer" && node.is_string()) {
        if (auto address = take_address("peer", node)) member.peer_addresses.push_back(*std::move(address));
      } else if (key == "peer" && node.is_array()) {
        for (const toml::node& item : *node.as_array()) {
          if (auto address = take_address("peer", item)) member.peer_addresses.push_back(*std::move(address));
        }
      } else if (key == "id" || key == "voter" || key == "client" || key == "chubby" || key == "peer") {
        problems_.error(where, fmt::format("cell.members: {} has the wrong type", key.str()));
      } else {
        problems_.error(where, fmt::format("cell.members: there is no key {}", key.str()));
      }
    }
    if (!has_id) problems_.error(member.where, "cell.members: id is missing");
    if (!table.contains("peer")) problems_.error(member.where, "cell.members: peer is missing");
    if (has_id) configuration_.cell.members.push_back(std::move(member));
  }

  std::optional<env::Address> take_address(std::string_view key, const toml::node& node) {
    const auto* text = node.as_string();
    const auto address =
        text ? parse_address(text->get()) : Result<env::Address>(fail(ErrorKind::invalid_argument, "must be a text"));
    if (address) return *address;
    problems_.error(line_of(node), fmt::format("cell.members: {}: {}", key, address.error().message));
    return std::nullopt;
  }

  std::string path_;
  const FileReader& read_;
  Problems& problems_;
  Configuration configuration_;
  Provenance provenance_;
};

}  // namespace

Configuration load_toml(const std::string& path, const FileReader& read, Problems* problems) {
  return TomlFile(path, read, problems).load();
}

}  // namespace conclave::app
