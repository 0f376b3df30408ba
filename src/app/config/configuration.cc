#include "app/config/configuration.h"

#include <algorithm>

#include "base/assert.h"
#include "base/checksum.h"

namespace conclave::app {

const MemberSetting& Configuration::self() const {
  const auto found = std::find_if(cell.members.begin(), cell.members.end(),
                                  [this](const MemberSetting& member) { return member.id == replica.id; });
  CONCLAVE_ASSERT(found != cell.members.end());
  return *found;
}

std::optional<env::Address> Configuration::chubby_listen() const {
  const MemberSetting& member = self();
  if (!chubby.enabled || !member.chubby_address) return std::nullopt;
  // A derived address says where others reach us, which need not be an interface of ours.
  const bool listed = !member.chubby_where.file.empty();
  if (!chubby.address.empty() || !listed) return env::Address{chubby.address, member.chubby_address->port};
  return member.chubby_address;
}

CellId Configuration::cell_id() const {
  return CellId(xxh3_64(cell.name));
}

}  // namespace conclave::app
