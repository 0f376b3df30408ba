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

// Compares in a time that does not tell how much of them agrees: one of the two is a secret.
inline bool same_secret(BytesView a, BytesView b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

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
