// The text of a file with records: one a line, as in a zone file (RFC 1035 5.1) but without the owner, which is the
// name of the file. Comments begin with # or ; .
//
//   A 10.0.0.1
//   300 AAAA fd00::1            # a time to live in seconds before it
//   SRV 0 10 8080 web1          ; relative to the zone, unless there is a dot at the end
//   TXT "some words" more
//
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/dns/message.h"

namespace conclave::frontend::dns {

struct FileRecord {
  Type type = Type::a;
  uint32_t ttl = 0;
  Rdata rdata;
  friend bool operator==(const FileRecord&, const FileRecord&) = default;
};

struct Problem {
  size_t line = 0;  // from 1
  std::string reason;
};

struct FileRecords {
  std::vector<FileRecord> records;
  std::vector<Problem> problems;  // lines that are no records, and were passed over
};

// `origin`: of the zone. `ttl`: of records that say none.
FileRecords parse_records(std::string_view text, const Name& origin, uint32_t ttl);

}  // namespace conclave::frontend::dns
