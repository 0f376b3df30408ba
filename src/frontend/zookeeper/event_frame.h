// The frame that tells a client of a watch event. Pure.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "frontend/zookeeper/watch_manager.h"

namespace conclave::frontend::zookeeper {

// A watch event as the frame that tells of it, appended to `out`.
void write_event(WatchEvent event, std::string_view path, Bytes* out);

}  // namespace conclave::frontend::zookeeper
