// Keys of ZooKeeper's configuration that have no meaning here: why, and which of them must not be ignored because the
// operator would believe in a protection that is not there. Pure.
#pragma once

#include <string_view>

namespace conclave::app {

enum class ZooKeyVerdict {
  ignored,  // named in a warning
  refused,  // asks for a protection that this server does not give: an error
  unknown,  // neither Conclave's nor ZooKeeper's as far as known: a warning too
};

struct ZooKeyAnswer {
  ZooKeyVerdict verdict = ZooKeyVerdict::unknown;
  std::string_view reason;
};

// `key` without the prefix "zookeeper."; settings that do have a meaning are not looked up here.
ZooKeyAnswer answer_zoo_key(std::string_view key, std::string_view value);

}  // namespace conclave::app
