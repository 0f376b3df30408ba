// Checks that need more than one value: the members, this replica's place among them, ranges that depend on each other,
// what is asked for and cannot be given. Also sorts the members and fills in what follows from other values. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "app/config/configuration.h"
#include "app/config/problems.h"

namespace conclave::app {

// Where each setting was given, by the name of the setting in that file, for messages.
struct Provenance {
  std::string file;
  bool zoo_names = false;  // messages about values that were not given use ZooKeeper's names
  std::map<std::string, SourceLine, std::less<>> lines;     // by Setting::name
  std::map<std::string, std::string, std::less<>> spelled;  // Setting::name to the key as written

  SourceLine of(std::string_view setting) const;
  // The key as the user wrote it, or would write it.
  std::string name(std::string_view setting) const;
};

void validate(const Provenance& provenance, Configuration* configuration, Problems* problems);

}  // namespace conclave::app
