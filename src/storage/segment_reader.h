// Reads one segment of the journal: its header, batches at known places, and marks at unknown ones. Never writes.
// Blocking; any one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "storage/journal_format.h"
#include "storage/sector.h"

namespace conclave::storage {

// One record of a batch as read. Its identity is known if either copy of its header is whole.
struct RecordSeen {
  uint64_t ordinal = 0;
  uint64_t offset = 0;  // file offset where the record begins
  std::optional<RecordHeader> header;
  bool head_copy_ok = false;       // before the payload
  bool directory_copy_ok = false;  // at the end of the batch
  bool payload_ok = false;
  BytesView payload;  // empty unless payload_ok
};

// The bytes of one batch.
struct BatchImage {
  BatchMark mark;
  bool head_ok = false;
  bool tail_ok = false;
  UnpackedSectors sectors;

  // Views into `sectors`.
  std::vector<RecordSeen> records() const;
};

class SegmentReader {
 public:
  static Result<SegmentReader> open(env::Files& files, const std::string& path, uint64_t number);

  uint64_t number() const { return number_; }
  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }

  struct Header {
    std::optional<SegmentHeader> header;  // nullopt: no copy is whole
    int copies_ok = 0;
  };
  Result<Header> header();

  // The head mark of a batch that begins at `offset`, if one is whole there.
  Result<std::optional<BatchMark>> head_at(uint64_t offset);
  // The first whole mark, of either role, at or after `offset` whose batch has at least `sequence_min`.
  Result<std::optional<BatchMark>> find(uint64_t offset, uint64_t sequence_min);
  Result<BatchImage> load(const BatchMark& mark);
  // Frees the memory read ahead.
  void forget() { window_ = Bytes(); }
  // Was the sector at `offset` written for batch `sequence`?
  Result<bool> written_for(uint64_t offset, uint64_t sequence);

 private:
  SegmentReader(std::unique_ptr<env::File> file, std::string path, uint64_t number, uint64_t size)
      : file_(std::move(file)), path_(std::move(path)), number_(number), size_(size) {}

  // Bytes from `offset`, through a window read ahead; fewer at the end of the file. Valid until the next call.
  Result<BytesView> read(uint64_t offset, uint64_t size);
  std::optional<BatchMark> head_in(BytesView sector, uint64_t offset) const;
  std::optional<BatchMark> tail_in(BytesView sector, uint64_t offset) const;

  std::unique_ptr<env::File> file_;
  std::string path_;
  uint64_t number_;
  uint64_t size_;
  uint64_t window_start_ = 0;
  Bytes window_;
};

}  // namespace conclave::storage
