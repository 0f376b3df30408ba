#pragma once

#include "base/random.h"
#include "env/entropy.h"

namespace conclave::fuzz {

// Passwords that no input guesses, the same in every run.
class Secrets final : public env::Entropy {
 public:
  Bytes bytes(size_t size) override {
    Bytes out;
    while (out.size() < size) out.push_back(static_cast<char>(random_.u64()));
    return out;
  }
  uint64_t u64() override { return random_.u64(); }

 private:
  Random random_{0x5EC12E75};
};

}  // namespace conclave::fuzz
