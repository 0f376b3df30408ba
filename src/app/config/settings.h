// The one table of settings: name, ZooKeeper's name for it, unit, range, meaning and where it is kept. Both readers
// (TOML and zoo.cfg) and docs/configuration.md follow it, so a setting is added here and nowhere else. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/config/configuration.h"
#include "base/result.h"

namespace conclave::app {

struct Setting {
  using Integer = int64_t& (*)(Configuration&);
  using Boolean = bool& (*)(Configuration&);
  using Text = std::string& (*)(Configuration&);
  using List = std::vector<std::string>& (*)(Configuration&);

  // How ZooKeeper's value becomes ours.
  enum class ZooUnit {
    same,
    ticks,      // a count of ticks (tickTime) becomes milliseconds
    kibibytes,  // becomes bytes
  };

  std::string_view name;      // "section.key", as in TOML
  std::string_view zoo_name;  // key of zoo.cfg without the prefix "zookeeper."; empty: none
  std::variant<Integer, Boolean, Text, List> field;
  std::string_view unit;  // for the reader of the documentation
  std::string_view meaning;
  int64_t min = 0;  // integers
  int64_t max = 0;
  std::vector<std::string_view> choices = {};  // texts: empty means any
  ZooUnit zoo_unit = ZooUnit::same;
};

std::span<const Setting> settings();
const Setting* find_setting(std::string_view name);
const Setting* find_zoo_setting(std::string_view zoo_name);

// Checks the range or the choices and stores. The error is a reason without the name of the setting.
Result<> set_integer(const Setting& setting, int64_t value, Configuration* configuration);
Result<> set_text(const Setting& setting, std::string value, Configuration* configuration);

// From text, as in zoo.cfg and on the command line; `tick_ms` is the length of a tick for ZooUnit::ticks.
Result<> set_from_text(const Setting& setting, std::string_view text, int64_t tick_ms, Configuration* configuration);

// The default as documentation shows it.
std::string default_of(const Setting& setting);
// "integer", "boolean", "text" or "list of texts".
std::string_view type_of(const Setting& setting);
// The row of docs/configuration.md: name, default, unit, ZooKeeper's name, meaning. `conclave server --settings`
// prints them all.
std::string documentation_row(const Setting& setting);

}  // namespace conclave::app
