// Texts as conclave.toml and as zoo.cfg (with its myid and dynamic file): any text gives a configuration that holds
// together or problems that name file, line and reason. The input: a byte that chooses the format, then the texts,
// parted by bytes 0xFF.
#include <algorithm>
#include <map>

#include "app/config/load.h"
#include "app/config/validate.h"
#include "input.h"

namespace conclave::fuzz {
namespace {

using namespace app;

std::string until_separator(BytesView* rest) {
  const size_t end = std::min(rest->find('\xFF'), rest->size());
  std::string out(rest->substr(0, end));
  rest->remove_prefix(std::min(end + 1, rest->size()));
  return out;
}

void check(const Configuration& configuration, const Problems& problems) {
  for (const Problem& problem : problems.sorted()) {
    require(!problem.reason.empty(), "a problem says why");
    require(!problem.where.file.empty(), "a problem names its file");
    (void)to_string(problem);
  }
  if (problems.has_errors()) return;
  const MemberSetting& self = configuration.self();
  require(self.id >= 1 && self.id <= 255, "the own id is in range");
  require(std::ranges::is_sorted(configuration.cell.members, {}, &MemberSetting::id), "members are sorted");
  const bool voters = std::ranges::any_of(configuration.cell.members, [](const auto& member) { return member.voter; });
  require(voters, "somebody votes");
  require(configuration.sessions.timeout_min_ms <= configuration.sessions.timeout_max_ms, "time-outs are in order");
  require(configuration.consensus.heartbeat_ms < configuration.consensus.election_timeout_min_ms,
          "a heartbeat is shorter than an election time-out");
  (void)configuration.cell_id();
}

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace conclave;
  fuzz::Input in(data, size);
  const bool toml = in.flag();
  BytesView rest = in.take_rest();
  const std::string text = fuzz::until_separator(&rest);
  const std::string id = fuzz::until_separator(&rest);
  const std::string dynamic = fuzz::until_separator(&rest);
  const auto read = [&](const std::string& path) -> Result<std::string> {
    if (path == "given") return text;
    if (path.ends_with("/myid")) return id;
    if (path.ends_with("missing")) return fail(ErrorKind::io, "cannot be opened: No such file or directory");
    return dynamic;
  };
  app::Problems problems;
  const app::Configuration configuration =
      toml ? app::load_toml("given", read, &problems) : app::load_zoo_cfg("given", read, &problems);
  fuzz::check(configuration, problems);
  return 0;
}
