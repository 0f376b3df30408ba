#include "app/gateway/listening.h"

#include <arpa/inet.h>
#include <fmt/format.h>

namespace conclave::app {

bool is_loopback(const std::string& host) {
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  if (inet_pton(AF_INET6, host.c_str(), &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return host == "localhost";
}

Result<> check(const Listening& listening) {
  const bool tls = !listening.certificate.empty();
  const auto refuse = [](std::string why) { return fail(ErrorKind::invalid_argument, std::move(why)); };
  if (tls != !listening.key.empty()) return refuse("--tls-cert and --tls-key go together");
  if (!tls && !listening.client_ca.empty()) return refuse("--tls-client-ca needs --tls-cert and --tls-key");
  if (tls && listening.insecure) return refuse("--insecure and --tls-cert exclude each other");
  if (tls || listening.insecure || is_loopback(listening.address.host)) return {};
  return refuse(
      fmt::format("{} can be reached from other machines, and passwords and contents would pass in the clear: give "
                  "--tls-cert and --tls-key, or --insecure if the network is trusted",
                  env::to_string(listening.address)));
}

}  // namespace conclave::app
