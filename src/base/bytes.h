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

// Immutable shared bytes. Copying a Blob copies a pointer. Pure; safe to read from any thread.
class Blob {
 public:
  Blob() = default;
  explicit Blob(Bytes bytes) : bytes_(std::make_shared<const Bytes>(std::move(bytes))) {}

  BytesView view() const { return bytes_ ? BytesView(*bytes_) : BytesView(); }
  size_t size() const { return bytes_ ? bytes_->size() : 0; }
  bool empty() const { return size() == 0; }

  friend bool operator==(const Blob& a, const Blob& b) { return a.view() == b.view(); }

 private:
  std::shared_ptr<const Bytes> bytes_;
};

}  // namespace conclave
