#include "frontend/zookeeper/event_frame.h"

#include "base/frame.h"
#include "wire/zookeeper/records.h"

namespace conclave::frontend::zookeeper {

namespace wire = conclave::wire::zookeeper;

void write_event(WatchEvent event, std::string_view path, Bytes* out) {
  wire::EventType type{};
  switch (event) {
    case WatchEvent::created:
      type = wire::EventType::node_created;
      break;
    case WatchEvent::deleted:
      type = wire::EventType::node_deleted;
      break;
    case WatchEvent::data_changed:
      type = wire::EventType::node_data_changed;
      break;
    case WatchEvent::children_changed:
      type = wire::EventType::node_children_changed;
      break;
  }
  FrameWriter frame(out);
  wire::Writer writer(out);
  writer.put(wire::ReplyHeader{.xid = wire::kXidNotification, .zxid = wire::kNotificationZxid});
  writer.put(wire::WatcherEvent{.type = type, .path = path});
  frame.finish();
}

}  // namespace conclave::frontend::zookeeper
