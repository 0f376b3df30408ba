// The nodes that connections write and read again: each belongs to one connection, its only writer, which is what makes
// every version known beforehand.
#pragma once

#include "app/bench/options.h"
#include "app/bench/sessions.h"

namespace conclave::app::bench {

// Data that no server can compress. The first eight bytes are for the stamp.
Bytes make_payload(const Options& options);

// Makes `--base`, through the first connection.
Result<> make_base(const Options& options, Sessions* sessions);

// Gives each connection its share of `keys` nodes, makes those that are not there, and learns their versions by one
// write each.
Result<> make_keys(const Options& options, uint32_t keys, Sessions* sessions);

}  // namespace conclave::app::bench
