#include "replica/snapshot_keeper.h"

#include <utility>
#include <vector>

#include "base/log.h"

namespace conclave::replica {

namespace {
constexpr Duration kRetryAfterFailure = Duration::seconds(30);
}  // namespace

struct SnapshotKeeper::Job {
  storage::SnapshotMeta meta;
  std::unique_ptr<state::SnapshotCursor> cursor;
  std::unique_ptr<storage::SnapshotWriter> writer;
  std::vector<std::move_only_function<void()>> waiting;
  Instant began;
};

SnapshotKeeper::SnapshotKeeper(env::World& world, const Options& options, state::Service& service,
                               storage::SnapshotStore& store, Driver& driver)
    : world_(world), options_(options), service_(service), store_(store), driver_(driver) {}

SnapshotKeeper::~SnapshotKeeper() = default;

void SnapshotKeeper::on_applied(size_t payload_bytes) {
  ++entries_since_;
  bytes_since_ += payload_bytes;
}

void SnapshotKeeper::maybe_begin() {
  if (job_ || (entries_since_ < options_.snapshot_entries && bytes_since_ < options_.snapshot_bytes)) return;
  if (world_.clock.now() < retry_at_) return;
  begin_now({});
}

void SnapshotKeeper::begin_now(std::move_only_function<void()> done) {
  if (job_) {
    if (done) job_->waiting.push_back(std::move(done));
    return;
  }
  auto job = std::make_unique<Job>();
  job->meta = {.cell = options_.cell,
               .index = driver_.applied(),
               .ballot = driver_.applied_ballot(),
               .zxid = service_.last_zxid(),
               .taken_ms = world_.clock.wall_ms()};
  job->began = world_.clock.now();
  auto writer = store_.begin(job->meta);
  if (!writer) {
    log::error("replica", "cannot begin a snapshot", {{"reason", writer.error().message}});
    retry_at_ = world_.clock.now() + kRetryAfterFailure;
    return;
  }
  job->writer = std::move(*writer);
  job->cursor = service_.begin_snapshot();
  if (done) job->waiting.push_back(std::move(done));
  job_ = std::move(job);
  ++job_number_;
  entries_since_ = 0;
  bytes_since_ = 0;
  step();
}

void SnapshotKeeper::step() {
  Bytes chunk;
  const bool more = job_->cursor->next(options_.snapshot_slice_bytes, &chunk);
  job_->writer->append(std::move(chunk), [this, number = job_number_, more](Result<> written) {
    if (!job_ || number != job_number_) return;
    if (!written) return committed(std::unexpected(written.error()));
    if (more) return step();
    job_->cursor.reset();
    job_->writer->commit([this, number](Result<storage::SnapshotFile> file) {
      if (job_ && number == job_number_) committed(std::move(file));
    });
  });
}

void SnapshotKeeper::committed(Result<storage::SnapshotFile> file) {
  const std::unique_ptr<Job> job = std::move(job_);
  if (!file) {
    retry_at_ = world_.clock.now() + kRetryAfterFailure;
    log::error("replica", "snapshot failed", {{"reason", file.error().message}});
  } else {
    log::info("replica", "snapshot taken",
              {{"index", to_string(file->meta.index)},
               {"bytes", file->size},
               {"ms", (world_.clock.now() - job->began).ms()}});
    newest_ = file->meta.index;
    const uint64_t kept = options_.entries_kept_in_memory;
    driver_.feed(
        consensus::SnapshotTaken{.index = job->meta.index,
                                 .ballot = job->meta.ballot,
                                 .keep_after = Index(job->meta.index.value > kept ? job->meta.index.value - kept : 0)});
    release_and_purge();
  }
  for (auto& done : job->waiting) done();
}

void SnapshotKeeper::release_and_purge() {
  const auto& files = store_.list();
  if (files.size() >= 2) driver_.journal().release(files[1].meta.index);
  if (files.size() <= options_.snapshots_kept) return;
  store_.purge(options_.snapshots_kept, [](Result<size_t> removed) {
    if (!removed) log::warning("replica", "cannot purge snapshots", {{"reason", removed.error().message}});
  });
}

void SnapshotKeeper::abandon() {
  if (!job_) return;
  ++job_number_;
  const std::unique_ptr<Job> job = std::move(job_);
  for (auto& done : job->waiting) done();
}

void SnapshotKeeper::adopted(const storage::SnapshotFile& file) {
  newest_ = file.meta.index;
  entries_since_ = 0;
  bytes_since_ = 0;
}

}  // namespace conclave::replica
