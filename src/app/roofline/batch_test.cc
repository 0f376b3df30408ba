#include "app/roofline/batch.h"

#include <gtest/gtest.h>
#include <tuple>
#include <vector>

#include "base/checksum.h"

namespace conclave::app::roofline {
namespace batch_test {
namespace {

using Seen = std::vector<std::tuple<uint32_t, uint32_t, Bytes>>;

Seen records_in(BytesView message) {
  Seen seen;
  for_each_record(records_of(message),
                  [&](Origin origin, BytesView frame) { seen.emplace_back(origin.member, origin.connection, frame); });
  return seen;
}

TEST(RooflineBatch, HoldsWhatWasGatheredInOrder) {
  Gathering forwarded, gathered;
  forwarded.add({.member = 2, .connection = 5}, "from a follower");
  forwarded.add({.member = 2, .connection = 4}, "");
  const Bytes message = forwarded.take(Kind::forward);
  EXPECT_EQ(header_of(message).count, 2U);

  gathered.add({.member = 0, .connection = 1}, "our own");
  gathered.add_all(records_of(message), header_of(message).count);
  const auto batch = make_batch(gathered.take(Kind::batch, 100));
  EXPECT_TRUE(gathered.empty());
  EXPECT_EQ(batch->zxid_first, 101U);
  EXPECT_EQ(batch->zxid_last, 103U);
  EXPECT_EQ(header_of(batch->message).checksum, xxh3_64(records_of(batch->message)));
  EXPECT_EQ(records_in(batch->message), (Seen{{0, 1, "our own"}, {2, 5, "from a follower"}, {2, 4, ""}}));

  gathered.add({.member = 0, .connection = 9}, "next");
  EXPECT_EQ(records_in(gathered.take(Kind::batch, 103)), (Seen{{0, 9, "next"}})) << "nothing is left of the last one";
}

TEST(RooflineBatch, MessagesAreCutWhereTheyEndHoweverTheyArrive) {
  Gathering gathering;
  gathering.add({.member = 1, .connection = 7}, Bytes(100, 'x'));
  const std::vector<Bytes> sent = {gathering.take(Kind::batch, 0), bare_message(Kind::commit, 1),
                                   bare_message(Kind::durable, 2)};
  Bytes stream;
  for (const Bytes& one : sent) stream += one;
  for (size_t piece = 1; piece <= stream.size(); ++piece) {
    MessageReader reader;
    std::vector<Bytes> received;
    for (size_t at = 0; at < stream.size(); at += piece) {
      const auto ok = reader.feed(BytesView(stream).substr(at, piece), [&](Bytes message) -> Result<> {
        received.push_back(std::move(message));
        return {};
      });
      ASSERT_TRUE(ok.has_value());
    }
    EXPECT_EQ(received, sent) << "in pieces of " << piece;
  }
}

TEST(RooflineBatch, AStrangersBytesAreRefused) {
  MessageReader reader;
  const auto ok = reader.feed(Bytes(sizeof(Header), '?'), [](Bytes) -> Result<> { return {}; });
  EXPECT_FALSE(ok.has_value());
}

}  // namespace
}  // namespace batch_test
}  // namespace conclave::app::roofline
