// The log against a disk that notes what is asked of it, and a worker that works when told.
#include "app/roofline/log.h"

#include <deque>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>

#include "env/testing_fakes.h"

namespace conclave::app::roofline {
namespace log_test {
namespace {

using testing::ElementsAre;

struct Disk {
  Bytes content;
  Bytes synced;  // content at the last sync
  int syncs = 0;
  std::optional<Error> broken;
};

class NotingFile final : public env::File {
 public:
  explicit NotingFile(Disk& disk) : disk_(disk) {}
  Result<> write_at(uint64_t offset, BytesView bytes) override {
    if (disk_.broken) return std::unexpected(*disk_.broken);
    if (disk_.content.size() < offset + bytes.size()) disk_.content.resize(offset + bytes.size());
    disk_.content.replace(offset, bytes.size(), bytes);
    return {};
  }
  Result<> sync() override {
    ++disk_.syncs;
    disk_.synced = disk_.content;
    return {};
  }
  Result<Bytes> read_at(uint64_t, size_t) override { return Bytes(); }
  Result<uint64_t> size() override { return disk_.content.size(); }
  Result<> resize(uint64_t) override { return {}; }

 private:
  Disk& disk_;
};

class NotingFiles final : public env::Files {
 public:
  explicit NotingFiles(Disk& disk) : disk_(disk) {}
  Result<std::unique_ptr<env::File>> open(std::string_view, Open) override {
    return std::make_unique<NotingFile>(disk_);
  }
  Result<std::vector<std::string>> list(std::string_view) override { return std::vector<std::string>(); }
  Result<bool> exists(std::string_view) override { return true; }
  Result<> make_directory(std::string_view) override { return {}; }
  Result<> rename(std::string_view, std::string_view) override { return {}; }
  Result<> remove(std::string_view) override { return {}; }
  Result<> sync_directory(std::string_view) override { return {}; }
  Result<> lock() override { return {}; }
  Result<uint64_t> free_bytes() override { return 0; }

 private:
  Disk& disk_;
};

class HandWorker final : public env::Worker {
 public:
  void submit(Task work, Task done) override { jobs_.emplace_back(std::move(work), std::move(done)); }
  size_t waiting() const { return jobs_.size(); }
  void work() {
    auto [work, done] = std::move(jobs_.front());
    jobs_.pop_front();
    work();
    done();
  }

 private:
  std::deque<std::pair<Task, Task>> jobs_;
};

class NoPeers final : public env::PeerNetwork {
 public:
  void set_peers(env::PeerTable) override {}
  void start(env::PeerReceiver*) override {}
  void send(ReplicaId, Bytes) override {}
  bool connected(ReplicaId) const override { return false; }
};

class RooflineLog : public testing::Test {
 protected:
  void open(uint64_t bytes) {
    auto log = Log::create(
        world_, "log",
        [this](Result<uint64_t> zxid) { zxid ? durable_.push_back(*zxid) : failures_.push_back(zxid.error().message); },
        bytes);
    ASSERT_TRUE(log.has_value());
    log_ = std::move(*log);
    disk_.syncs = 0;
  }
  std::shared_ptr<const Batch> batch(BytesView text) {
    Gathering gathering;
    gathering.add({}, text);
    return make_batch(gathering.take(Kind::batch, zxid_++));
  }

  Disk disk_;
  NotingFiles files_{disk_};
  HandWorker worker_;
  env::FakeClock clock_;
  env::FakeExecutor executor_{&clock_};
  env::FakeNetwork network_;
  env::FakeEntropy entropy_;
  env::Faults faults_;
  NoPeers peers_;
  env::World world_{.clock = clock_,
                    .executor = executor_,
                    .journal_worker = worker_,
                    .snapshot_worker = worker_,
                    .files = files_,
                    .journal_files = files_,
                    .peers = peers_,
                    .network = network_,
                    .entropy = entropy_,
                    .faults = faults_};
  uint64_t zxid_ = 0;
  std::vector<uint64_t> durable_;
  std::vector<std::string> failures_;
  std::unique_ptr<Log> log_;
};

TEST_F(RooflineLog, IsFullOfZeroesAndOnDiskFromTheStart) {
  open(3 << 19);
  EXPECT_EQ(disk_.synced, Bytes(3 << 19, '\0'));
}

TEST_F(RooflineLog, SaysDurableWhenItIsSynced) {
  open(4096);
  const auto one = batch("one");
  log_->append(one);
  EXPECT_FALSE(log_->idle());
  EXPECT_THAT(durable_, ElementsAre());
  worker_.work();
  EXPECT_THAT(durable_, ElementsAre(1));
  EXPECT_TRUE(log_->idle());
  EXPECT_EQ(disk_.synced.substr(0, one->message.size()), one->message);
}

TEST_F(RooflineLog, WhatComesWhileTheDiskIsBusyGoesWithOneSync) {
  open(4096);
  const std::vector batches = {batch("one"), batch("two"), batch("three")};
  for (const auto& one : batches) log_->append(one);
  EXPECT_EQ(worker_.waiting(), 1U) << "one write and sync at a time";
  worker_.work();
  EXPECT_THAT(durable_, ElementsAre(1));
  EXPECT_EQ(worker_.waiting(), 1U) << "the rest follows at once";
  worker_.work();
  EXPECT_THAT(durable_, ElementsAre(1, 3));
  EXPECT_EQ(disk_.syncs, 2);
  Bytes all;
  for (const auto& one : batches) all += one->message;
  EXPECT_EQ(disk_.synced.substr(0, all.size()), all);
}

TEST_F(RooflineLog, StaysInItsFile) {
  open(200);
  for (int i = 0; i < 10; ++i) {
    const auto one = batch("some text");
    log_->append(one);
    worker_.work();
    EXPECT_EQ(disk_.content.size(), 200U);
    EXPECT_NE(disk_.synced.find(one->message), Bytes::npos);
  }
}

TEST_F(RooflineLog, TellsThatTheDiskFailed) {
  open(4096);
  disk_.broken = Error{ErrorKind::io, "write log: no more"};
  log_->append(batch("one"));
  worker_.work();
  EXPECT_THAT(durable_, ElementsAre());
  EXPECT_THAT(failures_, ElementsAre("write log: no more"));
}

}  // namespace
}  // namespace log_test
}  // namespace conclave::app::roofline
