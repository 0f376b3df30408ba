// Bytes in three forms. `Bytes` owns and grows; `BytesView` borrows; `Blob` is an immutable, reference-counted
// buffer that the log, the journal, the peers and the state share without copying.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace conclave {

using Bytes = std::string;
using BytesView = std::string_view;

// Immutable shared bytes: a buffer, or a part of one that others share. Copying a Blob copies a pointer. Pure; safe to
// read from any thread.
class Blob {
 public:
  Blob() = default;
  explicit Blob(Bytes bytes) : buffer_(std::make_shared<const Bytes>(std::move(bytes))), part_(*buffer_) {}
  // REQUIRES: `part` is of *buffer, which stays in memory as long as this does.
  Blob(std::shared_ptr<const Bytes> buffer, BytesView part) : buffer_(std::move(buffer)), part_(part) {}

  Blob(const Blob&) = default;
  Blob& operator=(const Blob&) = default;
  // What was moved from is empty.
  Blob(Blob&& other) noexcept : buffer_(std::move(other.buffer_)), part_(std::exchange(other.part_, {})) {}
  Blob& operator=(Blob&& other) noexcept {
    buffer_ = std::move(other.buffer_);
    part_ = std::exchange(other.part_, {});
    return *this;
  }

  BytesView view() const { return part_; }
  size_t size() const { return part_.size(); }
  bool empty() const { return part_.empty(); }

  friend bool operator==(const Blob& a, const Blob& b) { return a.view() == b.view(); }

 private:
  std::shared_ptr<const Bytes> buffer_;
  BytesView part_;
};

}  // namespace conclave
