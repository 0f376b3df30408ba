#include "app/roofline/batch.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/assert.h"
#include "base/checksum.h"

namespace conclave::app::roofline {
namespace {

void set_header(Bytes* message, const Header& header) {
  std::memcpy(message->data(), &header, sizeof(header));
}

}  // namespace

Header header_of(BytesView message) {
  CONCLAVE_ASSERT(message.size() >= sizeof(Header));
  Header header;
  std::memcpy(&header, message.data(), sizeof(header));
  return header;
}

Bytes bare_message(Kind kind, uint64_t zxid, uint32_t count) {
  Bytes message(sizeof(Header), '\0');
  set_header(&message, {.kind = kind, .count = count, .zxid = zxid});
  return message;
}

void Gathering::begin() {
  message_.reserve(bytes_usual_);
  message_.assign(sizeof(Header), '\0');
}

void Gathering::add(Origin origin, BytesView frame) {
  if (empty()) begin();
  char head[sizeof(Origin) + kLengthBytes];
  std::memcpy(head, &origin, sizeof(origin));
  const uint32_t size = big_endian(static_cast<uint32_t>(frame.size()));
  std::memcpy(head + sizeof(origin), &size, sizeof(size));
  message_.append(head, sizeof(head));
  message_.append(frame);
  ++count_;
}

void Gathering::add_all(BytesView records, uint32_t count) {
  if (count == 0) return;
  if (empty()) begin();
  message_.append(records);
  count_ += count;
}

Bytes Gathering::take(Kind kind, uint64_t zxid) {
  CONCLAVE_ASSERT(!empty());
  const BytesView records = records_of(message_);
  set_header(&message_, {.records_bytes = static_cast<uint32_t>(records.size()),
                         .kind = kind,
                         .count = count_,
                         .zxid = zxid + count_,
                         .checksum = kind == Kind::batch ? xxh3_64(records) : 0});
  bytes_usual_ = message_.size() + message_.size() / 4;
  count_ = 0;
  return std::exchange(message_, {});
}

std::shared_ptr<const Batch> make_batch(Bytes message) {
  const Header header = header_of(message);
  CONCLAVE_ASSERT(header.count > 0);
  return std::make_shared<const Batch>(
      Batch{.message = std::move(message), .zxid_first = header.zxid - header.count + 1, .zxid_last = header.zxid});
}

Result<> MessageReader::take_from(BytesView* bytes) {
  // The header first: it says how much room to make for all of it.
  if (message_.size() < sizeof(Header)) {
    const size_t n = std::min(sizeof(Header) - message_.size(), bytes->size());
    message_.append(bytes->substr(0, n));
    bytes->remove_prefix(n);
    if (message_.size() < sizeof(Header)) return {};
    const Header header = header_of(message_);
    if (header.kind < Kind::hello || header.kind > Kind::commit || header.records_bytes > kRecordsBytesMax)
      return fail(ErrorKind::corrupt, fmt::format("a message of kind {} with {} bytes of records",
                                                  static_cast<uint32_t>(header.kind), header.records_bytes));
    message_.reserve(sizeof(Header) + header.records_bytes);
  }
  const size_t n = std::min(sizeof(Header) + header_of(message_).records_bytes - message_.size(), bytes->size());
  message_.append(bytes->substr(0, n));
  bytes->remove_prefix(n);
  return {};
}

bool MessageReader::complete() const {
  return message_.size() >= sizeof(Header) && message_.size() == sizeof(Header) + header_of(message_).records_bytes;
}

}  // namespace conclave::app::roofline
