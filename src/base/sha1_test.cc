// SHA-1 and base64 against published vectors (FIPS 180-4 examples, RFC 4648 section 10).
#include "base/sha1.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace conclave::sha1_test {
namespace {

std::string hex(const std::array<uint8_t, 20>& digest) {
  std::string out;
  for (const uint8_t byte : digest) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

TEST(Sha1Test, PublishedVectors) {
  EXPECT_EQ(hex(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  EXPECT_EQ(hex(sha1(std::string(1'000'000, 'a'))), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

TEST(Sha1Test, EveryPaddingLength) {
  // The first bytes of the digests of 55, 56, 63, 64 and 65 letters "a": where the padding needs a second block.
  EXPECT_EQ(hex(sha1(std::string(55, 'a'))).substr(0, 8), "c1c8bbdc");
  EXPECT_EQ(hex(sha1(std::string(56, 'a'))).substr(0, 8), "c2db330f");
  EXPECT_EQ(hex(sha1(std::string(63, 'a'))).substr(0, 8), "03f09f5b");
  EXPECT_EQ(hex(sha1(std::string(64, 'a'))).substr(0, 8), "0098ba82");
  EXPECT_EQ(hex(sha1(std::string(65, 'a'))).substr(0, 8), "11655326");
}

TEST(Base64Test, PublishedVectors) {
  EXPECT_EQ(base64_encode(""), "");
  EXPECT_EQ(base64_encode("f"), "Zg==");
  EXPECT_EQ(base64_encode("fo"), "Zm8=");
  EXPECT_EQ(base64_encode("foo"), "Zm9v");
  EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");
  EXPECT_EQ(base64_encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64_encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64_encode("\xff\xfe\xfd"), "//79");
}

}  // namespace
}  // namespace conclave::sha1_test
