#include "app/config/validate.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "app/config/settings.h"

namespace conclave::app {
namespace {

constexpr int64_t kVotersMax = 64;  // what the engines count votes of

class Validation {
 public:
  Validation(const Provenance& provenance, Configuration* configuration, Problems* problems)
      : provenance_(provenance), configuration_(*configuration), problems_(*problems) {}

  void run() {
    check_directories();
    check_members();
    check_self();
    check_client_address();
    check_chubby();
    check_sessions();
    check_clients();
    check_consensus();
  }

 private:
  void error(std::string_view setting, std::string_view reason) {
    problems_.error(provenance_.of(setting), fmt::format("{}: {}", provenance_.name(setting), reason));
  }
  void warn(std::string_view setting, std::string_view reason) {
    problems_.warn(provenance_.of(setting), fmt::format("{}: {}", provenance_.name(setting), reason));
  }

  void check_directories() {
    auto& replica = configuration_.replica;
    if (replica.data_directory.empty()) error("replica.data_directory", "is required");
    if (replica.journal_directory == replica.data_directory) replica.journal_directory.clear();
    if (configuration_.cell.name.empty()) error("cell.name", "must not be empty");
  }

  // A cell of one without a list of members is fine; a list must be consistent.
  void check_members() {
    auto& members = configuration_.cell.members;
    std::ranges::sort(members, [](const MemberSetting& a, const MemberSetting& b) {
      return std::tie(a.id, a.where.file, a.where.line) < std::tie(b.id, b.where.file, b.where.line);
    });
    std::set<int64_t> ids;
    std::set<env::Address> addresses;
    for (const MemberSetting& member : members) {
      if (member.id < 1 || member.id > 255) {
        problems_.error(member.where, fmt::format("the replica id {} is not a number from 1 to 255", member.id));
      }
      if (!ids.insert(member.id).second) {
        problems_.error(member.where, fmt::format("replica {} is named a second time", member.id));
      }
      if (member.peer_addresses.size() > 1) {
        problems_.warn(member.where, fmt::format("replica {} has several peer addresses: only the first, {}, is used",
                                                 member.id, env::to_string(member.peer_addresses.front())));
      }
      for (const env::Address& address : member.peer_addresses) {
        if (!addresses.insert(address).second) {
          problems_.error(member.where,
                          fmt::format("the peer address {} is given a second time", env::to_string(address)));
        }
      }
    }
    if (members.empty()) return;

    const auto voters = std::ranges::count_if(members, &MemberSetting::voter);
    const SourceLine first = members.front().where;
    if (voters == 0) {
      problems_.error(first, "all members are observers: a cell needs a voter");
    } else if (voters > kVotersMax) {
      problems_.error(
          first, fmt::format("{} voters: a cell has at most {}, and three to seven serve best", voters, kVotersMax));
    } else if (voters % 2 == 0) {
      problems_.warn(first, fmt::format("{} voters survive the loss of {} replicas, no more than {} voters do", voters,
                                        (voters - 1) / 2, voters - 1));
    }
  }

  void check_self() {
    auto& replica = configuration_.replica;
    auto& members = configuration_.cell.members;
    if (members.empty()) {
      if (replica.id == 0) replica.id = 1;
      MemberSetting alone;
      alone.id = replica.id;
      alone.where = provenance_.of("replica.id");
      members.push_back(std::move(alone));
      return;
    }
    if (replica.id == 0) {
      if (members.size() == 1) {
        replica.id = members.front().id;
      } else {
        error("replica.id", fmt::format("is required: which of the {} members this replica is", members.size()));
      }
      return;
    }
    if (std::ranges::find(members, replica.id, &MemberSetting::id) == members.end()) {
      error("replica.id", fmt::format("{} is not among the members", replica.id));
    }
  }

  // The client address may stand with this replica's member entry or in the settings for clients, or, if equal, in
  // both.
  void check_client_address() {
    auto& clients = configuration_.clients;
    auto& members = configuration_.cell.members;
    const auto self = std::ranges::find(members, configuration_.replica.id, &MemberSetting::id);
    if (self == members.end()) return;
    if (!self->client_address) {
      self->client_address = env::Address{clients.address, static_cast<uint16_t>(clients.port)};
      return;
    }
    const bool port_given = provenance_.lines.contains("clients.port");
    if (port_given && self->client_address->port != clients.port) {
      error("clients.port", fmt::format("{} differs from the client port {} of member {}", clients.port,
                                        self->client_address->port, self->id));
    }
    const bool address_given = provenance_.lines.contains("clients.address");
    if (address_given && !self->client_address->host.empty() && self->client_address->host != clients.address) {
      error("clients.address", fmt::format("{} differs from the client address {} of member {}", clients.address,
                                           self->client_address->host, self->id));
    }
    if (!address_given) clients.address = self->client_address->host;
    clients.port = self->client_address->port;
  }

  // The lock service is at the master, whoever that is, so either every voter has an address for it or none has.
  void check_chubby() {
    const ChubbySettings& chubby = configuration_.chubby;
    auto& members = configuration_.cell.members;
    const bool wanted = chubby.port != 0 || std::ranges::any_of(members, [](const MemberSetting& member) {
                          return member.chubby_address.has_value();
                        });
    if (!wanted) return;
    std::map<env::Address, int64_t> taken;
    for (MemberSetting& member : members) {
      const SourceLine& where = member.chubby_where.file.empty() ? member.where : member.chubby_where;
      if (!member.chubby_address && chubby.port != 0) {
        const std::string host = member.peer_addresses.empty() ? "" : member.peer_addresses.front().host;
        member.chubby_address = env::Address{host, static_cast<uint16_t>(chubby.port)};
      }
      if (!member.chubby_address) {
        if (!member.voter) continue;
        problems_.error(where, fmt::format("replica {} has no Chubby address, and others have: as the master it would "
                                           "leave the lock service's clients without one",
                                           member.id));
        continue;
      }
      const auto [other, fresh] = taken.emplace(*member.chubby_address, member.id);
      if (!fresh) {
        problems_.error(where, fmt::format("the Chubby address {} of replica {} is that of replica {}, too",
                                           env::to_string(*member.chubby_address), member.id, other->second));
      }
    }
    check_own_chubby_address();
    const int64_t detection_ms = 4 * configuration_.consensus.election_timeout_max_ms;
    if (chubby.lease_ms < detection_ms) {
      warn("chubby.lease_ms", fmt::format("{} ms is so short that every change of master puts all sessions in jeopardy "
                                          "({} ms)",
                                          chubby.lease_ms, detection_ms));
    }
  }

  void check_own_chubby_address() {
    const auto& members = configuration_.cell.members;
    const auto self = std::ranges::find(members, configuration_.replica.id, &MemberSetting::id);
    if (self == members.end() || !self->chubby_address || !configuration_.chubby.enabled) return;
    const int64_t port = self->chubby_address->port;
    if (configuration_.chubby.port != 0 && port != configuration_.chubby.port) {
      error("chubby.port",
            fmt::format("{} differs from the Chubby port {} of member {}", configuration_.chubby.port, port, self->id));
    }
    const SourceLine where = self->chubby_where.file.empty() ? provenance_.of("chubby.port") : self->chubby_where;
    const env::Address listen = *configuration_.chubby_listen();
    const auto collides = [&](const env::Address& other) {
      return other.port == port && (other.host == listen.host || other.host.empty() || listen.host.empty());
    };
    if (collides({configuration_.clients.address, static_cast<uint16_t>(configuration_.clients.port)})) {
      problems_.error(where,
                      fmt::format("the Chubby port {} is the port for clients of the ZooKeeper protocol, too", port));
    }
    if (!self->peer_addresses.empty() && collides(self->peer_addresses.front())) {
      problems_.error(where, fmt::format("the Chubby port {} is the port for peers, too", port));
    }
  }

  void check_sessions() {
    auto& sessions = configuration_.sessions;
    if (sessions.timeout_min_ms == 0) sessions.timeout_min_ms = 2 * sessions.tick_ms;
    if (sessions.timeout_max_ms == 0) sessions.timeout_max_ms = 20 * sessions.tick_ms;
    if (sessions.timeout_min_ms > sessions.timeout_max_ms) {
      const bool min_given = provenance_.lines.contains("sessions.timeout_min_ms");
      error(min_given ? "sessions.timeout_min_ms" : "sessions.timeout_max_ms",
            fmt::format("the shortest session time-out, {} ms, is above the longest, {} ms", sessions.timeout_min_ms,
                        sessions.timeout_max_ms));
    }
    if (sessions.local_upgrade && !sessions.local) {
      warn("sessions.local_upgrade", "has no effect while local sessions are off");
    }
    const int64_t detection_ms = 2 * configuration_.consensus.election_timeout_max_ms;
    if (sessions.timeout_min_ms < detection_ms) {
      warn("sessions.timeout_min_ms", fmt::format("{} ms is shorter than a change of master may take ({} ms)",
                                                  sessions.timeout_min_ms, detection_ms));
    }
  }

  void check_clients() {
    const auto& clients = configuration_.clients;
    static constexpr std::string_view kWords[] = {"*",    "ruok", "stat", "srvr", "mntr", "conf",
                                                  "cons", "dump", "wchs", "wchc", "wchp", "dirs",
                                                  "envi", "isro", "crst", "srst", "hash"};
    for (const std::string& word : clients.four_letter_words) {
      if (std::ranges::find(kWords, word) == std::end(kWords)) {
        warn("clients.four_letter_words", fmt::format("there is no word \"{}\"", word));
      }
    }
    // "super:" and the base64 of a SHA-1: 28 characters. The value itself is a secret of a kind and is not repeated.
    if (!clients.super_digest.empty()) {
      const std::string_view digest = clients.super_digest;
      const size_t colon = digest.find(':');
      const auto base64 = [](unsigned char c) { return std::isalnum(c) != 0 || c == '+' || c == '/' || c == '='; };
      const bool good = colon != std::string_view::npos && colon > 0 && digest.size() - colon - 1 == 28 &&
                        std::ranges::all_of(digest.substr(colon + 1), base64);
      if (!good)
        error("clients.super_digest", "is not of the form user:hash, with 28 characters of base64 as the hash");
    }
    if (clients.connections_max != 0 && clients.connections_per_address_max > clients.connections_max) {
      warn("clients.connections_per_address_max",
           fmt::format("{} is above the {} connections allowed in all", clients.connections_per_address_max,
                       clients.connections_max));
    }
    if (configuration_.tree.skip_acl) warn("tree.skip_acl", "access control lists are not enforced");
    const int64_t journal_room = configuration_.storage.segment_bytes / 4;
    if (clients.frame_bytes_max > journal_room) {
      error("clients.frame_bytes_max",
            fmt::format("{} bytes is more than a quarter of a journal file ({} bytes in all)", clients.frame_bytes_max,
                        configuration_.storage.segment_bytes));
    }
  }

  void check_consensus() {
    const auto& consensus = configuration_.consensus;
    if (consensus.election_timeout_min_ms > consensus.election_timeout_max_ms) {
      error("consensus.election_timeout_min_ms",
            fmt::format("{} ms is above the longest, {} ms", consensus.election_timeout_min_ms,
                        consensus.election_timeout_max_ms));
    }
    if (consensus.heartbeat_ms * 2 > consensus.election_timeout_min_ms) {
      error("consensus.heartbeat_ms",
            fmt::format("{} ms is more than half of the shortest election time-out, {} ms: one lost message would "
                        "cost the master its lead",
                        consensus.heartbeat_ms, consensus.election_timeout_min_ms));
    }
    if (consensus.engine == "raft" && consensus.learning != "distinguished") {
      warn("consensus.learning", "has no effect with Raft, whose leader tells the others what is committed");
    }
    if (consensus.tick_ms > consensus.heartbeat_ms) {
      error("consensus.tick_ms",
            fmt::format("{} ms is longer than a heartbeat, {} ms", consensus.tick_ms, consensus.heartbeat_ms));
    }
    if (consensus.message_bytes_max > consensus.bytes_in_flight_max) {
      error("consensus.message_bytes_max", fmt::format("{} is above consensus.bytes_in_flight_max, {}",
                                                       consensus.message_bytes_max, consensus.bytes_in_flight_max));
    }
  }

  const Provenance& provenance_;
  Configuration& configuration_;
  Problems& problems_;
};

}  // namespace

SourceLine Provenance::of(std::string_view setting) const {
  const auto found = lines.find(setting);
  return found == lines.end() ? SourceLine{file, 0} : found->second;
}

std::string Provenance::name(std::string_view setting) const {
  const auto found = spelled.find(setting);
  if (found != spelled.end()) return found->second;
  if (!zoo_names) return std::string(setting);
  const Setting* known = find_setting(setting);
  const bool own_name = known == nullptr || known->zoo_name.empty();
  return own_name ? fmt::format("conclave.{}", setting) : std::string(known->zoo_name);
}

void validate(const Provenance& provenance, Configuration* configuration, Problems* problems) {
  Validation(provenance, configuration, problems).run();
}

}  // namespace conclave::app
