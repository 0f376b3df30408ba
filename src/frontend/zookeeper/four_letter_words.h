// Four-letter words: plain-text status for people and monitoring, in the format of ZooKeeper 3.8. Loop thread only.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "frontend/zookeeper/connection.h"
#include "frontend/zookeeper/hub.h"

namespace conclave::frontend::zookeeper {

struct ServerView {
  Hub& hub;
  std::vector<Connection*> connections;  // the asking one included
  std::vector<env::Address> addresses;
  Instant started;
  bool read_only = false;
};

// The whole answer; nullopt if `word` is none of them. A word that is not in Settings::four_letter_words gets
// ZooKeeper's sentence. crst and srst reset counters.
std::optional<Bytes> answer_four_letter_word(std::string_view word, const ServerView& view);

}  // namespace conclave::frontend::zookeeper
