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

CellId Configuration::cell_id() const {
  return CellId(xxh3_64(cell.name));
}

}  // namespace conclave::app
