// Comparison of passwords and their like. Pure.
#pragma once

#include "base/bytes.h"

namespace conclave {

// Takes a time that does not tell how much of the two agrees: one of them is a secret.
inline bool same_secret(BytesView a, BytesView b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned char>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace conclave
