// The segment files of a journal as files: made, kept ready, put in place, taken back. A spare is a file of full size
// that is durable under a spare name; putting it in place is a rename and a directory sync (B30), so that no record is
// ever written into a file whose name a crash could take away.
//
// Blocking; on the journal's worker, or before the loop starts.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/files.h"

namespace conclave::storage {

class SegmentPool {
 public:
  SegmentPool(env::Files& files, std::string directory, uint64_t segment_bytes, size_t spares_max)
      : files_(files), directory_(std::move(directory)), segment_bytes_(segment_bytes), spares_max_(spares_max) {}

  // Takes over the spares in the directory, which is there, and removes those that are too many.
  Result<> open();

  // Removes the spares found. For a journal that begins anew, whose numbers begin anew too: the batches of a former
  // life in such a file would pass for its own.
  Result<> discard_spares();

  // A file of at least `bytes_min`, durable under the name of segment `number`. Its content is stale or zero.
  Result<std::unique_ptr<env::File>> place(uint64_t number, uint64_t bytes_min);

  // Makes the segment a spare, or removes it if there are enough. Durable on return.
  Result<> recycle(uint64_t number);

  // Takes one short step towards a spare; true when there is one. Steps are short because appends wait behind them.
  Result<bool> prepare_step();

  std::string path_of(uint64_t number) const;
  size_t spares() const { return spares_.size(); }
  uint64_t spare_bytes() const;

 private:
  struct Spare {
    std::string path;
    uint64_t size = 0;
  };
  std::string new_spare_path();

  env::Files& files_;
  const std::string directory_;
  const uint64_t segment_bytes_;
  const size_t spares_max_;
  std::vector<Spare> spares_;
  uint64_t next_spare_ = 1;
  std::unique_ptr<env::File> growing_;  // the spare being prepared
  Spare growing_spare_;
};

}  // namespace conclave::storage
