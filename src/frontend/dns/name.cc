#include "frontend/dns/name.h"

#include <algorithm>
#include <fmt/format.h>

namespace conclave::frontend::dns {
namespace {

constexpr size_t kLabelBytesMax = 63;
constexpr size_t kWireBytesMax = 255;

char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool plain(char c) {
  return c > ' ' && c <= '~' && c != '\\' && c != '"';
}

std::unexpected<Error> refuse(std::string_view text, std::string_view why) {
  return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is no name: {}", text, why));
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return lowered(c); });
  return out;
}

Result<Name> Name::parse(std::string_view text) {
  if (text.empty()) return refuse(text, "it is empty");
  std::string_view rest = text;
  if (rest.ends_with('.')) rest.remove_suffix(1);
  Bytes wire;
  while (!rest.empty() || (wire.empty() && text != ".")) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view label = rest.substr(0, dot);
    if (label.empty() || dot + 1 == rest.size()) return refuse(text, "an empty label");
    if (label.size() > kLabelBytesMax) return refuse(text, "a label of more than 63 bytes");
    if (!std::ranges::all_of(label, plain)) return refuse(text, "a character that is not allowed here");
    wire += static_cast<char>(label.size());
    wire += label;
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  wire += '\0';
  if (wire.size() > kWireBytesMax) return refuse(text, "more than 255 bytes");
  return Name(std::move(wire));
}

Result<Name> Name::parse(std::string_view text, const Name& origin) {
  if (text == "@") return origin;
  auto name = parse(text);
  if (!name || text.ends_with('.')) return name;
  name->wire_.pop_back();
  name->wire_ += origin.wire_;
  if (name->wire_.size() > kWireBytesMax) return refuse(text, "more than 255 bytes with that of the zone");
  return name;
}

std::optional<Name> Name::read(BytesView message, size_t offset) {
  size_t at = offset;
  while (at < message.size() && at - offset < kWireBytesMax) {
    const auto size = static_cast<uint8_t>(message[at]);
    if (size == 0) return Name(Bytes(message.substr(offset, at + 1 - offset)));
    if (size > kLabelBytesMax) return std::nullopt;
    at += 1 + size;
  }
  return std::nullopt;
}

std::vector<std::string_view> Name::labels() const {
  std::vector<std::string_view> out;
  for (size_t at = 0; wire_[at] != '\0'; at += 1 + static_cast<uint8_t>(wire_[at])) {
    out.push_back(std::string_view(wire_).substr(at + 1, static_cast<uint8_t>(wire_[at])));
  }
  return out;
}

size_t Name::label_count() const {
  size_t count = 0;
  for (size_t at = 0; wire_[at] != '\0'; at += 1 + static_cast<uint8_t>(wire_[at])) ++count;
  return count;
}

bool Name::is_at_or_below(const Name& zone) const {
  if (zone.wire_.size() > wire_.size()) return false;
  // Only where a label begins: the bytes of one may look like the length of another.
  size_t at = 0;
  while (wire_.size() - at > zone.wire_.size()) at += 1 + static_cast<uint8_t>(wire_[at]);
  if (wire_.size() - at != zone.wire_.size()) return false;
  return std::ranges::equal(std::string_view(wire_).substr(at), zone.wire_,
                            [](char a, char b) { return lowered(a) == lowered(b); });
}

Name Name::lower() const {
  return Name(dns::lower(wire_));  // a length is below 'A'
}

std::string Name::text() const {
  std::string out;
  for (const std::string_view label : labels()) {
    for (const char c : label) {
      if (c == '.') {
        out += "\\.";
      } else if (plain(c)) {
        out += c;
      } else {
        out += fmt::format("\\{:03}", static_cast<uint8_t>(c));
      }
    }
    out += '.';
  }
  return out.empty() ? "." : out;
}

bool operator==(const Name& a, const Name& b) {
  return a.wire_.size() == b.wire_.size() && a.is_at_or_below(b);
}

}  // namespace conclave::frontend::dns
