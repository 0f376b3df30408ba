// From a question to its answer, out of the zones: what an authoritative name server says (RFC 1034 4.3.2, without
// delegations, aliases and wildcards, which there are none of). Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "client/chubby/lock_service.h"
#include "env/clock.h"
#include "frontend/dns/message.h"
#include "frontend/dns/zone_tree.h"

namespace conclave::frontend::dns {

struct ResponderOptions {
  std::vector<Zone> zones;                // at least one
  std::vector<std::string> name_servers;  // relative to each zone, unless they end with a dot. At least one
  uint32_t ttl = 0;                       // seconds; of records that say none, SOA and NS, and of "there is none"
  TreeLimits limits;                      // of all zones together
};

class Responder {
 public:
  using Done = std::move_only_function<void(Answer)>;

  // Errors: invalid_argument: a name server is no name, two zones have one name.
  static Result<std::unique_ptr<Responder>> create(conclave::chubby::LockService& service, const env::Clock& clock,
                                                   const ResponderOptions& options);

  // `done` is called once, perhaps inside the call; not at all once *this is destroyed.
  void respond(const Question& question, Done done);

 private:
  struct Served {
    std::unique_ptr<ZoneTree> tree;
    RrSet soa;
    RrSet ns;
    const Name& apex() const { return tree->zone().apex; }
  };
  struct Adding;

  Responder(const env::Clock& clock) : clock_(clock) {}
  // The zone with the longest name that `name` is in; null: none.
  Served* zone_of(const Name& name);
  Answer answer_from(const Served& zone, const Question& question, const NodeRecords& node) const;
  // Adds the addresses of what the records point at, as far as they are in our zones.
  void add_addresses(Answer answer, Done done);
  void tell_failure(const Name& name, const conclave::chubby::CallError& error);

  const env::Clock& clock_;
  std::vector<Served> zones_;
  // Failures are told one by one only as often as somebody can read it.
  Instant next_telling_{};
  uint64_t untold_ = 0;
};

}  // namespace conclave::frontend::dns
