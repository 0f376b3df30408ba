#include "base/hmac.h"

#include "base/sha1.h"

namespace conclave {
namespace {

constexpr size_t kBlock = 64;

BytesView view(const std::array<uint8_t, 20>& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

std::array<uint8_t, 20> hmac_sha1(BytesView key, BytesView text) {
  std::array<uint8_t, 20> short_key;
  if (key.size() > kBlock) {
    short_key = sha1(key);
    key = view(short_key);
  }
  Bytes inner(kBlock, '\x36');
  Bytes outer(kBlock, '\x5c');
  for (size_t i = 0; i < key.size(); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ key[i]);
    outer[i] = static_cast<char>(outer[i] ^ key[i]);
  }
  inner.append(text);
  outer.append(view(sha1(inner)));
  return sha1(outer);
}

}  // namespace conclave
