// What anybody may send to the name server, and what a file of its zone may hold: any bytes are a query, are refused,
// or are dropped, and every answer to them fits and can be read; any text gives records that can be answered. The
// input: a byte that chooses, then a message, or a text.
#include <algorithm>
#include <variant>

#include "frontend/dns/message.h"
#include "frontend/dns/record_text.h"
#include "frontend/dns/testing_dns.h"
#include "frontend/dns/zone.h"
#include "input.h"

namespace conclave::fuzz {
namespace {

using namespace frontend::dns;

constexpr size_t kDatagram = 512;

void check_message(BytesView bytes) {
  const auto read = read_query(bytes);
  if (const auto* refused = std::get_if<Refused>(&read)) {
    const TestAnswer answer(write_answer(refused->query, {.rcode = refused->rcode}, kDatagram).message);
    require(answer.id == refused->query.id, "the answer is to this query");
    require(answer.size() <= kDatagram, "a refusal fits");
  }
  const auto* query = std::get_if<Query>(&read);
  if (query == nullptr) return;
  const Name& name = query->question->name;
  require(name.wire().size() <= 255 && name == name.lower(), "a name is one");
  (void)path_of(*parse_zone(".=/dns"), name);
  Answer out{.authoritative = true};
  out.answers = {{.owner = name, .type = Type::txt, .rdata = {Rdata("\1a", 2)}}};
  const TestAnswer answer(write_answer(*query, out, kDatagram).message);
  require(answer.id == query->id && answer.answers.size() + (answer.truncated() ? 1 : 0) == 1, "it is answered");
  require(answer.size() <= kDatagram, "an answer fits");
}

void check_text(BytesView text) {
  const FileRecords records = parse_records(text, *Name::parse("example.com"), 0);
  const auto lines = static_cast<size_t>(std::ranges::count(text, '\n')) + 1;
  require(records.records.size() + records.problems.size() <= lines, "a line is one record or one problem");
  for (const Problem& problem : records.problems) {
    require(!problem.reason.empty() && problem.line >= 1 && problem.line <= lines, "a problem says where and why");
  }
  const Query query{.question = Question{.name = *Name::parse("web.example.com")}};
  Answer out;
  for (const FileRecord& record : records.records) {
    out.answers.push_back({.owner = query.question->name, .type = record.type, .rdata = {record.rdata}});
  }
  const Written written = write_answer(query, out, 65'535);
  const TestAnswer answer(written.message);
  require(answer.answers.size() == (written.truncated ? 0 : records.records.size()), "every record is answered");
}

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace conclave;
  if (size == 0) return 0;
  const BytesView rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    fuzz::check_message(rest);
  } else {
    fuzz::check_text(rest);
  }
  return 0;
}
