#include "storage/snapshot_store.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "storage/snapshot_format.h"
#include "storage/snapshot_reader.h"
#include "storage/snapshot_state.h"

namespace conclave::storage {
namespace {

bool newer(const SnapshotFile& a, const SnapshotFile& b) {
  return std::tuple(a.meta.index, a.meta.ballot, a.name) > std::tuple(b.meta.index, b.meta.ballot, b.name);
}

// What purge did on the worker, to be noted on the loop.
struct Purged {
  std::vector<std::string> verified, put_aside, removed;
  Result<> result;
};

Result<> put_aside(const SnapshotState& state, const std::string& name) {
  if (auto ok = state.files.rename(state.path(name), state.path(corrupt_name(name))); !ok) return ok;
  return state.files.sync_directory(state.directory);
}

// Removes only once `keep` whole files, all of them newer, were seen (B34).
Result<> purge_files(const SnapshotState& state, const std::vector<SnapshotFile>& list,
                     const std::set<std::string>& valid, size_t keep, Purged* out) {
  size_t whole = 0;
  for (const SnapshotFile& file : list) {
    const std::string path = state.path(file.name);
    if (whole >= keep) {
      if (auto ok = state.files.remove(path); !ok) return ok;
      out->removed.push_back(file.name);
      continue;
    }
    const auto there = state.files.exists(path);
    if (!there) return std::unexpected(there.error());
    if (*there && valid.contains(file.name)) {
      ++whole;
      continue;
    }
    const auto ok = verify_snapshot(state, path, file.meta);
    if (ok) {
      out->verified.push_back(file.name);
      ++whole;
    } else if (ok.error().kind == ErrorKind::corrupt) {
      log::error("snapshot", "put aside a corrupt snapshot: " + ok.error().message);
      if (auto renamed = put_aside(state, file.name); !renamed) return renamed;
      out->put_aside.push_back(file.name);
    } else {
      log::warning("snapshot", "cannot verify a snapshot: " + ok.error().message);
    }
  }
  return out->removed.empty() ? Result<>() : state.files.sync_directory(state.directory);
}

class SnapshotStoreImpl final : public SnapshotStore {
 public:
  explicit SnapshotStoreImpl(std::shared_ptr<SnapshotState> state) : state_(std::move(state)) {}

  const std::vector<SnapshotFile>& list() const override { return state_->list; }

  Result<> load(const SnapshotFile& file, const std::function<Result<>(BytesView chunk)>& feed) override {
    auto ok = verify_snapshot(*state_, state_->path(file.name), file.meta, feed);
    if (ok) state_->valid.insert(file.name);
    return ok;
  }

  Result<> quarantine(const SnapshotFile& file) override {
    const std::string name = file.name;  // `file` may be an element of the list
    if (auto ok = put_aside(*state_, name); !ok) return ok;
    state_->remove(name);
    return {};
  }

  Result<std::unique_ptr<SnapshotWriter>> begin(const SnapshotMeta& meta) override {
    if (auto ok = check_cell(meta); !ok) return std::unexpected(ok.error());
    return make_snapshot_writer(state_, meta);
  }

  Result<std::unique_ptr<SnapshotReceiver>> receive(const SnapshotMeta& meta, uint64_t size) override {
    if (auto ok = check_cell(meta); !ok) return std::unexpected(ok.error());
    const std::string name = receiving_name(meta, size);
    if (state_->receiving.contains(name)) return fail(ErrorKind::already_exists, name + ": is being received already");
    const auto have = state_->deserted.contains(name) ? Result<uint64_t>(0) : bytes_here(state_->path(name), size);
    if (!have) return std::unexpected(have.error());
    const auto room = state_->files.free_bytes();
    if (!room) return std::unexpected(room.error());
    if (*room < size - *have) {
      return fail(ErrorKind::no_space,
                  fmt::format("{}: {} bytes to come, {} free", state_->path(name), size - *have, *room));
    }
    auto receiver = make_snapshot_receiver(state_, meta, size, *have);
    remove_deserted_receptions();
    return receiver;
  }

  void read(const SnapshotFile& file, uint64_t offset, size_t size,
            std::move_only_function<void(Result<Bytes>)> done) override {
    auto result = std::make_shared<Result<Bytes>>();
    state_->worker.submit(
        [state = std::shared_ptr<const SnapshotState>(state_), path = state_->path(file.name), offset, size, result] {
          auto opened = state->files.open(path, env::Files::Open::read_only);
          *result = opened ? (*opened)->read_at(offset, size) : std::unexpected(opened.error());
        },
        [alive = std::weak_ptr(alive_), result, done = std::move(done)]() mutable {
          if (!alive.expired()) done(std::move(*result));
        });
  }

  void purge(size_t keep, std::move_only_function<void(Result<size_t>)> done) override {
    auto purged = std::make_shared<Purged>();
    state_->worker.submit(
        [state = std::shared_ptr<const SnapshotState>(state_), list = state_->list, valid = state_->valid, keep,
         purged] { purged->result = purge_files(*state, list, valid, std::max<size_t>(keep, 1), purged.get()); },
        [alive = std::weak_ptr(alive_), state = state_, purged, done = std::move(done)]() mutable {
          for (const std::string& name : purged->removed) state->remove(name);
          for (const std::string& name : purged->put_aside) state->remove(name);
          state->valid.insert(purged->verified.begin(), purged->verified.end());
          if (alive.expired()) return;
          if (!purged->result) return done(std::unexpected(purged->result.error()));
          done(purged->removed.size());
        });
  }

 private:
  Result<> check_cell(const SnapshotMeta& meta) const {
    if (meta.cell == state_->cell) return {};
    return fail(ErrorKind::invalid_argument, fmt::format("{}: a snapshot of cell {:016x}, not of cell {:016x}",
                                                         state_->directory, meta.cell.value, state_->cell.value));
  }

  // Partial files without a receiver: another one is coming instead. On the worker, behind what their receivers wrote.
  void remove_deserted_receptions() {
    const auto names = state_->files.list(state_->directory);
    if (!names) return;
    auto deserted = std::make_shared<std::vector<std::string>>();
    for (const std::string& name : *names) {
      const auto parsed = parse_snapshot_name(name, state_->cell);
      if (!parsed || parsed->kind != SnapshotNameKind::receiving || state_->receiving.contains(name)) continue;
      if (state_->deserted.insert(name).second) deserted->push_back(name);
    }
    if (deserted->empty()) return;
    state_->worker.submit(
        [state = std::shared_ptr<const SnapshotState>(state_), deserted] {
          for (const std::string& name : *deserted) (void)state->files.remove(state->path(name));  // else at a start
        },
        [state = state_, deserted] {
          for (const std::string& name : *deserted) state->deserted.erase(name);
        });
  }

  // How much of a partial file can be used.
  Result<uint64_t> bytes_here(const std::string& path, uint64_t size) const {
    const auto there = state_->files.exists(path);
    if (!there) return std::unexpected(there.error());
    if (!*there) return 0;
    const auto file = state_->files.open(path, env::Files::Open::read_only);
    if (!file) return std::unexpected(file.error());
    const auto have = (*file)->size();
    if (!have) return std::unexpected(have.error());
    return *have <= size ? *have : 0;
  }

  const std::shared_ptr<SnapshotState> state_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Lists what is there and removes what no one will finish.
Result<> scan_directory(SnapshotState& state) {
  auto names = state.files.list(state.directory);
  if (!names) return std::unexpected(names.error());
  std::vector<std::string> leftovers;
  std::vector<std::pair<std::string, Index>> receptions;
  for (const std::string& name : *names) {
    const auto parsed = parse_snapshot_name(name, state.cell);
    if (!parsed) continue;
    if (parsed->kind == SnapshotNameKind::partial) leftovers.push_back(name);
    if (parsed->kind == SnapshotNameKind::receiving) receptions.emplace_back(name, parsed->meta.index);
    if (parsed->kind != SnapshotNameKind::complete) continue;
    const std::string path = state.path(name);
    const auto meta = read_snapshot_meta(state.files, path);
    if (!meta && meta.error().kind != ErrorKind::corrupt) return std::unexpected(meta.error());
    if (meta && meta->cell != state.cell) {
      return fail(ErrorKind::invalid_argument, fmt::format("{}: belongs to cell {:016x}, not to cell {:016x}", path,
                                                           meta->cell.value, state.cell.value));
    }
    auto file = state.files.open(path, env::Files::Open::read_only);
    if (!file) return std::unexpected(file.error());
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error());
    state.list.push_back({.meta = parsed->meta, .name = name, .size = *size});
  }
  std::ranges::sort(state.list, newer);
  for (const auto& [name, index] : receptions) {
    if (!state.list.empty() && index <= state.list.front().meta.index) leftovers.push_back(name);
  }
  for (const std::string& name : leftovers) {
    if (auto ok = state.files.remove(state.path(name)); !ok) return ok;
  }
  // A former process may have been killed between a rename and its sync. What is listed here will be relied on.
  return state.files.sync_directory(state.directory);
}

}  // namespace

void SnapshotState::add(const SnapshotFile& file) {
  remove(file.name);
  list.insert(std::ranges::lower_bound(list, file, newer), file);
  valid.insert(file.name);
}

void SnapshotState::remove(const std::string& name) {
  std::erase_if(list, [&](const SnapshotFile& file) { return file.name == name; });
  valid.erase(name);
}

Result<> verify_snapshot(const SnapshotState& state, const std::string& path, const SnapshotMeta& meta,
                         const std::function<Result<>(BytesView)>& feed) {
  const auto found = read_snapshot_meta(state.files, path);
  if (!found) return std::unexpected(found.error());
  if (found->cell != state.cell) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: belongs to cell {:016x}, not to cell {:016x}", path,
                                                         found->cell.value, state.cell.value));
  }
  if (*found != meta) {
    return fail(ErrorKind::corrupt,
                fmt::format("{}: offset 0: holds {}, which is not what its name says", path, snapshot_name(*found)));
  }
  const auto totals =
      read_snapshot(state.files, path, AtBadChunk::stop,
                    [&](const SnapshotChunkSeen& chunk) -> Result<> { return feed ? feed(chunk.data) : Result<>(); });
  if (!totals) return std::unexpected(totals.error());
  return {};
}

Result<std::unique_ptr<SnapshotStore>> SnapshotStore::open(env::Files& files, env::Worker& worker, env::Faults& faults,
                                                           std::string directory, CellId cell) {
  auto state =
      std::make_shared<SnapshotState>(SnapshotState{files, worker, faults, std::move(directory), cell, {}, {}, {}, {}});
  if (auto ok = files.make_directory(state->directory); !ok) return std::unexpected(ok.error());
  if (auto ok = files.sync_directory(""); !ok) return std::unexpected(ok.error());
  if (auto ok = scan_directory(*state); !ok) return std::unexpected(ok.error());
  return std::make_unique<SnapshotStoreImpl>(std::move(state));
}

}  // namespace conclave::storage
