#include "frontend/dns/record_text.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <span>
#include <utility>

namespace conclave::frontend::dns {
namespace {

constexpr size_t kStringBytesMax = 255;
constexpr size_t kRdataBytesMax = 65'535;
constexpr uint32_t kTtlMax = 0x7FFF'FFFF;  // RFC 2181 8

std::unexpected<Error> wrong(std::string reason) {
  return fail(ErrorKind::invalid_argument, std::move(reason));
}

struct Word {
  Bytes text;
  bool quoted = false;
};

// Words by white space; quotes and backslashes as in RFC 1035 5.1.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}

  Result<std::vector<Word>> read() {
    std::vector<Word> words;
    while (true) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r"), rest_.size()));
      if (rest_.empty() || rest_.front() == '#' || rest_.front() == ';') return words;
      auto word = next();
      if (!word) return std::unexpected(std::move(word.error()));
      words.push_back(*std::move(word));
    }
  }

 private:
  Result<Word> next() {
    Word word;
    word.quoted = rest_.front() == '"';
    if (word.quoted) rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (word.quoted ? c == '"' : std::string_view(" \t\r;").contains(c)) break;
      rest_.remove_prefix(1);
      if (c != '\\') {
        word.text += c;
        continue;
      }
      const std::optional<char> escaped = escape();
      if (!escaped) return wrong("a backslash that is followed by nothing, or by no number up to 255");
      word.text += *escaped;
    }
    if (!word.quoted) return word;
    if (rest_.empty()) return wrong("a quote that is not closed");
    rest_.remove_prefix(1);
    return word;
  }

  // What follows a backslash: three digits, or a character that stands for itself.
  std::optional<char> escape() {
    if (rest_.empty()) return std::nullopt;
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const char c = rest_.front();
    if (!digit(c)) {
      rest_.remove_prefix(1);
      return c;
    }
    if (rest_.size() < 3 || !std::ranges::all_of(rest_.substr(0, 3), digit)) return std::nullopt;
    const int value = (c - '0') * 100 + (rest_[1] - '0') * 10 + (rest_[2] - '0');
    if (value > 255) return std::nullopt;
    rest_.remove_prefix(3);
    return static_cast<char>(value);
  }

  std::string_view rest_;
};

std::optional<uint32_t> number(std::string_view text, uint32_t max) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

using Fields = std::span<const Word>;

Result<Rdata> read_address(Fields fields, Type type) {
  if (fields.size() != 1) return wrong(fmt::format("{} takes one address", to_string(type)));
  const Bytes& text = fields[0].text;
  auto rdata = type == Type::a ? parse_ipv4(text) : parse_ipv6(text);
  if (!rdata) return wrong(fmt::format("\"{}\" is no IPv{} address", text, type == Type::a ? 4 : 6));
  return *std::move(rdata);
}

Result<Rdata> read_service(Fields fields, const Name& origin) {
  if (fields.size() != 4) return wrong("SRV takes priority, weight, port and target");
  Rdata rdata;
  for (size_t i = 0; i < 3; ++i) {
    const auto value = number(fields[i].text, 0xFFFF);
    if (!value) return wrong(fmt::format("\"{}\" is no number from 0 to 65535", fields[i].text));
    append_u16(static_cast<uint16_t>(*value), &rdata);
  }
  const auto target = Name::parse(fields[3].text, origin);
  if (!target) return std::unexpected(target.error());
  return rdata + target->wire();
}

Result<Rdata> read_text(Fields fields) {
  if (fields.empty()) return wrong("TXT takes one string or more");
  Rdata rdata;
  for (const Word& word : fields) {
    if (word.text.size() > kStringBytesMax) return wrong("a string of more than 255 bytes");
    rdata += static_cast<char>(word.text.size());
    rdata += word.text;
  }
  if (rdata.size() > kRdataBytesMax) return wrong("a record of more than 65535 bytes");
  return rdata;
}

Result<FileRecord> read_record(Fields fields, const Name& origin, uint32_t ttl) {
  FileRecord record{.ttl = ttl};
  if (const char first = fields[0].text.empty() ? '\0' : fields[0].text[0]; first >= '0' && first <= '9') {
    const auto value = number(fields[0].text, kTtlMax);
    if (!value) return wrong(fmt::format("\"{}\" is no time to live", fields[0].text));
    record.ttl = *value;
    fields = fields.subspan(1);
  }
  if (!fields.empty() && lower(fields[0].text) == "in") fields = fields.subspan(1);
  if (fields.empty()) return wrong("there is no type");
  const std::string type = lower(fields[0].text);
  fields = fields.subspan(1);
  Result<Rdata> rdata;
  if (type == "a" || type == "aaaa") {
    record.type = type == "a" ? Type::a : Type::aaaa;
    rdata = read_address(fields, record.type);
  } else if (type == "srv") {
    record.type = Type::srv;
    rdata = read_service(fields, origin);
  } else if (type == "txt") {
    record.type = Type::txt;
    rdata = read_text(fields);
  } else {
    return wrong(fmt::format("\"{}\" is none of A, AAAA, SRV and TXT", type));
  }
  if (!rdata) return std::unexpected(std::move(rdata.error()));
  record.rdata = *std::move(rdata);
  return record;
}

}  // namespace

FileRecords parse_records(std::string_view text, const Name& origin, uint32_t ttl) {
  FileRecords out;
  for (size_t line = 1; !text.empty(); ++line) {
    const size_t end = std::min(text.find('\n'), text.size());
    const auto words = Words(text.substr(0, end)).read();
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words && words->empty()) continue;
    auto record = words ? read_record(*words, origin, ttl) : std::unexpected(words.error());
    if (record) {
      out.records.push_back(*std::move(record));
    } else {
      out.problems.push_back({.line = line, .reason = std::move(record.error().message)});
    }
  }
  return out;
}

}  // namespace conclave::frontend::dns
