#include "frontend/dns/responder.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <utility>

#include "base/log.h"

namespace conclave::frontend::dns {
namespace {

using conclave::chubby::CallError;
using conclave::chubby::Outcome;

constexpr Duration kTellingPause = Duration::seconds(10);
constexpr size_t kTargetsMax = 16;  // whose addresses are added to one answer
// There are no secondary servers that would heed these: serial, refresh, retry and expire.
constexpr uint32_t kSoaNumbers[] = {1, 3'600, 600, 86'400};
constexpr uint16_t kTransferFirst = 251, kTransferLast = 254;  // IXFR, AXFR, MAILB, MAILA

bool is_transfer(Type type) {
  const auto number = static_cast<uint16_t>(type);
  return number >= kTransferFirst && number <= kTransferLast;
}

// The records of one type, each once. None: an empty set.
RrSet set_of(const Name& owner, Type type, const NodeRecords& node) {
  RrSet set{.owner = owner, .type = type};
  for (const Records& part : node.parts) {
    if (!part) continue;
    for (const FileRecord& record : *part) {
      if (record.type != type) continue;
      set.ttl = set.rdata.empty() ? record.ttl : std::min(set.ttl, record.ttl);
      set.rdata.push_back(record.rdata);
    }
  }
  if (node.parts.size() == 1 && set.rdata.size() < 2) return set;
  std::ranges::sort(set.rdata);
  set.rdata.erase(std::ranges::unique(set.rdata).begin(), set.rdata.end());
  return set;
}

// Where SRV and NS point. REQUIRES: the record is well-formed, as ours are.
Name target_of(Type type, const Rdata& rdata) {
  return *Name::read(rdata, type == Type::srv ? 6 : 0);
}

}  // namespace

Result<std::unique_ptr<Responder>> Responder::create(conclave::chubby::LockService& service, const env::Clock& clock,
                                                     const ResponderOptions& options) {
  std::unique_ptr<Responder> responder(new Responder(clock));
  TreeLimits limits = options.limits;
  limits.nodes_max = std::max<size_t>(1, limits.nodes_max / options.zones.size());
  limits.bytes_max /= options.zones.size();
  for (const Zone& zone : options.zones) {
    const auto same = [&](const Served& other) { return other.apex() == zone.apex; };
    if (std::ranges::any_of(responder->zones_, same)) {
      return fail(ErrorKind::invalid_argument, fmt::format("the zone {} is named twice", zone.apex.text()));
    }
    Served served{.tree = std::make_unique<ZoneTree>(service, zone, options.ttl, limits)};
    served.ns = {.owner = zone.apex, .type = Type::ns, .ttl = options.ttl};
    for (const std::string& text : options.name_servers) {
      const auto name = Name::parse(text, zone.apex);
      if (!name) return std::unexpected(name.error());
      served.ns.rdata.push_back(name->wire());
    }
    const auto contact = Name::parse("hostmaster", zone.apex);
    if (!contact) return std::unexpected(contact.error());
    Rdata soa = served.ns.rdata.front() + contact->wire();
    for (const uint32_t number : kSoaNumbers) append_u32(number, &soa);
    append_u32(options.ttl, &soa);  // of "there is none" (RFC 2308)
    served.soa = {.owner = zone.apex, .type = Type::soa, .ttl = options.ttl, .rdata = {std::move(soa)}};
    responder->zones_.push_back(std::move(served));
  }
  return responder;
}

Responder::Served* Responder::zone_of(const Name& name) {
  Served* found = nullptr;
  for (Served& zone : zones_) {
    if (!name.is_at_or_below(zone.apex())) continue;
    if (found == nullptr || zone.apex().wire().size() > found->apex().wire().size()) found = &zone;
  }
  return found;
}

void Responder::respond(const Question& question, Done done) {
  Served* const zone = zone_of(question.name);
  if (zone == nullptr || question.klass != kClassIn || is_transfer(question.type)) {
    return done(Answer{.rcode = Rcode::refused});
  }
  const bool at_apex = question.name == zone->apex();
  if (at_apex && (question.type == Type::soa || question.type == Type::ns)) {
    RrSet set = question.type == Type::soa ? zone->soa : zone->ns;
    set.owner = question.name;
    Answer answer{.authoritative = true};
    answer.answers.push_back(std::move(set));
    return add_addresses(std::move(answer), std::move(done));
  }
  zone->tree->look_up(question.name,
                      [this, zone, question, at_apex, done = std::move(done)](Outcome<NodeRecords> node) mutable {
                        if (!node) {
                          tell_failure(question.name, node.error());
                          return done(Answer{.rcode = Rcode::server_failure});
                        }
                        if (at_apex) node->exists = true;
                        Answer answer = answer_from(*zone, question, *node);
                        if (question.type != Type::srv) return done(std::move(answer));
                        add_addresses(std::move(answer), std::move(done));
                      });
}

Answer Responder::answer_from(const Served& zone, const Question& question, const NodeRecords& node) const {
  Answer answer{.authoritative = true};
  if (!node.exists) answer.rcode = Rcode::no_such_name;
  if (node.exists && question.type == Type::any) {  // RFC 8482 4.2
    answer.answers.push_back(
        {.owner = question.name, .type = Type::hinfo, .ttl = zone.soa.ttl, .rdata = {Rdata("\7RFC8482\0", 9)}});
    return answer;
  }
  RrSet set = set_of(question.name, question.type, node);
  if (set.rdata.empty()) {
    answer.authority.push_back(zone.soa);
  } else {
    answer.answers.push_back(std::move(set));
  }
  return answer;
}

// The addresses of targets, until all have been looked up.
struct Responder::Adding {
  Answer answer;
  std::vector<std::vector<RrSet>> found;  // by target
  size_t missing = 1;                     // one more, until all are asked for
  Done done;

  void got_one() {
    if (--missing > 0) return;
    for (std::vector<RrSet>& sets : found) std::ranges::move(sets, std::back_inserter(answer.additional));
    done(std::move(answer));
  }
};

void Responder::add_addresses(Answer answer, Done done) {
  std::vector<Name> targets;
  for (const RrSet& set : answer.answers) {
    if (set.type != Type::srv && set.type != Type::ns) continue;
    for (const Rdata& rdata : set.rdata) {
      Name target = target_of(set.type, rdata);
      if (targets.size() == kTargetsMax) break;
      if (zone_of(target) != nullptr && std::ranges::find(targets, target) == targets.end())
        targets.push_back(std::move(target));
    }
  }
  if (targets.empty()) return done(std::move(answer));
  const auto adding = std::make_shared<Adding>();
  adding->answer = std::move(answer);
  adding->found.resize(targets.size());
  adding->missing += targets.size();
  adding->done = std::move(done);
  for (size_t i = 0; i < targets.size(); ++i) {
    const Name& target = targets[i];
    zone_of(target)->tree->look_up(target, [adding, i, target](const Outcome<NodeRecords>& node) {
      // That it cannot be looked up is no failure of the answer.
      for (const Type type : {Type::a, Type::aaaa}) {
        RrSet set = node ? set_of(target, type, *node) : RrSet();
        if (!set.rdata.empty()) adding->found[i].push_back(std::move(set));
      }
      adding->got_one();
    });
  }
  adding->got_one();
}

void Responder::tell_failure(const Name& name, const CallError& error) {
  ++untold_;
  if (clock_.now() < next_telling_) return;
  next_telling_ = clock_.now() + kTellingPause;
  log::warning("dns", "cannot look up a name",
               {{"name", name.text()},
                {"reason", fmt::format("{} {}", to_string(error.code), error.message)},
                {"failures", std::exchange(untold_, 0)}});
}

}  // namespace conclave::frontend::dns
