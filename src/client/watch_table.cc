#include "client/watch_table.h"

#include <algorithm>
#include <utility>

namespace conclave::client {

void WatchTable::add(Kind kind, std::string_view path, WatchFunction function) {
  of(kind)[std::string(path)].push_back(std::move(function));
}

void WatchTable::remove(std::string_view path, WatcherType type) {
  const auto forget = [&](Kind kind) {
    const auto found = of(kind).find(path);
    if (found != of(kind).end()) of(kind).erase(found);
  };
  if (type != WatcherType::children) {
    forget(Kind::data);
    forget(Kind::exists);
  }
  if (type != WatcherType::data) forget(Kind::children);
  if (type == WatcherType::any) {
    forget(Kind::persistent);
    forget(Kind::recursive);
  }
}

void WatchTable::clear() {
  for (Paths& paths : watches_) paths.clear();
}

bool WatchTable::empty() const {
  return std::ranges::all_of(watches_, [](const Paths& paths) { return paths.empty(); });
}

void WatchTable::move_out(Paths* paths, std::string_view path, Functions* out) {
  const auto found = paths->find(path);
  if (found == paths->end()) return;
  std::ranges::move(found->second, std::back_inserter(*out));
  paths->erase(found);
}

void WatchTable::copy_out(const Paths& paths, std::string_view path, Functions* out) {
  const auto found = paths.find(path);
  if (found != paths.end()) std::ranges::copy(found->second, std::back_inserter(*out));
}

std::vector<WatchFunction> WatchTable::take(const WatchEvent& event) {
  Functions out;
  switch (event.type) {
    case EventType::node_created:
    case EventType::node_data_changed:
      move_out(&of(Kind::data), event.path, &out);
      move_out(&of(Kind::exists), event.path, &out);
      break;
    case EventType::node_deleted:
      move_out(&of(Kind::data), event.path, &out);
      move_out(&of(Kind::exists), event.path, &out);
      move_out(&of(Kind::children), event.path, &out);
      break;
    case EventType::node_children_changed:
      move_out(&of(Kind::children), event.path, &out);
      copy_out(of(Kind::persistent), event.path, &out);
      return out;
    case EventType::none:
    case EventType::data_watch_removed:
    case EventType::child_watch_removed:
    case EventType::persistent_watch_removed:
      return out;
  }
  copy_out(of(Kind::persistent), event.path, &out);
  for (std::string_view path = event.path; !path.empty();) {
    copy_out(of(Kind::recursive), path, &out);
    const size_t slash = path.rfind('/');
    if (path == "/" || slash == std::string_view::npos) break;  // a server may tell a path that is none
    path = slash == 0 ? std::string_view("/") : path.substr(0, slash);
  }
  return out;
}

std::vector<wire::zookeeper::SetWatches2Request> WatchTable::for_new_server(Zxid last_seen, size_t bytes_max) const {
  using Request = wire::zookeeper::SetWatches2Request;
  static constexpr std::vector<BytesView> Request::* kLists[] = {&Request::data, &Request::exists, &Request::children,
                                                                 &Request::persistent, &Request::persistent_recursive};
  std::vector<Request> out;
  size_t bytes = 0;
  for (size_t kind = 0; kind < std::size(kLists); ++kind) {
    for (const auto& [path, functions] : watches_[kind]) {
      if (out.empty() || bytes + path.size() > bytes_max) {
        out.emplace_back().relative_zxid = last_seen;
        bytes = 0;
      }
      (out.back().*kLists[kind]).push_back(path);
      bytes += path.size() + sizeof(int32_t);
    }
  }
  return out;
}

}  // namespace conclave::client
