// Snapshot directories that nobody wrote, and what a replica does with them: a good file with edits, raw bytes, and a
// file whose checksums all hold around a state that lies. A file with edits gives the state that was saved or an error
// that names file and offset, never another state; a state that loads can be saved and loaded again with its digest.
#include <charconv>
#include <functional>
#include <zstd.h>

#include "base/checksum.h"
#include "base/codec.h"
#include "input.h"
#include "memory_files.h"
#include "state/service/evaluator.h"
#include "storage/inspect.h"
#include "storage/snapshot_format.h"
#include "storage/snapshot_store.h"

namespace conclave::fuzz {
namespace {

using namespace storage;

constexpr CellId kCell(0xCE11);
const SnapshotMeta kMeta{
    .cell = kCell, .index = Index(9), .ballot = {258, ReplicaId(2)}, .zxid = Zxid(90), .taken_ms = 7};

Bytes state_bytes(state::Service& service) {
  Bytes out;
  auto cursor = service.begin_snapshot();
  while (cursor->next(256, &out)) {
  }
  return out;
}

// A small tree of every kind of node, a numbered request and a secret.
Bytes saved_state() {
  state::Service service;
  state::Evaluator evaluator(service, Epoch(1), {});
  const auto run = [&](state::RequestBody body, state::CallNumber call = {}) {
    const SessionId who(std::holds_alternative<state::EpochStartRequest>(body) ? 0 : 5);
    auto made = evaluator.evaluate(
        {.session = who, .identities = {{"super", ""}}, .body = std::move(body), .call = call}, {1'000, {}});
    if (const auto* txn = std::get_if<state::Transaction>(&made)) {
      service.apply(*txn);
      evaluator.on_applied(txn->zxid);
    }
  };
  const state::Acl open = {{state::kAllPermissions, "world", "anyone"}};
  run(state::EpochStartRequest{Bytes(state::kCellSecretBytes, 's')});
  run(state::CreateSessionRequest{SessionId(5), Bytes(16, 'p'), 4'000});
  run(state::CreateRequest{.path = "/a", .data = "data of a", .acl = open});
  run(state::CreateRequest{.path = "/a/b", .acl = {{1, "digest", "alice:x"}}, .sequential = true});
  run(state::CreateRequest{.path = "/c", .acl = open, .kind = state::NodeKind::container, .data_is_null = true});
  run(state::CreateRequest{.path = "/d", .acl = open, .kind = state::NodeKind::ephemeral});
  run(state::CreateRequest{.path = "/e", .acl = open, .kind = state::NodeKind::ttl, .ttl_ms = 99});
  run(state::CreateRequest{.path = "/f", .data = "f", .acl = open, .kind = state::NodeKind::file}, {1, 0});
  run(state::CreateRequest{.path = "/g", .kind = state::NodeKind::open_directory, .inherit_acl = true}, {3, 1});
  return state_bytes(service);
}

// A file around these chunks. With a lie now and then; every checksum holds.
Bytes seal(const std::vector<Bytes>& chunks, const std::function<uint64_t(uint64_t)>& lie) {
  const auto header = encode_snapshot_header(kMeta);
  Bytes out(header.data(), header.size());
  const uint64_t key = snapshot_key(out);
  SnapshotFooter footer{.chunks = chunks.size(), .digest = key};
  for (const Bytes& raw : chunks) {
    Bytes stored = raw;
    ChunkHeader chunk{.encoding = ChunkEncoding::plain};
    if (raw.size() > 64) {
      stored.resize(ZSTD_compressBound(raw.size()));
      stored.resize(ZSTD_compress(stored.data(), stored.size(), raw.data(), raw.size(), 1));
      chunk.encoding = ChunkEncoding::zstd;
    }
    chunk.ordinal = lie(static_cast<uint64_t>(&raw - chunks.data()));
    chunk.stored_bytes = lie(stored.size());
    chunk.raw_bytes = lie(raw.size());
    chunk.checksum = xxh3_64(stored, key);
    const auto encoded = encode_chunk_header(chunk, key);
    out.append(encoded.data(), encoded.size()).append(stored);
    footer.raw_bytes += raw.size();
    footer.digest = extend_digest(footer.digest, BytesView(encoded.data(), encoded.size()));
  }
  footer.file_bytes = lie(out.size() + kSnapshotFooterSize);
  const auto end = encode_snapshot_footer(footer, key);
  return out.append(end.data(), end.size());
}

// The records of a saved state: type, body.
struct StateRecord {
  char type;
  Bytes body;
};
std::vector<StateRecord> records_of(BytesView state) {
  std::vector<StateRecord> out;
  Decoder in(state.substr(8));
  while (!in.done() && in.ok()) {
    const char type = static_cast<char>(in.u8());
    out.push_back({type, Bytes(in.bytes())});
  }
  return out;
}
Bytes joined(const std::vector<StateRecord>& records) {
  Bytes out = "CVSTATE1";
  Encoder encoder(&out);
  for (const StateRecord& record : records) {
    encoder.u8(static_cast<uint8_t>(record.type));
    encoder.bytes(record.body);
  }
  return out;
}

// Edits inside of records: bodies changed, records doubled, dropped, swapped. Their lengths stay right.
Bytes lying_state(Input& in, BytesView truth) {
  std::vector<StateRecord> records = records_of(truth);
  for (size_t edits = in.below(6); edits > 0; --edits) {
    StateRecord& record = records[in.below(records.size())];
    switch (in.below(6)) {
      case 0:
        if (records.size() > 1) records.erase(records.begin() + (&record - records.data()));
        break;
      case 1: {
        const StateRecord copy = record;
        records.insert(records.begin() + static_cast<std::ptrdiff_t>(in.below(records.size())), copy);
        break;
      }
      case 2:
        record.type = static_cast<char>(in.byte());
        break;
      case 3:
        record.body = Bytes(in.bytes());
        break;
      default:
        if (!record.body.empty()) record.body[in.below(record.body.size())] = static_cast<char>(in.byte());
    }
  }
  return joined(records);
}

Result<> load_state(state::Service& service, BytesView bytes, size_t piece) {
  auto loader = service.begin_load();
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    if (auto ok = loader->feed(bytes.substr(0, piece)); !ok) return ok;
  }
  return loader->finish();
}

// The error of a state whose digest alone is wrong tells the right one: put it into the header, so that lies get past
// it.
bool repair_digest(const std::string& message, Bytes* state) {
  constexpr std::string_view kBefore = "its contents give ";
  const size_t at = message.find(kBefore);
  std::vector<StateRecord> records = records_of(*state);
  if (at == std::string::npos || records.empty() || records.front().body.size() < 8) return false;
  uint64_t digest = 0;
  std::from_chars(message.data() + at + kBefore.size(), message.data() + message.size(), digest, 16);
  Bytes& header = records.front().body;
  std::memcpy(header.data() + header.size() - 8, &digest, 8);
  *state = joined(records);
  return true;
}

void check_state(Bytes state, size_t piece) {
  state::Service service;
  auto loaded = load_state(service, state, piece);
  if (!loaded && repair_digest(loaded.error().message, &state)) loaded = load_state(service, state, piece);
  if (!loaded) {
    require(loaded.error().kind == ErrorKind::corrupt, "a refused state is corrupt");
    require(service.node_count() == state::Service().node_count(), "a refused state leaves a fresh one");
    return;
  }
  state::Service again;
  require(load_state(again, state_bytes(service), piece).has_value(), "a state that loaded can be saved and loaded");
  require(again.digest() == service.digest(), "with the same digest");
  (void)service.children("/", {{"super", ""}});
  (void)service.due_for_reaping(1'700'000'000'000);
}

// Reads every file of the directory as a replica and as the inspection commands do.
void check_directory(MemoryFiles& files, const Bytes* truth) {
  for (const auto& [name, content] : std::map(files.contents)) {
    (void)inspect_snapshot(files, name, [](const SnapshotChunkSeen&) {});
  }
  QueueWorker worker;
  env::Faults faults;
  auto store = SnapshotStore::open(files, worker, faults, "snapshots", kCell);
  require(store.has_value(), "a snapshot directory opens");
  const std::vector<SnapshotFile> list = (*store)->list();
  for (const SnapshotFile& file : list) {
    Bytes out;
    const auto loaded = (*store)->load(file, [&](BytesView chunk) -> Result<> {
      out.append(chunk);
      return {};
    });
    if (loaded) {
      require(truth == nullptr || out == *truth, "a file with edits gives the state that was saved, or an error");
      continue;
    }
    require(loaded.error().message.find("snapshots/") != std::string::npos, "an error names its file");
    require((*store)->quarantine(file).has_value(), "a bad file is put aside");
  }
  (*store)->purge(1, [](Result<size_t>) {});
  worker.run();
}

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace conclave;
  using namespace conclave::fuzz;
  static const Bytes kState = saved_state();
  static const Bytes kFile = seal({kState.substr(0, 40), kState.substr(40)}, [](uint64_t truth) { return truth; });
  const std::string name = "snapshots/" + storage::snapshot_name(kMeta);
  Input in(data, size);
  MemoryFiles files;
  switch (in.below(5)) {
    case 0:
      check_state(lying_state(in, kState), 1 + in.byte());
      return 0;
    case 1:
      check_state("CVSTATE1" + Bytes(in.take_rest()), 7);
      return 0;
    case 2: {
      const auto lie = [&](uint64_t truth) { return in.below(16) == 15 ? in.number() : truth; };
      const Bytes state = lying_state(in, kState);
      files.content(name) = seal({state.substr(0, 40), state.substr(std::min<size_t>(40, state.size()))}, lie);
      check_directory(files, nullptr);
      return 0;
    }
    case 3:
      files.content(name) = Bytes(in.take_rest());
      check_directory(files, &kState);
      return 0;
    default:
      files.content(name) = kFile;
      for (size_t edits = 1 + in.below(4); edits > 0; --edits) damage(in, &files.content(name));
      if (in.below(8) == 7) files.content("snapshots/" + Bytes(in.bytes())) = kFile;
      check_directory(files, &kState);
      return 0;
  }
}
