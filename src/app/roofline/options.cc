#include "app/roofline/options.h"

#include <algorithm>
#include <fmt/format.h>
#include <string_view>

namespace conclave::app::roofline {
namespace {

constexpr std::string_view kRoofline = "--roofline";
constexpr std::string_view kDirectory = "--directory";

std::string_view name_of(std::string_view argument) {
  return argument.substr(0, argument.find('='));
}

}  // namespace

bool asked_for(std::span<const std::string> args) {
  return std::ranges::any_of(args, [](std::string_view arg) { return arg == kRoofline; });
}

std::string usage() {
  return "usage: conclave bench --roofline [options]\n"
         "  --roofline         drive the load at a null log of three processes instead of --servers: what this "
         "machine's\n"
         "                     disk and loopback leave to a service whose software costs nothing; takes every option "
         "of\n"
         "                     the load, and reports the CPU of the three\n"
         "  --directory DIR    where their logs are (default: a temporary directory, removed afterwards); must be on "
         "the\n"
         "                     disk that is to be measured\n"
         "  --serve-only       drive no load: print the addresses and process ids, and serve until SIGINT or SIGTERM\n";
}

Result<Options> parse_options(std::span<const std::string> args) {
  Options options;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string_view name = name_of(args[i]);
    if (args[i] == kRoofline) continue;
    if (args[i] == "--help" || args[i] == "-h") {
      options.help = true;
    } else if (args[i] == "--serve-only") {
      options.serve_only = true;
    } else if (name == kDirectory) {
      if (name.size() < args[i].size()) {
        options.directory = args[i].substr(name.size() + 1);
      } else if (i + 1 < args.size()) {
        options.directory = args[++i];
      }
      if (options.directory.empty())
        return fail(ErrorKind::invalid_argument, fmt::format("{}: a value is missing", kDirectory));
    } else if (name == "--servers" || name == "--watch-pids") {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: with {} the servers are its own", name, kRoofline));
    } else {
      options.load.push_back(args[i]);
    }
  }
  if (options.serve_only && !options.load.empty() && !options.help)
    return fail(ErrorKind::invalid_argument, fmt::format("{}: with --serve-only there is no load", options.load[0]));
  return options;
}

}  // namespace conclave::app::roofline
