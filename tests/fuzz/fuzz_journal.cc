// Journal directories that nobody wrote: raw bytes, a good journal with edits, and a journal whose checksums all hold
// while its numbers lie. Opening never crashes; an error names file and offset; from edits no entry and no hard state
// comes back that had not been written; a journal that opens takes new entries and gives them back. Recovery and
// inspection agree on what is fatal.
#include <algorithm>
#include <set>

#include "base/checksum.h"
#include "input.h"
#include "memory_files.h"
#include "storage/batch.h"
#include "storage/inspect.h"
#include "storage/journal.h"

namespace conclave::fuzz {
namespace {

using namespace storage;
using consensus::Entry;
using consensus::HardState;
using consensus::Persist;

const JournalOptions kOptions{.cell = CellId(0xCE11), .replica = ReplicaId(1), .segment_bytes = 8 << 10};

Entry entry(uint64_t index, uint64_t round, size_t size) {
  Entry out{.index = Index(index), .ballot = {round, ReplicaId(1)}, .kind = consensus::EntryKind::transaction};
  out.payload = Blob(Bytes(size, static_cast<char>('a' + index % 26)));
  return out;
}

// A journal of three segments, made once, and all that was ever written to it.
struct Written {
  MemoryFiles files;
  std::vector<Entry> entries;
  std::vector<HardState> hard_states{HardState{}};

  Written() {
    QueueWorker worker;
    StoppedClock clock;
    env::Faults faults;
    auto opened = Journal::open(files, worker, clock, faults, "journal", kOptions, Index(0));
    require(opened.has_value(), "a new journal opens");
    for (uint64_t i = 1; i <= 24; ++i) {
      Persist persist{.number = i, .entries = {entry(i, 1 + i / 7, 40 * (i % 5) * (i % 3))}};
      if (i % 3 == 0) persist.hard_state = HardState{.promised = {1 + i / 7, ReplicaId(2)}, .committed = Index(i / 2)};
      if (i % 8 == 7) persist.entries.push_back(entry(i - 2, 2 + i / 7, 700));  // accepted again
      if (i % 11 == 10) persist.truncate_from = Index(i - 1);
      if (persist.hard_state) hard_states.push_back(*persist.hard_state);
      entries.insert(entries.end(), persist.entries.begin(), persist.entries.end());
      opened->journal->append(persist, [] {});
      if (i % 2 == 0) worker.run();
    }
    worker.run();
  }
};

const Written& written() {
  static const Written kWritten;
  return kWritten;
}

// Whole files made anew from numbers that the input chose: every checksum and stamp holds.
Bytes lying_segment(Input& in, uint64_t number) {
  const auto lie = [&](uint64_t truth) { return in.below(8) == 7 ? in.number() : truth; };
  Bytes out = encode_segment_header({.cell = kOptions.cell,
                                     .replica = kOptions.replica,
                                     .number = lie(number),
                                     .previous = lie(number - 1),
                                     .first_sequence = lie(number * 4),
                                     .segment_bytes = lie(kOptions.segment_bytes)});
  uint64_t sequence = number * 4;
  for (size_t batches = in.below(4); batches > 0; --batches, ++sequence) {
    BatchMark mark{.segment = number, .sequence = lie(sequence), .start = lie(out.size()), .sectors = 1 + in.below(3)};
    const uint64_t sectors = mark.sectors;
    mark.sectors = lie(sectors);
    mark.hard_state = {.promised = {lie(1), ReplicaId(2)}, .committed = Index(lie(0))};
    mark.recent_batches = static_cast<uint16_t>(lie(4));
    // Either few positions or more than are ever remembered: what lies between is only slow.
    const uint64_t last = lie(4);
    mark.recent = {.first = Index(lie(1)),
                   .last = Index(last > kLostPositionsMax + 256 ? last : last % 256),
                   .truncated_from = Index(lie(0))};
    Bytes body;
    Bytes directory;
    for (size_t records = in.below(4); records > 0; --records) {
      const BytesView payload = in.bytes().substr(0, 64);
      const RecordHeader header{.type = static_cast<RecordType>(1 + in.below(2)),
                                .kind = static_cast<consensus::EntryKind>(in.below(3)),
                                .index = Index(lie(1 + in.below(8))),
                                .ballot = {lie(1), ReplicaId(1)},
                                .payload_bytes = lie(payload.size()),
                                .payload_checksum = xxh3_64(payload)};
      const auto encoded = encode_record_header(header, {number, sequence, mark.records++});
      body.append(encoded.data(), encoded.size()).append(payload);
      directory.append(encoded.data(), encoded.size());
    }
    mark.body_bytes = lie(body.size());
    mark.records = lie(mark.records);
    const auto head = encode_batch_mark(mark, MarkRole::head);
    const auto tail = encode_batch_mark(mark, MarkRole::tail);
    SectorWriter writer;
    writer.append(BytesView(head.data(), head.size()));
    writer.append(body);
    writer.append(directory);
    writer.pad_to(std::max(sectors * kSectorData - kBatchMarkSize, writer.logical_size()));
    writer.append(BytesView(tail.data(), tail.size()));
    writer.pad_to((writer.logical_size() + kSectorData - 1) / kSectorData * kSectorData);
    writer.stamp(number, mark.sequence, out.size() / kSectorBytes);
    out.append(writer.physical());
  }
  return out;
}

enum class Kind : uint8_t { edited, lying, raw };

Kind prepare(Input& in, MemoryFiles* files) {
  const auto name = [](uint64_t number) { return "journal/" + segment_name(number); };
  switch (in.below(4)) {
    case 0:
      files->content(name(1)) = encode_segment_header({.cell = kOptions.cell,
                                                       .replica = kOptions.replica,
                                                       .number = 1,
                                                       .first_sequence = 1,
                                                       .segment_bytes = kOptions.segment_bytes}) +
                                Bytes(in.take_rest());
      if (!files->content(name(1)).empty() && files->content(name(1)).back() == '!') {
        files->content(name(1)).erase(0, kSegmentHeaderBytes);
      }
      return Kind::raw;
    case 1:
      for (uint64_t number = 1 + in.below(2), last = number + in.below(3); number <= last; ++number) {
        files->content(name(number)) = lying_segment(in, number);
      }
      return Kind::lying;
    default:
      break;
  }
  files->copy_from(written().files);
  std::vector<std::string> names;
  for (const auto& [file, content] : files->contents) names.push_back(file);
  for (size_t edits = 1 + in.below(6); edits > 0 && !in.empty(); --edits) {
    const std::string& file = names[in.below(names.size())];
    const size_t how = in.below(16);
    if (how == 0) {
      files->contents.erase(file);
    } else if (how == 1) {
      // Not into a spare: a number is given once, so none holds batches of a segment that is still to come.
      const auto other = files->contents.find(names[in.below(names.size())]);
      if (other != files->contents.end() && file.find("spare") == std::string::npos) {
        files->content(file) = *other->second;
      }
    } else if (files->contents.contains(file)) {
      damage(in, &files->content(file));
    }
  }
  return Kind::edited;
}

void check_recovered(const consensus::Recovered& recovered) {
  const Written& all = written();
  require(std::ranges::find(all.hard_states, recovered.hard_state) != all.hard_states.end(),
          "a hard state recovered had been written");
  for (const Entry& found : recovered.entries) {
    require(std::ranges::find(all.entries, found) != all.entries.end(), "an entry recovered had been written");
  }
}

void check_order(const consensus::Recovered& recovered) {
  require(std::ranges::is_sorted(recovered.entries, std::ranges::less(), &Entry::index), "entries are sorted");
  require(std::ranges::is_sorted(recovered.damaged), "damaged positions are sorted");
  for (const Index index : recovered.damaged) {
    require(!std::ranges::binary_search(recovered.entries, index, {}, &Entry::index), "a position is damaged or not");
  }
}

// What is appended from here on is there after a restart.
void check_usable(MemoryFiles& files, std::unique_ptr<Journal> journal, QueueWorker& worker, env::Clock& clock,
                  env::Faults& faults) {
  const Entry added = entry(100'000, 900, 300);
  bool durable = false;
  bool failed = false;
  journal->on_failure([&](const Error&) { failed = true; });
  journal->append({.number = 1, .entries = {added}}, [&] { durable = true; });
  worker.run();
  require(durable || failed, "an append is acknowledged or the journal says that it failed");
  journal.reset();
  if (failed) return;
  const auto again = Journal::open(files, worker, clock, faults, "journal", kOptions, Index(0));
  require(again.has_value(), "a journal that opened and was appended to opens again");
  const auto& entries = again->recovered.entries;
  require(!entries.empty() && entries.back() == added, "what was appended after damage survives a restart");
}

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace conclave;
  using namespace conclave::fuzz;
  Input in(data, size);
  MemoryFiles files;
  const Kind kind = prepare(in, &files);
  storage::JournalInspector inspector;
  const auto summary = storage::inspect_journal(files, "journal", inspector);
  QueueWorker worker;
  StoppedClock clock;
  env::Faults faults;
  auto opened = storage::Journal::open(files, worker, clock, faults, "journal", kOptions, Index(0));
  if (!opened) {
    const Error& error = opened.error();
    require(error.message.starts_with("journal"), "an error names its file");
    if (error.kind == ErrorKind::corrupt) {
      require(error.message.find("offset ") != std::string::npos, "damage is told with its offset");
      require(!summary || summary->fatal > 0, "inspection calls fatal what stops a restart");
    }
    return 0;
  }
  require(summary.has_value() && summary->fatal == 0, "inspection calls nothing fatal that a restart survives");
  if (kind == Kind::edited) check_recovered(opened->recovered);
  check_order(opened->recovered);
  const bool room_at_the_end =
      opened->recovered.entries.empty() || opened->recovered.entries.back().index < Index(100'000);
  if (kind == Kind::edited && room_at_the_end) check_usable(files, std::move(opened->journal), worker, clock, faults);
  return 0;
}
