// Where the gateway listens and how connections are secured.
#pragma once

#include <string>

#include "base/result.h"
#include "env/network.h"

namespace conclave::app {

struct Listening {
  env::Address address{.host = "127.0.0.1", .port = 2290};
  // Files in PEM format; all empty: connections are not encrypted.
  std::string certificate;
  std::string key;
  std::string client_ca;  // empty: clients show no certificate
  bool insecure = false;  // plaintext wherever it listens
};

// "localhost", 127.0.0.0/8 and ::1.
bool is_loopback(const std::string& host);

// What is wrong with it as it was asked for: a key without a certificate, plaintext that leaves the machine.
Result<> check(const Listening& listening);

}  // namespace conclave::app
