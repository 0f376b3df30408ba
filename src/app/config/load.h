// From a file to a Configuration: reads it, fills in the values, checks them together. Problems are collected, never
// thrown; when there is an error among them the configuration must not be used.
#pragma once

#include <functional>
#include <string>

#include "app/config/configuration.h"
#include "app/config/problems.h"
#include "base/result.h"

namespace conclave::app {

// Gives the content of a file. Real files in the program, a map in tests.
using FileReader = std::function<Result<std::string>(const std::string& path)>;
Result<std::string> read_whole_file(const std::string& path);

// A file of ZooKeeper's. Reads `myid` in its dataDir and its dynamicConfigFile too.
Configuration load_zoo_cfg(const std::string& path, const FileReader& read, Problems* problems);

// A file in TOML, with Conclave's own names.
Configuration load_toml(const std::string& path, const FileReader& read, Problems* problems);

}  // namespace conclave::app
