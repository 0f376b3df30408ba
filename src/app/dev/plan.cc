#include "app/dev/plan.h"

#include <fmt/format.h>
#include <utility>

namespace conclave::app {
namespace {

constexpr uint16_t kPeerPortOffset = 100;
constexpr uint16_t kChubbyPortOffset = 200;
constexpr size_t kLineBytesMax = 64 << 10;

// A TOML string that may hold any path.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

env::Address DevPlan::client_address(int id) const {
  return {"127.0.0.1", static_cast<uint16_t>(base_port + id - 1)};
}

env::Address DevPlan::peer_address(int id) const {
  return {"127.0.0.1", static_cast<uint16_t>(base_port + kPeerPortOffset + id - 1)};
}

env::Address DevPlan::chubby_address(int id) const {
  return {"127.0.0.1", static_cast<uint16_t>(base_port + kChubbyPortOffset + id - 1)};
}

std::string DevPlan::replica_directory(int id) const {
  return fmt::format("{}/replica-{}", directory, id);
}
std::string DevPlan::config_path(int id) const {
  return fmt::format("{}/replica-{}.toml", directory, id);
}
std::string DevPlan::log_path(int id) const {
  return fmt::format("{}/replica-{}.log", directory, id);
}

std::string DevPlan::config_text(int id) const {
  std::string out = fmt::format("# Written by `conclave dev`, anew at each start.\n[cell]\nname = \"dev\"\n\n");
  for (int member = 1; member <= replicas; ++member) {
    out += fmt::format("[[cell.members]]\nid = {}\npeer = \"{}\"\nclient = \"{}\"\nchubby = \"{}\"\n\n", member,
                       env::to_string(peer_address(member)), env::to_string(client_address(member)),
                       env::to_string(chubby_address(member)));
  }
  out += fmt::format("[replica]\nid = {}\ndata_directory = {}\n\n", id, in_quotes(replica_directory(id)));
  out += "[clients]\nfour_letter_words = [\"*\"]\n\n";
  out += fmt::format("[consensus]\nengine = {}\n\n", in_quotes(engine));
  out += fmt::format("[log]\nlevel = {}\n", in_quotes(log_level));
  return out;
}

std::string DevPlan::connect_string() const {
  std::string out;
  for (int id = 1; id <= replicas; ++id) out += (id > 1 ? "," : "") + env::to_string(client_address(id));
  return out;
}

std::string DevPlan::chubby_servers() const {
  std::string out;
  for (int id = 1; id <= replicas; ++id) out += (id > 1 ? "," : "") + env::to_string(chubby_address(id));
  return out;
}

std::vector<std::string> LineSplitter::feed(std::string_view bytes) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    pending_ += bytes.substr(0, end);
    const bool complete = end != std::string_view::npos;
    if (complete || pending_.size() >= kLineBytesMax) lines.push_back(std::exchange(pending_, {}));
    if (!complete) break;
    bytes.remove_prefix(end + 1);
  }
  return lines;
}

std::string LineSplitter::rest() {
  return std::exchange(pending_, {});
}

}  // namespace conclave::app
