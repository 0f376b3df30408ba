// Names of DNS: 0 to 127 labels of 1 to 63 bytes each, 255 bytes on the wire (RFC 1035 2.3.4). Kept as they were
// written, compared without regard to case (RFC 4343). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace conclave::frontend::dns {

class Name {
 public:
  Name() : wire_(1, '\0') {}  // the root

  // "web.example", with or without a dot at the end; "." is the root. Labels are of printable ASCII without spaces,
  // quotes and backslashes. Errors: invalid_argument, and why.
  static Result<Name> parse(std::string_view text);
  // As in a record: relative to `origin` unless it ends with a dot; "@" is the origin.
  static Result<Name> parse(std::string_view text, const Name& origin);
  // The name that begins at `offset`, without compression. Nothing: it is cut short, too long or compressed.
  static std::optional<Name> read(BytesView message, size_t offset);

  // As in a message, without compression.
  const Bytes& wire() const { return wire_; }
  // From the left; views of this name.
  std::vector<std::string_view> labels() const;
  size_t label_count() const;
  bool is_at_or_below(const Name& zone) const;
  Name lower() const;
  // With a dot at the end; bytes that are not printable as \DDD.
  std::string text() const;

  friend bool operator==(const Name& a, const Name& b);

 private:
  explicit Name(Bytes wire) : wire_(std::move(wire)) {}

  Bytes wire_;
};

std::string lower(std::string_view text);  // of ASCII alone

}  // namespace conclave::frontend::dns
