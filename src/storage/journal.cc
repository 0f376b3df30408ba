#include "storage/journal.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>
#include <utility>

#include "base/log.h"
#include "base/probe.h"
#include "storage/batch.h"
#include "storage/journal_disk.h"
#include "storage/journal_recovery.h"
#include "storage/recent_batches.h"
#include "storage/sync_times.h"

namespace conclave::storage {
namespace {

constexpr uint64_t kSegmentBytesMin = 16 << 10;
constexpr size_t kIdleJobsMax = 2;
constexpr size_t kIdleBytesMax = 8 << 20;

uint64_t round_up(uint64_t n, uint64_t unit) {
  return (n + unit - 1) / unit * unit;
}

struct LiveSegment {
  uint64_t number = 0;
  uint64_t size = 0;
  Index last;  // highest index that it may hold
};

// What the worker saw of the pool, told to the loop with every completion.
struct PoolFigures {
  uint64_t spare_bytes = 0;
  size_t spares = 0;

  void note(JournalDisk& disk) {
    spare_bytes = disk.pool().spare_bytes();
    spares = disk.pool().spares();
  }
};

template <class T = void>
struct PoolWork : PoolFigures {
  Result<T> result;
};

// A batch on its way: filled on the loop, written by the worker, completed on the loop.
struct Job : PoolFigures {
  Batch batch;
  std::vector<Task> done;
  JournalDisk::Write write;
  bool writes = false;
  Result<Duration> result = Duration{0};
};

// Where writing goes on, as open() leaves it.
struct Position {
  std::deque<LiveSegment> segments;
  uint64_t offset = 0;
  uint64_t next_sequence = 1;
  consensus::HardState hard_state;
  RecentBatches recent;
};

class JournalImpl final : public Journal {
 public:
  JournalImpl(env::Worker& worker, env::Faults& faults, JournalOptions options, std::shared_ptr<JournalDisk> disk,
              Position position, uint64_t records)
      : worker_(worker),
        faults_(faults),
        options_(std::move(options)),
        disk_(std::move(disk)),
        position_(std::move(position)),
        self_(std::make_shared<JournalImpl*>(this)),
        records_(records),
        spare_bytes_(disk_->pool().spare_bytes()),
        spares_(disk_->pool().spares()) {}

  ~JournalImpl() override { *self_ = nullptr; }

  void append(const consensus::Persist& persist, Task done) override {
    if (failure_) return;
    Job& job = job_for(persist);
    job.batch.add(persist);
    job.done.push_back(std::move(done));
    if (!in_flight_) start_next();
  }

  void release(Index index) override {
    if (failure_) return;
    released_ = std::max(released_, index);
    while (position_.segments.size() > 1 && position_.segments.front().last <= index) {
      const LiveSegment released = position_.segments.front();
      position_.segments.pop_front();
      auto done = std::make_shared<PoolWork<>>();
      worker_.submit(
          [disk = disk_, number = released.number, done] {
            done->result = disk->recycle(number);
            done->note(*disk);
          },
          [self = self_, done] {
            JournalImpl* const journal = *self;
            if (!journal) return;
            journal->note(*done);
            if (!done->result) journal->stop(done->result.error());
          });
    }
  }

  void on_failure(std::move_only_function<void(Error)> handler) override {
    if (failure_) return handler(*failure_);
    handler_ = std::move(handler);
  }

  JournalFigures figures() const override {
    JournalFigures out;
    out.segments = position_.segments.size();
    out.bytes_on_disk = spare_bytes_;
    for (const LiveSegment& segment : position_.segments) out.bytes_on_disk += segment.size;
    out.records = records_;
    out.bytes_appended = bytes_appended_;
    out.syncs = syncs_;
    out.sync_p50 = sync_times_.percentile(50);
    out.sync_p99 = sync_times_.percentile(99);
    out.sync_max = sync_times_.percentile(100);
    return out;
  }

  JournalHoldings holdings() const override {
    JournalHoldings out{.segments = position_.segments.size(), .oldest_last = position_.segments.front().last};
    for (const auto& job : waiting_) out.bytes_waiting += job->batch.sectors() * kSectorBytes;
    return out;
  }

 private:
  // The batch that takes `persist`: the last one waiting, unless it would outgrow a segment.
  Job& job_for(const consensus::Persist& persist) {
    const uint64_t room = options_.segment_bytes - kSegmentHeaderBytes;
    const bool shares = !waiting_.empty() &&
                        waiting_.back()->batch.sectors() * kSectorBytes + Batch::bytes_bound(persist) <= room &&
                        !faults_.fires("journal.batch.alone");
    if (!shares) {
      waiting_.push_back(take_idle());
    }
    return *waiting_.back();
  }

  std::shared_ptr<Job> take_idle() {
    if (idle_.empty()) return std::make_shared<Job>();
    std::shared_ptr<Job> job = std::move(idle_.back());
    idle_.pop_back();
    return job;
  }

  void keep_idle(const std::shared_ptr<Job>& job) {
    job->batch.clear();
    if (idle_.size() < kIdleJobsMax && job->batch.capacity() <= kIdleBytesMax) idle_.push_back(job);
  }

  void start_next() {
    if (waiting_.empty()) return;
    in_flight_ = true;
    auto job = std::move(waiting_.front());
    waiting_.pop_front();
    job->writes = !job->batch.empty();
    if (job->writes) place(*job);
    worker_.submit(
        [disk = disk_, job] {
          if (job->writes) job->result = disk->write(job->write);
          job->note(*disk);
        },
        [self = self_, job] {
          if (JournalImpl* const journal = *self) journal->finish(job);
        });
  }

  // Gives the batch its place, in the current segment or at the start of a new one, and seals it.
  void place(Job& job) {
    Batch& batch = job.batch;
    const uint64_t bytes = batch.sectors() * kSectorBytes;
    const bool fits = position_.offset + bytes <= position_.segments.back().size;
    job.write = {};
    if (!fits || faults_.fires("journal.roll.early")) {
      const uint64_t number = position_.segments.back().number + 1;
      const uint64_t size =
          std::max(options_.segment_bytes, round_up(kSegmentHeaderBytes + bytes, kSegmentHeaderBytes));
      job.write.new_segment = SegmentHeader{.cell = options_.cell,
                                            .replica = options_.replica,
                                            .engine = options_.engine,
                                            .number = number,
                                            .previous = position_.segments.back().number,
                                            .first_sequence = position_.next_sequence,
                                            .segment_bytes = size};
      job.write.segment_bytes = size;
      position_.segments.push_back({.number = number, .size = size});
      position_.offset = kSegmentHeaderBytes;
    }
    LiveSegment& segment = position_.segments.back();
    if (batch.hard_state()) position_.hard_state = *batch.hard_state();
    batch.seal({.segment = segment.number,
                .sequence = position_.next_sequence++,
                .start = position_.offset,
                .hard_state = position_.hard_state,
                .recent_batches = position_.recent.count(),
                .recent = position_.recent.touched()});
    position_.recent.push(batch.touched());
    segment.last = std::max(segment.last, batch.touched().last);
    job.write.offset = position_.offset;
    job.write.batch = batch.bytes();
    position_.offset += bytes;
  }

  void finish(const std::shared_ptr<Job>& job) {
    in_flight_ = false;
    if (failure_) return;
    if (!job->result) return stop(job->result.error());
    note(*job);
    if (job->write.new_segment) release(released_);  // the one before was in use when it was asked for
    if (job->writes) {
      ++syncs_;
      records_ += job->batch.records();
      bytes_appended_ += job->batch.bytes().size();
      sync_times_.add(*job->result);
      if (*job->result >= options_.slow_sync) {
        CONCLAVE_PROBE("journal.slow-sync");
        log::warning("journal", "slow sync", {{"ms", job->result->ms()}, {"bytes", job->batch.bytes().size()}});
      }
    }
    std::vector<Task> done = std::exchange(job->done, {});
    keep_idle(job);
    start_next();
    prepare_spare();
    const std::shared_ptr<JournalImpl*> self = self_;
    for (Task& task : done) {
      task();
      if (!*self) return;  // the completion destroyed the journal
    }
  }

  // Has a spare made while the second half of the current segment fills.
  void prepare_spare() {
    if (preparing_ || spares_ > 0 || prepare_failed_for_ == position_.segments.back().number) return;
    if (position_.offset < position_.segments.back().size / 2) return;
    preparing_ = true;
    auto done = std::make_shared<PoolWork<bool>>();
    worker_.submit(
        [disk = disk_, done] {
          done->result = disk->prepare_step();
          done->note(*disk);
        },
        [self = self_, done] {
          if (!*self) return;
          JournalImpl& j = **self;
          j.preparing_ = false;
          j.note(*done);
          if (j.failure_) return;
          if (done->result) return j.prepare_spare();
          // Not a failure yet: no record was at stake, and old segments may become free in time.
          j.prepare_failed_for_ = j.position_.segments.back().number;
          CONCLAVE_PROBE("journal.no-spare-segment");
          log::warning("journal", "cannot prepare the next segment file: " + done->result.error().message);
        });
  }

  void note(const PoolFigures& pool) {
    spares_ = pool.spares;
    spare_bytes_ = pool.spare_bytes;
  }

  void stop(Error error) {
    if (failure_) return;
    failure_ = error;
    waiting_.clear();
    idle_.clear();
    log::error("journal", "stopped: " + error.message);
    auto handler = std::exchange(handler_, nullptr);  // it may destroy the journal
    if (handler) handler(std::move(error));
  }

  env::Worker& worker_;
  env::Faults& faults_;
  const JournalOptions options_;
  const std::shared_ptr<JournalDisk> disk_;
  Position position_;
  const std::shared_ptr<JournalImpl*> self_;  // null once *this is gone: completions check it
  std::deque<std::shared_ptr<Job>> waiting_;
  std::vector<std::shared_ptr<Job>> idle_;  // empty ones, kept for their memory: one fills while another is written
  bool in_flight_ = false;
  bool preparing_ = false;
  uint64_t prepare_failed_for_ = 0;
  Index released_;
  std::optional<Error> failure_;
  std::move_only_function<void(Error)> handler_;
  SyncTimes sync_times_;
  uint64_t records_;
  uint64_t bytes_appended_ = 0;
  uint64_t syncs_ = 0;
  uint64_t spare_bytes_;
  size_t spares_;
};

// Is it the journal of this replica, and of the engine that it runs?
Result<> check_owner(const RecoveredJournal& recovered, const std::string& directory, const JournalOptions& options) {
  for (const RecoveredSegment& segment : recovered.segments) {
    const SegmentHeader& header = segment.header;
    const std::string file = directory + "/" + segment_name(segment.number);
    if (header.cell != options.cell || header.replica != options.replica) {
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: belongs to replica {} of cell {:016x}, not to replica {} of cell {:016x}", file,
                              header.replica.value, header.cell.value, options.replica.value, options.cell.value));
    }
    if (header.engine != options.engine) {
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{}: written by {}, and this replica is to run {}: a cell keeps the engine "
                              "(consensus.engine) that it began with",
                              file, name_of(header.engine), name_of(options.engine)));
    }
  }
  return {};
}

// Begins a new segment at every start. Its number is new, so nothing that a torn write left behind can pass for a part
// of it. Its first batch is the last batch found, written again: those bytes may only have been in the page cache, and
// after a failed sync even a second sync would not bring them to the disk (B36).
Result<Position> begin_segment(JournalDisk& disk, const RecoveredJournal& recovered, const JournalOptions& options) {
  Position position;
  for (const RecoveredSegment& segment : recovered.segments) {
    position.segments.push_back({segment.number, segment.size, segment.last});
  }
  position.hard_state = recovered.hard_state;
  position.recent = recovered.recent;
  uint64_t previous = recovered.segments.empty() ? 0 : recovered.segments.back().number;
  uint64_t first_sequence = recovered.last_sequence + 1;
  Batch batch;
  bool supersedes = false;  // the segment that was the newest holds nothing that the new one does not
  if (recovered.last_batch_whole) {
    first_sequence = recovered.last_sequence;
    for (const RecoveredRecord& record : recovered.last_batch) {
      if (record.truncate_from) {
        batch.add_truncation(*record.truncate_from);
      } else {
        batch.add_entry(record.entry);
      }
    }
    supersedes = recovered.segments.back().header.first_sequence == first_sequence;
    if (supersedes) previous = recovered.segments.back().header.previous;
  } else if (!recovered.segments.empty()) {
    position.recent.push(recovered.last_touched);
    // The last batch stays where it is, with its damage, so make it as durable as it can be.
    if (auto ok = disk.sync_segment(previous); !ok) return std::unexpected(ok.error());
  }
  const uint64_t number = recovered.highest_number + 1;
  const uint64_t bytes = batch.sectors() * kSectorBytes;
  const uint64_t size = std::max(options.segment_bytes, round_up(kSegmentHeaderBytes + bytes, kSegmentHeaderBytes));
  batch.seal({.segment = number,
              .sequence = first_sequence,
              .start = kSegmentHeaderBytes,
              .hard_state = recovered.hard_state,
              .recent_batches = position.recent.count(),
              .recent = position.recent.touched()});
  position.recent.push(batch.touched());
  const SegmentHeader header{.cell = options.cell,
                             .replica = options.replica,
                             .engine = options.engine,
                             .number = number,
                             .previous = previous,
                             .first_sequence = first_sequence,
                             .segment_bytes = size};
  const auto written =
      disk.write({.new_segment = header, .segment_bytes = size, .offset = kSegmentHeaderBytes, .batch = batch.bytes()});
  if (!written) return std::unexpected(written.error());

  for (const uint64_t unused : recovered.void_segments) {
    if (auto ok = disk.recycle(unused); !ok) return std::unexpected(ok.error());
  }
  if (supersedes) {
    if (auto ok = disk.recycle(position.segments.back().number); !ok) return std::unexpected(ok.error());
    position.segments.pop_back();
  } else if (recovered.last_batch_whole && recovered.last_batch_in_segment) {
    // The rest of that segment will never be used: give it back, or many restarts would fill the disk.
    const uint64_t used = recovered.segments.back().last_batch_at;
    if (auto ok = disk.cut(previous, used); !ok) return std::unexpected(ok.error());
    position.segments.back().size = used;
  }
  position.segments.push_back({.number = number, .size = size, .last = batch.touched().last});
  position.offset = kSegmentHeaderBytes + bytes;
  position.next_sequence = first_sequence + 1;
  return position;
}

}  // namespace

Result<Journal::Opened> Journal::open(env::Files& files, env::Worker& worker, const env::Clock& clock,
                                      env::Faults& faults, std::string directory, JournalOptions options,
                                      Index snapshot_index) {
  options.segment_bytes = round_up(std::max(options.segment_bytes, kSegmentBytesMin), kSegmentHeaderBytes);
  auto disk =
      std::make_shared<JournalDisk>(files, clock, faults, directory, options.segment_bytes, options.spare_segments_max);
  if (auto ok = files.make_directory(directory); !ok) return std::unexpected(ok.error());
  if (auto ok = files.sync_directory(""); !ok) return std::unexpected(ok.error());
  auto recovered = recover_journal(files, directory, snapshot_index);
  if (!recovered) return std::unexpected(recovered.error());
  if (auto ok = check_owner(*recovered, directory, options); !ok) return std::unexpected(ok.error());
  if (auto ok = disk->pool().open(); !ok) return std::unexpected(ok.error());
  if (recovered->segments.empty()) {
    if (auto ok = disk->pool().discard_spares(); !ok) return std::unexpected(ok.error());
  }
  auto position = begin_segment(*disk, *recovered, options);
  if (!position) return std::unexpected(position.error());

  Opened out;
  out.journal =
      std::make_unique<JournalImpl>(worker, faults, options, std::move(disk), std::move(*position), recovered->records);
  out.recovered.hard_state = recovered->hard_state;
  out.recovered.at_snapshot = recovered->at_snapshot;
  out.recovered.doubtful = std::move(recovered->doubtful);
  out.recovered.entries = std::move(recovered->entries);
  out.recovered.damaged = std::move(recovered->damaged);
  return out;
}

}  // namespace conclave::storage
