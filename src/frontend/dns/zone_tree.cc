#include "frontend/dns/zone_tree.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "base/log.h"

namespace conclave::frontend::dns {
namespace {

using conclave::chubby::CallCode;
using conclave::chubby::CallError;
using conclave::chubby::Completion;
using conclave::chubby::Contents;
using conclave::chubby::Directory;
using conclave::chubby::DirectoryEntry;
using conclave::chubby::failed;
using conclave::chubby::HandleId;
using conclave::chubby::Opened;
using conclave::chubby::Outcome;
using conclave::chubby::Stat;

constexpr int kAttempts = 3;         // at a node that is another one whenever we look
constexpr size_t kProblemsTold = 5;  // of one file

// There is no such node, and no mistake in that: it is asked for by whoever sends us a name.
bool is_absence(CallCode code) {
  return code == CallCode::no_node || code == CallCode::not_a_directory || code == CallCode::bad_argument;
}

// The handle is not one of the node that has the name now.
bool is_lost(CallCode code) {
  return code == CallCode::handle_invalid || code == CallCode::session_expired || code == CallCode::not_open ||
         code == CallCode::not_a_file || code == CallCode::not_a_directory;
}

std::string below(const std::string& directory, std::string_view name) {
  return fmt::format("{}/{}", directory == "/" ? "" : directory, name);
}

void tell(const std::string& path, const std::vector<Problem>& problems) {
  for (size_t i = 0; i < problems.size() && i < kProblemsTold; ++i) {
    log::warning("dns", "a line is no record and was passed over",
                 {{"path", path}, {"line", problems[i].line}, {"reason", problems[i].reason}});
  }
  if (problems.size() <= kProblemsTold) return;
  log::warning("dns", "more lines of it are no records", {{"path", path}, {"lines", problems.size() - kProblemsTold}});
}

}  // namespace

// The parts of a directory, until all are there.
struct ZoneTree::Gathering {
  NodeRecords node{.exists = true};
  size_t missing = 1;  // one more, until all are asked for
  std::optional<CallError> error;
  Done done;

  void got_one() {
    if (--missing > 0) return;
    Outcome<NodeRecords> outcome = std::move(node);
    if (error) outcome = std::unexpected(std::move(*error));
    done(std::move(outcome));
  }
};

ZoneTree::ZoneTree(conclave::chubby::LockService& service, Zone zone, uint32_t ttl, TreeLimits limits)
    : service_(service), zone_(std::move(zone)), ttl_(ttl), known_(limits.nodes_max, limits.bytes_max) {}

ZoneTree::~ZoneTree() {
  for (const HandleId handle : known_.forget_all()) close(handle);
}

void ZoneTree::look_up(const Name& name, Done done) {
  const std::optional<std::string> path = path_of(zone_, name);
  if (!path) return done(NodeRecords());
  const KnownNode* const known = known_.find(*path);
  if (known != nullptr && known->ephemeral) return look_up_ephemeral(*path, std::move(done));
  view(*path, kAttempts, [this, path = *path, done = std::move(done)](Outcome<View> view) mutable {
    if (!view) return done(std::unexpected(std::move(view.error())));
    if (view->directory) return gather(path, view->listing, std::move(done));
    NodeRecords node{.exists = view->exists};
    if (view->records) node.parts.push_back(std::move(view->records));
    done(std::move(node));
  });
}

// Whatever it is now, it is not opened unless its contents are new (Z2).
void ZoneTree::look_up_ephemeral(const std::string& path, Done done) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
  view(directory, kAttempts, [this, path, slash, done = std::move(done)](Outcome<View> view) mutable {
    if (!view) return done(std::unexpected(std::move(view.error())));
    const auto entry = std::ranges::find(view->listing, path.substr(slash + 1), &DirectoryEntry::name);
    if (entry == view->listing.end()) {
      forget(path);
      return done(NodeRecords());
    }
    read_listed(path, entry->stat, [done = std::move(done)](Outcome<Records> records) mutable {
      if (!records) return done(std::unexpected(std::move(records.error())));
      done(NodeRecords{.exists = *records != nullptr, .parts = {*records}});
    });
  });
}

void ZoneTree::view(const std::string& path, int attempts, Viewed done) {
  const KnownNode* const known = known_.find(path);
  if (known == nullptr || known->handle == HandleId()) return open(path, attempts, std::move(done));
  use(path, known->handle, known->directory, attempts, std::move(done));
}

conclave::chubby::CallId ZoneTree::open_node(const std::string& path, Completion<Opened> done) {
  // A handle that comes too late is closed.
  auto then = [alive = std::weak_ptr(alive_), &service = service_,
               done = std::move(done)](Outcome<Opened> opened) mutable {
    if (!alive.expired()) return done(std::move(opened));
    if (opened) service.close(opened->handle, nullptr);
  };
  if (path == "/") return service_.open(path, {}, std::move(then));
  // From the root, so that no label is taken for the name of a cell.
  return service_.open(service_.root(), std::string_view(path).substr(1), {}, std::move(then));
}

void ZoneTree::open(const std::string& path, int attempts, Viewed done) {
  open_node(path, [this, path, attempts, done = std::move(done)](Outcome<Opened> opened) mutable {
    if (!opened) {
      if (!is_absence(opened.error().code)) return done(std::unexpected(std::move(opened.error())));
      forget(path);
      return done(View());
    }
    const Stat& stat = opened->stat;
    const HandleId handle = opened->handle;
    if (!stat.ephemeral || stat.directory) {
      KnownNode node{.path = path, .handle = handle, .directory = stat.directory};
      const KnownNode* const known = known_.find(path);
      if (known != nullptr && known->records) {
        node.instance = known->instance;
        node.generation = known->generation;
        node.records = known->records;
      }
      keep(std::move(node));
    }
    if (!stat.ephemeral || stat.directory) return use(path, handle, stat.directory, attempts, std::move(done));
    use(path, handle, false, attempts, [this, handle, done = std::move(done)](Outcome<View> view) mutable {
      close(handle);
      done(std::move(view));
    });
  });
}

void ZoneTree::use(const std::string& path, HandleId handle, bool directory, int attempts, Viewed done) {
  if (directory) {
    service_.read_directory(handle,
                            guarded([this, path, attempts, done = std::move(done)](Outcome<Directory> listing) mutable {
                              if (!listing) return look_again(path, attempts, listing.error(), std::move(done));
                              done(View{.exists = true, .directory = true, .listing = *std::move(listing)});
                            }));
    return;
  }
  service_.get_contents(handle,
                        guarded([this, path, attempts, done = std::move(done)](Outcome<Contents> contents) mutable {
                          if (!contents) return look_again(path, attempts, contents.error(), std::move(done));
                          done(View{.exists = true, .records = records_of(path, *contents)});
                        }));
}

void ZoneTree::look_again(const std::string& path, int attempts, const CallError& error, Viewed done) {
  if (!is_lost(error.code)) return done(std::unexpected(error));
  forget(path);
  if (attempts <= 1) return done(std::unexpected(error));
  open(path, attempts - 1, std::move(done));
}

void ZoneTree::gather(const std::string& path, const Directory& listing, Done done) {
  const auto gathering = std::make_shared<Gathering>();
  gathering->done = std::move(done);
  std::vector<const DirectoryEntry*> files;
  for (const DirectoryEntry& entry : listing) {
    if (!entry.stat.directory && (entry.stat.ephemeral || entry.name == kOwnRecords)) files.push_back(&entry);
  }
  gathering->node.parts.resize(files.size());
  gathering->missing += files.size();
  for (size_t i = 0; i < files.size(); ++i) {
    read_listed(below(path, files[i]->name), files[i]->stat, [gathering, i](Outcome<Records> records) {
      if (records) {
        gathering->node.parts[i] = *std::move(records);
      } else {
        gathering->error = std::move(records.error());
      }
      gathering->got_one();
    });
  }
  gathering->got_one();
}

void ZoneTree::read_listed(const std::string& path, const Stat& stat, Completion<Records> done) {
  const KnownNode* const known = known_.find(path);
  if (known != nullptr && known->is_of(stat)) return done(known->records);
  open_node(path, [this, path, done = std::move(done)](Outcome<Opened> opened) mutable {
    if (!opened) {
      if (is_absence(opened.error().code)) return done(Records());
      return done(std::unexpected(std::move(opened.error())));
    }
    const HandleId handle = opened->handle;
    service_.get_contents(handle,
                          guarded([this, path, handle, done = std::move(done)](Outcome<Contents> contents) mutable {
                            close(handle);
                            if (contents) return done(records_of(path, *contents));
                            const CallCode code = contents.error().code;
                            if (code == CallCode::handle_invalid || code == CallCode::not_a_file)
                              return done(Records());
                            done(std::unexpected(std::move(contents.error())));
                          }));
  });
}

Records ZoneTree::records_of(const std::string& path, const Contents& contents) {
  const Stat& stat = contents.stat;
  const KnownNode* const known = known_.find(path);
  if (known != nullptr && known->is_of(stat)) return known->records;
  FileRecords parsed = parse_records(contents.contents, zone_.apex, ttl_);
  tell(path, parsed.problems);
  auto records = std::make_shared<const std::vector<FileRecord>>(std::move(parsed.records));
  if (known != nullptr && known->directory) return records;  // it is something else already
  keep({.path = path,
        .handle = known == nullptr || stat.ephemeral ? HandleId() : known->handle,
        .ephemeral = stat.ephemeral,
        .instance = stat.instance,
        .generation = stat.content_generation,
        .records = records});
  return records;
}

void ZoneTree::keep(KnownNode node) {
  for (const HandleId handle : known_.keep(std::move(node))) close(handle);
}

void ZoneTree::forget(const std::string& path) {
  if (const HandleId handle = known_.forget(path); handle != HandleId()) close(handle);
}

}  // namespace conclave::frontend::dns
