// What the examples share: a client from the command line, and an end with a message when a call fails.
#pragma once

#include <conclave/client/blocking/client.h>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

inline void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

[[noreturn]] inline void end_with(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  std::exit(1);
}

inline std::unique_ptr<conclave::blocking::Client> client_of(int argc, char** argv,
                                                             conclave::chubby::Options options = {}) {
  if (argc != 2) end_with("usage: " + std::string(argv[0]) + " HOST:PORT,...");
  auto client = conclave::blocking::Client::create(argv[1], std::move(options));
  if (!client) end_with(client.error().message);
  return *std::move(client);
}

// The value, or the end.
template <class T>
T need(conclave::chubby::Outcome<T> outcome) {
  if (!outcome) end_with(std::string(to_string(outcome.error().code)) + ": " + outcome.error().message);
  if constexpr (!std::is_void_v<T>) return *std::move(outcome);
}

// For examples: a directory to work in.
inline void make_directory(conclave::blocking::Client& client, const std::string& name) {
  need(client.open(name, {.creation = conclave::chubby::Creation::if_missing, .directory = true}));
}
