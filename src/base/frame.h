// Frames: every message of either side is a 32-bit big-endian length and that many bytes. Pure.
//
// Invariants of FrameReader:
//   F1  A frame that arrives whole is handed out as a view of the input, without a copy; only the head of a frame that
//       is still incomplete is kept.
//   F2  Memory follows the bytes that arrived, never the length that was announced.
#pragma once

#include <cstdint>
#include <cstring>
#include <expected>
#include <string>
#include <utility>

#include "base/byte_order.h"
#include "base/bytes.h"

namespace conclave {

inline constexpr size_t kFrameLengthBytes = 4;

// Starts a frame at the end of `out`; `finish` fills in the length. Between the two append the message to `out`.
class FrameWriter {
 public:
  explicit FrameWriter(Bytes* out) : out_(out), start_(out->size()) { out_->append(kFrameLengthBytes, '\0'); }

  size_t message_bytes() const { return out_->size() - start_ - kFrameLengthBytes; }
  void finish() {
    const int32_t length = big_endian(static_cast<int32_t>(message_bytes()));
    std::memcpy(out_->data() + start_, &length, kFrameLengthBytes);
  }
  // Takes the frame back, as if it had not been started.
  void cancel() { out_->resize(start_); }

 private:
  Bytes* out_;
  size_t start_;
};

// A length that no frame may have: negative, or above the limit.
struct FrameFault {
  int32_t length = 0;
  size_t bytes_max = 0;
  std::string message() const;
};

// Cuts a byte stream into frames.
class FrameReader {
 public:
  explicit FrameReader(size_t frame_bytes_max) : bytes_max_(frame_bytes_max) {}

  void set_frame_bytes_max(size_t bytes) { bytes_max_ = bytes; }

  // Calls `on_frame(BytesView message) -> bool` for each complete frame, in order; the view is valid during the call.
  // When on_frame returns false the rest is kept for `resume`; it may then have destroyed *this only if it also never
  // returns to `feed`, so defer destruction. After a fault no more bytes may be fed.
  template <class OnFrame>
  std::expected<void, FrameFault> feed(BytesView bytes, OnFrame&& on_frame) {
    if (stopped_) {
      pending_.append(bytes);
      return {};
    }
    while (!pending_.empty() && !bytes.empty()) {  // complete the frame begun earlier, and no more than that
      const size_t want = wanted() - pending_.size();
      const size_t take = want < bytes.size() ? want : bytes.size();
      pending_.append(bytes.substr(0, take));
      bytes.remove_prefix(take);
      if (auto checked = check_length(pending_); !checked) return checked;
      if (pending_.size() < kFrameLengthBytes || pending_.size() < wanted()) continue;
      const Bytes whole = std::exchange(pending_, {});
      if (!on_frame(BytesView(whole).substr(kFrameLengthBytes))) {
        stopped_ = true;
        pending_.assign(bytes);
        return {};
      }
    }
    return cut(bytes, on_frame);
  }

  // Goes on after on_frame returned false.
  template <class OnFrame>
  std::expected<void, FrameFault> resume(OnFrame&& on_frame) {
    stopped_ = false;
    const Bytes held = std::exchange(pending_, {});
    return cut(held, on_frame);
  }

  // Part of a frame has arrived and more must come (or frames wait for `resume`).
  bool partial() const { return !pending_.empty(); }
  size_t pending_bytes() const { return pending_.size(); }

 private:
  static int32_t announced(BytesView bytes) {
    int32_t length = 0;
    std::memcpy(&length, bytes.data(), kFrameLengthBytes);
    return big_endian(length);
  }
  // Bytes of the frame at the start of pending_, as far as is known.
  size_t wanted() const {
    if (pending_.size() < kFrameLengthBytes) return kFrameLengthBytes;
    return kFrameLengthBytes + static_cast<size_t>(announced(pending_));
  }
  std::expected<void, FrameFault> check_length(BytesView bytes) const {
    if (bytes.size() < kFrameLengthBytes) return {};
    const int32_t length = announced(bytes);
    if (length < 0 || static_cast<size_t>(length) > bytes_max_) {
      return std::unexpected(FrameFault{.length = length, .bytes_max = bytes_max_});
    }
    return {};
  }
  template <class OnFrame>
  std::expected<void, FrameFault> cut(BytesView bytes, OnFrame&& on_frame) {
    while (bytes.size() >= kFrameLengthBytes) {
      if (auto checked = check_length(bytes); !checked) return checked;
      const size_t whole = kFrameLengthBytes + static_cast<size_t>(announced(bytes));
      if (bytes.size() < whole) break;
      const BytesView message = bytes.substr(kFrameLengthBytes, whole - kFrameLengthBytes);
      bytes.remove_prefix(whole);
      if (!on_frame(message)) {
        stopped_ = true;
        break;
      }
    }
    if (!bytes.empty()) pending_.assign(bytes);
    return {};
  }

  size_t bytes_max_;
  Bytes pending_;
  bool stopped_ = false;
};

}  // namespace conclave
