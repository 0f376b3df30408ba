#include "base/blob_batch.h"

#include <gtest/gtest.h>

namespace conclave {
namespace {

TEST(BlobBatch, PartsShareOneBufferAndOutliveTheBatch) {
  std::vector<Blob> blobs = {Blob("before")};
  {
    BlobBatch batch;
    EXPECT_TRUE(batch.empty());
    for (const char* part : {"first", "", "third"}) {
      batch.begin()->append(part);
      EXPECT_EQ(batch.end(), BytesView(part).size());
    }
    EXPECT_EQ(batch.size(), 3u);
    batch.take(&blobs);
    EXPECT_TRUE(batch.empty());
    batch.begin()->append("next");
    batch.end();
    batch.take(&blobs);
  }
  ASSERT_EQ(blobs.size(), 5u);
  EXPECT_EQ(blobs[0].view(), "before");
  EXPECT_EQ(blobs[1].view(), "first");
  EXPECT_EQ(blobs[2].view(), "");
  EXPECT_EQ(blobs[3].view(), "third");
  EXPECT_EQ(blobs[1].view().data() + 5, blobs[3].view().data());
  EXPECT_EQ(blobs[4].view(), "next");
  blobs.erase(blobs.begin(), blobs.begin() + 3);
  EXPECT_EQ(blobs[0].view(), "third") << "the buffer lives as long as any part of it";
}

TEST(Blob, WhatWasMovedFromIsEmpty) {
  Blob from("bytes");
  const Blob to = std::move(from);
  EXPECT_EQ(to.view(), "bytes");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is what it promises
  Blob assigned("other");
  Blob source("bytes");
  assigned = std::move(source);
  EXPECT_EQ(assigned.view(), "bytes");
  EXPECT_EQ(source.size(), 0u);  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace conclave
