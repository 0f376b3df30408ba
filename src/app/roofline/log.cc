#include "app/roofline/log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace conclave::app::roofline {

Result<std::unique_ptr<Log>> Log::create(env::World world, std::string_view name, Durable durable, uint64_t bytes) {
  auto file = world.journal_files.open(name, env::Files::Open::create_or_truncate);
  if (!file) return std::unexpected(file.error());
  const Bytes zeroes(1 << 20, '\0');
  for (uint64_t at = 0; at < bytes; at += zeroes.size()) {
    const auto size = static_cast<size_t>(std::min<uint64_t>(zeroes.size(), bytes - at));
    if (auto ok = (*file)->write_at(at, BytesView(zeroes).substr(0, size)); !ok) return std::unexpected(ok.error());
  }
  if (auto ok = (*file)->sync(); !ok) return std::unexpected(ok.error());
  if (auto ok = world.journal_files.sync_directory(""); !ok) return std::unexpected(ok.error());
  auto job = std::make_shared<Job>();
  job->file = std::move(*file);
  job->bytes = bytes;
  return std::unique_ptr<Log>(new Log(world, std::move(job), std::move(durable)));
}

Log::Log(env::World world, std::shared_ptr<Job> job, Durable durable)
    : world_(world), job_(std::move(job)), durable_(std::move(durable)) {}

Log::~Log() {
  *alive_ = false;
}

Result<> Log::Job::write() {
  for (const auto& batch : batches) {
    if (bytes - offset < batch->message.size()) offset = 0;
    if (auto ok = file->write_at(offset, batch->message); !ok) return ok;
    offset += batch->message.size();
  }
  return file->sync();
}

void Log::append(std::shared_ptr<const Batch> batch) {
  CONCLAVE_ASSERT(batch->message.size() <= bytes());
  waiting_.push_back(std::move(batch));
  if (idle()) start();
}

void Log::start() {
  writing_ = true;
  job_->batches.swap(waiting_);
  world_.journal_worker.submit([job = job_] { job->result = job->write(); },
                               [this, alive = alive_] {
                                 if (*alive) finished();
                               });
}

void Log::finished() {
  const Result<uint64_t> up_to = job_->result ? Result<uint64_t>(job_->batches.back()->zxid_last)
                                              : Result<uint64_t>(std::unexpected(job_->result.error()));
  job_->batches.clear();
  writing_ = false;
  if (up_to && !waiting_.empty()) start();  // the disk first
  durable_(up_to);
}

}  // namespace conclave::app::roofline
