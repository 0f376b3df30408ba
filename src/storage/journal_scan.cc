#include "storage/journal_scan.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>

#include "base/plant.h"

namespace conclave::storage {
namespace {

struct Segment {
  SegmentSeen seen;
  SegmentReader reader;
};

class Scan {
 public:
  Scan(env::Files& files, const std::string& directory, Index covered, AtFatal at_fatal, JournalScanVisitor& visitor)
      : files_(files), directory_(directory), covered_(covered), at_fatal_(at_fatal), visitor_(visitor) {}

  Result<> run() {
    if (auto ok = open_segments(); !ok) return ok;
    if (auto ok = find_chain(); !ok) return ok;
    for (const auto& [number, segment] : segments_) visitor_.on_segment(segment.seen);
    for (size_t i = 0; i < chain_.size(); ++i) {
      std::optional<uint64_t> limit;
      if (i + 1 < chain_.size()) {
        limit = segments_.at(chain_[i + 1]).seen.header.first_sequence;
      } else if (written_last_) {
        limit = written_last_->mark.sequence;
      }
      Segment& segment = segments_.at(chain_[i]);
      if (auto ok = scan_segment(segment, limit); !ok) return ok;
      segment.reader.forget();
    }
    if (written_last_) {
      if (auto ok = scan_batch(written_last_->segment->reader, written_last_->mark, false); !ok)
        return std::unexpected(ok.error());
    }
    return {};
  }

 private:
  Result<> problem(const std::string& path, uint64_t offset, std::string what) {
    visitor_.on_problem({path, offset, std::move(what), false});
    return {};
  }
  Result<> fatal(const std::string& path, uint64_t offset, std::string what) {
    if (at_fatal_ == AtFatal::stop) {
      return fail(ErrorKind::corrupt, fmt::format("{}: offset {}: {}", path, offset, what));
    }
    visitor_.on_problem({path, offset, std::move(what), true});
    return {};
  }

  Result<> open_segments() {
    auto names = files_.list(directory_);
    if (!names) return std::unexpected(names.error());
    for (const std::string& name : *names) {
      const auto number = parse_segment_name(name);
      if (!number) continue;
      auto reader = SegmentReader::open(files_, directory_ + "/" + name, *number);
      if (!reader) return std::unexpected(reader.error());
      auto header = reader->header();
      if (!header) return std::unexpected(header.error());
      SegmentSeen seen{.path = reader->path(), .number = *number, .size = reader->size()};
      seen.header_copies_ok = header->copies_ok;
      seen.standing = header->header ? SegmentStanding::live : SegmentStanding::unreadable;
      if (header->header) seen.header = *header->header;
      segments_.emplace(*number, Segment{std::move(seen), std::move(*reader)});
    }
    return {};
  }

  // The live segments: from the newest finished one backwards. A segment gets its header after its first batch is
  // durable, so of one without a header and newer than all others only that batch may count.
  Result<> find_chain() {
    auto newest = segments_.rbegin();
    for (; newest != segments_.rend() && newest->second.seen.standing != SegmentStanding::live; ++newest) {
      if (auto ok = check_unfinished(newest->second); !ok) return ok;
    }
    if (newest == segments_.rend()) {
      written_last_.reset();
      return check_never_used();
    }
    for (uint64_t number = newest->first; number != 0;) {
      const auto it = segments_.find(number);
      if (it == segments_.end()) break;  // released
      if (it->second.seen.standing != SegmentStanding::live) {
        if (auto ok = fatal(it->second.seen.path, 0, "both copies of the segment header are damaged"); !ok) return ok;
        break;
      }
      chain_.push_back(number);
      number = it->second.seen.header.previous;
      if (number >= it->first) {
        if (auto ok = fatal(it->second.seen.path, 0, "the header names a predecessor that is not older"); !ok)
          return ok;
        break;
      }
    }
    std::reverse(chain_.begin(), chain_.end());
    if (auto ok = believe_written_last(); !ok) return ok;
    // Files outside the chain. Between two links, or before a first link without predecessor, stands what a restart
    // wrote again in a newer segment. Below a predecessor that is missing, nothing may stand: segments are released
    // oldest first.
    const uint64_t missing = segments_.at(chain_.front()).seen.header.previous;
    for (auto& [number, segment] : segments_) {
      if (number > chain_.back() || std::ranges::binary_search(chain_, number)) continue;
      if (number > missing) {
        segment.seen.standing = SegmentStanding::superseded;
      } else if (auto ok = fatal(segment.seen.path, 0,
                                 fmt::format("the segment after this one is missing: {} names {} as its predecessor",
                                             segment_name(chain_.front()), segment_name(missing)));
                 !ok) {
        return ok;
      }
    }
    return {};
  }

  Result<> check_unfinished(Segment& segment) {
    auto first = segment.reader.find(kSegmentHeaderBytes, 0);
    if (!first) return std::unexpected(first.error());
    if (*first) {
      auto second = segment.reader.find((*first)->end(), (*first)->sequence + 1);
      if (!second) return std::unexpected(second.error());
      if (*second) return fatal(segment.seen.path, 0, "both copies of the segment header are damaged");
      const auto whole = is_whole(segment.reader, **first);
      if (!whole) return std::unexpected(whole.error());
      if (*whole && !written_last_) written_last_ = WrittenLast{&segment, **first};
    }
    segment.seen.standing = SegmentStanding::unfinished;
    return {};
  }

  Result<bool> is_whole(SegmentReader& reader, const BatchMark& mark) {
    if (mark.start != kSegmentHeaderBytes) return false;
    auto image = reader.load(mark);
    if (!image) return std::unexpected(image.error());
    return image->head_ok && image->tail_ok && image->sectors.foreign == 0 &&
           std::ranges::all_of(image->records(),
                               [](const RecordSeen& record) { return record.header && record.payload_ok; });
  }

  // The first batch of a segment without a header, if it is whole, is the last one written: the header was not written,
  // or the disk lost that write. It may stand there alone, since what it repeats is void, and may be gone, in its old
  // place. Not if the newest finished segment goes on beyond it.
  Result<> believe_written_last() {
    if (!written_last_) return {};
    Segment& newest = segments_.at(chain_.back());
    const uint64_t sequence = written_last_->mark.sequence;
    auto later = newest.reader.find(kSegmentHeaderBytes, sequence + 1);
    if (!later) return std::unexpected(later.error());
    if (*later || sequence < newest.seen.header.first_sequence) written_last_.reset();
    return {};
  }

  // No segment has a header: fine after a crash in the making of the first one, whose first batch says nothing.
  Result<> check_never_used() {
    for (auto& [number, segment] : segments_) {
      auto mark = segment.reader.find(kSegmentHeaderBytes, 0);
      if (!mark) return std::unexpected(mark.error());
      if (*mark && ((*mark)->records > 0 || (*mark)->hard_state != consensus::HardState{})) {
        return fatal(segment.seen.path, 0, "both copies of the segment header are damaged");
      }
    }
    return {};
  }

  // Batches from `limit` on were written again in the next segment. Without a limit this is the newest segment.
  Result<> scan_segment(Segment& segment, std::optional<uint64_t> limit) {
    SegmentReader& reader = segment.reader;
    const std::string& path = segment.seen.path;
    const uint64_t first_sequence = segment.seen.header.first_sequence;
    if (segment.seen.header_copies_ok < 2) {
      if (auto ok = problem(path, 0, "one of two copies of the segment header is damaged"); !ok) return ok;
    }
    uint64_t offset = kSegmentHeaderBytes;
    uint64_t sequence = first_sequence;
    while (!limit || sequence < *limit) {
      auto mark = reader.head_at(offset);
      if (!mark) return std::unexpected(mark.error());
      if (!*mark || (*mark)->sequence != sequence) {
        mark = reader.find(offset, sequence);
        if (!mark) return std::unexpected(mark.error());
        if (!*mark) return end_of_segment(reader, offset, sequence, first_sequence, limit);
        if ((*mark)->sequence != sequence || (*mark)->start != offset) {
          if (auto ok = lost(path, offset, sequence); !ok) return ok;
          sequence = (*mark)->sequence;
          offset = (*mark)->start;
          if (limit && sequence >= *limit) return {};
        }
      }
      const auto torn = scan_batch(reader, **mark, limit.has_value());
      if (!torn) return std::unexpected(torn.error());
      if (*torn) return end_of_journal(path, offset, sequence, first_sequence);
      offset = (*mark)->end();
      ++sequence;
    }
    return {};
  }

  // Returns true if the batch was torn.
  Result<bool> scan_batch(SegmentReader& reader, const BatchMark& mark, bool older_segment) {
    auto image = reader.load(mark);
    if (!image) return std::unexpected(image.error());
    if (image->sectors.foreign > 0) {
      bool durable = older_segment;
      if (!durable) {
        auto later = reader.find(mark.end(), mark.sequence + 1);
        if (!later) return std::unexpected(later.error());
        durable = later->has_value();
      }
      if (!durable) return true;
      const uint64_t at = mark.start + image->sectors.first_foreign * kSectorBytes;
      if (auto ok =
              problem(reader.path(), at,
                      fmt::format("{} sectors of batch {} hold something else", image->sectors.foreign, mark.sequence));
          !ok) {
        return std::unexpected(ok.error());
      }
    }
    if (auto ok = resolve_lost(reader.path(), mark); !ok) return std::unexpected(ok.error());
    if (!image->head_ok) (void)problem(reader.path(), mark.start, "the head mark of the batch is damaged");
    if (!image->tail_ok)
      (void)problem(reader.path(), mark.end() - kSectorBytes, "the tail mark of the batch is damaged");
    if (image->sectors.flipped > 0) (void)problem(reader.path(), mark.start, "a sector stamp of the batch is damaged");
    const std::vector<RecordSeen> records = image->records();
    if (!std::ranges::all_of(records, &RecordSeen::payload_ok) && CONCLAVE_PLANT(damage_cuts_the_journal)) return true;
    bool identity_lost = false;
    for (const RecordSeen& record : records) {
      if (!record.header) {
        identity_lost = true;
        (void)problem(reader.path(), record.offset, "both copies of a record header are damaged");
      } else {
        if (!record.payload_ok) {
          (void)problem(reader.path(), record.offset,
                        fmt::format("the payload of the record of index {} is damaged", record.header->index.value));
        }
        if (!record.head_copy_ok || !record.directory_copy_ok) {
          (void)problem(reader.path(), record.offset, "one of two copies of a record header is damaged");
        }
      }
    }
    visitor_.on_batch({.path = reader.path(),
                       .mark = mark,
                       .head_ok = image->head_ok,
                       .tail_ok = image->tail_ok,
                       .foreign_sectors = image->sectors.foreign,
                       .flipped_stamps = image->sectors.flipped,
                       .records = records});
    if (identity_lost) {
      if (auto ok = lost(reader.path(), mark.start, mark.sequence); !ok) return std::unexpected(ok.error());
    }
    return false;
  }

  // Remembers that batches from `sequence` on are lost; the next whole mark says what they may have held.
  Result<> lost(const std::string& path, uint64_t offset, uint64_t sequence) {
    if (!lost_) lost_ = Lost{path, offset, sequence};
    return problem(path, offset, fmt::format("batch {} is not readable", sequence));
  }

  Result<> resolve_lost(const std::string& path, const BatchMark& next) {
    if (!lost_) return {};
    const Lost was = *std::exchange(lost_, std::nullopt);
    const uint64_t count = next.sequence - was.sequence;
    if (count > next.recent_batches) {
      return fatal(
          was.path, was.offset,
          fmt::format("{} batches are not readable and the next one, at {} offset {}, describes only {} of them", count,
                      path, next.start, next.recent_batches));
    }
    const uint64_t positions = next.recent.positions_above(covered_);
    if (positions > kLostPositionsMax) {
      return fatal(was.path, was.offset,
                   fmt::format("{} batches are not readable and may have held any of {} positions", count, positions));
    }
    visitor_.on_lost({was.sequence, count, next.recent});
    return {};
  }

  Result<> end_of_segment(SegmentReader& reader, uint64_t offset, uint64_t sequence, uint64_t first_sequence,
                          std::optional<uint64_t> limit) {
    if (limit) return lost(reader.path(), offset, sequence);
    const auto written = reader.written_for(offset, sequence);
    if (!written) return std::unexpected(written.error());
    if (*written) {
      return fatal(reader.path(), offset,
                   fmt::format("batch {} was written here and neither of its marks is whole", sequence));
    }
    if (lost_ || sequence == first_sequence) return end_of_journal(reader.path(), offset, sequence, first_sequence);
    return {};
  }

  Result<> end_of_journal(const std::string& path, uint64_t offset, uint64_t sequence, uint64_t first_sequence) {
    if (sequence == first_sequence) {
      return fatal(path, offset, "the first batch of the segment is not whole although it had been durable");
    }
    if (lost_) {
      return fatal(lost_->path, lost_->offset,
                   "the last durable batch is damaged and nothing tells which positions it held");
    }
    visitor_.on_torn({path, offset, sequence});
    return {};
  }

  struct WrittenLast {
    Segment* segment;
    BatchMark mark;
  };
  struct Lost {
    std::string path;
    uint64_t offset = 0;
    uint64_t sequence = 0;
  };

  env::Files& files_;
  const std::string& directory_;
  const Index covered_;
  const AtFatal at_fatal_;
  JournalScanVisitor& visitor_;
  std::map<uint64_t, Segment> segments_;
  std::vector<uint64_t> chain_;  // oldest first
  std::optional<WrittenLast> written_last_;
  std::optional<Lost> lost_;
};

}  // namespace

std::string_view to_string(SegmentStanding standing) {
  switch (standing) {
    case SegmentStanding::live:
      return "live";
    case SegmentStanding::unfinished:
      return "unfinished";
    case SegmentStanding::superseded:
      return "superseded";
    case SegmentStanding::unreadable:
      return "unreadable";
  }
  return "unknown";
}

Result<> scan_journal(env::Files& files, const std::string& directory, Index covered, AtFatal at_fatal,
                      JournalScanVisitor& visitor) {
  return Scan(files, directory, covered, at_fatal, visitor).run();
}

}  // namespace conclave::storage
