// Asks a server one four-letter word (`ruok`, `srvr`, `mntr` ...): connect, four bytes, read to the end. Loop thread
// only.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "env/executor.h"
#include "env/network.h"

namespace conclave::client {

// `done` is called once from the loop, at most `timeout` later. Whatever came before the server closed is the answer;
// an answer longer than 64 MiB is refused.
void ask_four_letter_word(env::Executor& executor, env::Network& network, const env::Address& server,
                          std::string_view word, Duration timeout,
                          std::move_only_function<void(Result<std::string>)> done);

}  // namespace conclave::client
