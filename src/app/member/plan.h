// A change of the cell's members as a user asks for it, turned into what is asked of the cell. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/types.h"
#include "wire/zookeeper/server_line.h"

namespace conclave::app {

using wire::zookeeper::MemberConfig;
using wire::zookeeper::ServerLine;

// "ID=HOST:PEER[:ELECTION][:ROLE];[HOST:]CLIENT", with "server." before it or not. The election port is that of PEER if
// it is left out, the client's host every interface. Errors: the form; the client's address is missing.
struct MemberSpec {
  ServerLine server;
  bool role_given = false;
};
Result<MemberSpec> parse_member_spec(std::string_view text);

// "voter" or "observer".
std::string_view role_of(const ServerLine& server);

// One request to the cell: all of it takes effect, or nothing.
struct MemberStep {
  std::vector<ServerLine> joining;  // a member that is listed already gets these values
  std::vector<int64_t> leaving;
  std::string done;  // what to say once it is done
};

// Several steps are done one after the other. None: it is as the user wants it already.
struct MemberPlan {
  std::vector<MemberStep> steps;
  std::string note;  // worth saying before the first step; may be empty
};

// Each says in its error, in one line, why it cannot be done and what to do instead.
Result<MemberPlan> plan_add(const MemberConfig& config, const MemberSpec& spec);
Result<MemberPlan> plan_remove(const MemberConfig& config, const std::vector<int64_t>& ids);
Result<MemberPlan> plan_promote(const MemberConfig& config, int64_t id);
// The new one gets the role of the old one unless the spec names a role. With the number of the old one it is a replica
// that has lost its disk: it is removed and then added, since a member is a number and a disk (docs/adr/0015).
Result<MemberPlan> plan_replace(const MemberConfig& config, int64_t old_id, const MemberSpec& spec);

// The request of a step, refused by the cell if its list is not `version` any more.
client::MemberChange change_of(const MemberStep& step, uint64_t version);
// Whether the list is as it is after the step.
bool shows(const MemberConfig& config, const MemberStep& step);

}  // namespace conclave::app
