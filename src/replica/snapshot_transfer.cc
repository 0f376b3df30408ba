#include "replica/snapshot_transfer.h"

#include <algorithm>

#include "base/log.h"
#include "base/probe.h"

namespace conclave::replica {

namespace {
constexpr size_t kPullBytes = 1 << 20;
constexpr Duration kPatience = Duration::seconds(3);  // without a chunk for this long the reception is given up
}  // namespace

struct SnapshotTransfer::Incoming {
  ReplicaId from;
  storage::SnapshotMeta meta;
  uint64_t size = 0;
  std::unique_ptr<storage::SnapshotReceiver> receiver;
  bool writing = false;
  Instant last_progress;
  Instant last_report;
};

SnapshotTransfer::SnapshotTransfer(env::World& world, const Options& options, storage::SnapshotStore& store,
                                   SnapshotKeeper& keeper, const Driver& driver, Install install)
    : world_(world), options_(options), store_(store), keeper_(keeper), driver_(driver), install_(std::move(install)) {}

SnapshotTransfer::~SnapshotTransfer() = default;

void SnapshotTransfer::on_needed(ReplicaId to, Index at_least) {
  const auto& files = store_.list();
  if (!files.empty() && files.front().meta.index >= at_least) return offer(to, at_least);
  if (driver_.applied() < at_least) return;  // we cannot help yet; the engine asks again
  waiting_for_snapshot_[to] = at_least;
  keeper_.begin_now([this] {
    const std::map<ReplicaId, Index> waiting = std::move(waiting_for_snapshot_);
    waiting_for_snapshot_.clear();
    for (const auto& [peer, index] : waiting) offer(peer, index);
  });
}

void SnapshotTransfer::offer(ReplicaId to, Index at_least) {
  const auto& files = store_.list();
  if (files.empty() || files.front().meta.index < at_least) return;
  const storage::SnapshotFile& file = files.front();
  world_.peers.send(to, encode(wire::peer::SnapshotOffer{.cell = file.meta.cell,
                                                         .index = file.meta.index,
                                                         .ballot = file.meta.ballot,
                                                         .zxid = file.meta.zxid,
                                                         .taken_ms = file.meta.taken_ms,
                                                         .size = file.size}));
}

void SnapshotTransfer::on_pull(ReplicaId from, const wire::peer::SnapshotPull& wanted) {
  const auto& files = store_.list();
  const auto file = std::ranges::find(files, wanted.index, [](const auto& f) { return f.meta.index; });
  if (file == files.end() || wanted.offset >= file->size) return;  // purged meanwhile: the engine offers a newer one
  store_.read(*file, wanted.offset, kPullBytes,
              [this, from, index = wanted.index, offset = wanted.offset](Result<Bytes> bytes) {
                if (!bytes) {
                  log::error("replica", "cannot read a snapshot for a peer",
                             {{"peer", to_string(from)}, {"reason", bytes.error().message}});
                  return;
                }
                world_.peers.send(from, encode(wire::peer::SnapshotChunk{
                                            .index = index, .offset = offset, .bytes = std::move(*bytes)}));
              });
}

void SnapshotTransfer::on_offer(ReplicaId from, const wire::peer::SnapshotOffer& offered) {
  if (offered.cell != options_.cell || offered.index <= driver_.applied()) return;
  if (incoming_) {
    // One at a time; a repeated offer of the same file prompts a pull, in case one was lost.
    if (incoming_->meta.index == offered.index && incoming_->from == from && !incoming_->writing) pull();
    return;
  }
  const storage::SnapshotMeta meta{.cell = offered.cell,
                                   .index = offered.index,
                                   .ballot = offered.ballot,
                                   .zxid = offered.zxid,
                                   .taken_ms = offered.taken_ms};
  auto receiver = store_.receive(meta, offered.size);
  if (!receiver) {
    log::error("replica", "cannot receive a snapshot", {{"reason", receiver.error().message}});
    return;
  }
  log::info("replica", "receiving a snapshot",
            {{"from", to_string(from)},
             {"index", to_string(offered.index)},
             {"bytes", offered.size},
             {"have", (*receiver)->have()}});
  incoming_ = std::make_unique<Incoming>();
  ++incoming_number_;
  incoming_->from = from;
  incoming_->meta = meta;
  incoming_->size = offered.size;
  incoming_->receiver = std::move(*receiver);
  incoming_->last_progress = incoming_->last_report = world_.clock.now();
  if (incoming_->receiver->have() == offered.size) {
    finish();
  } else {
    pull();
  }
}

void SnapshotTransfer::pull() {
  world_.peers.send(incoming_->from, encode(wire::peer::SnapshotPull{.index = incoming_->meta.index,
                                                                     .offset = incoming_->receiver->have()}));
}

void SnapshotTransfer::on_chunk(ReplicaId from, wire::peer::SnapshotChunk chunk) {
  if (!incoming_ || incoming_->from != from || incoming_->meta.index != chunk.index || incoming_->writing) return;
  if (chunk.offset != incoming_->receiver->have() || chunk.bytes.empty()) return;
  incoming_->writing = true;
  incoming_->last_progress = world_.clock.now();
  incoming_->receiver->append(chunk.offset, std::move(chunk.bytes), [this, number = incoming_number_](Result<> done) {
    if (!incoming_ || number != incoming_number_) return;
    incoming_->writing = false;
    const Instant now = world_.clock.now();
    incoming_->last_progress = now;
    if (!done) {
      log::error("replica", "cannot store a snapshot from a peer", {{"reason", done.error().message}});
      incoming_.reset();
      return;
    }
    if (now - incoming_->last_report > Duration::seconds(2)) {
      incoming_->last_report = now;
      log::info("replica", "receiving a snapshot", {{"bytes", incoming_->receiver->have()}, {"of", incoming_->size}});
    }
    if (incoming_->receiver->have() < incoming_->size) return pull();
    finish();
  });
}

void SnapshotTransfer::finish() {
  incoming_->writing = true;
  incoming_->receiver->commit([this, number = incoming_number_](Result<storage::SnapshotFile> file) {
    if (!incoming_ || number != incoming_number_) return;
    const std::unique_ptr<Incoming> finished = std::move(incoming_);
    if (!file) {
      log::error("replica", "a snapshot from a peer is not usable",
                 {{"from", to_string(finished->from)}, {"reason", file.error().message}});
      return;
    }
    if (file->meta.index > driver_.applied()) return install_(*file);
    keeper_.trim();  // we got there without it
  });
}

void SnapshotTransfer::on_tick() {
  if (incoming_ && !incoming_->writing && world_.clock.now() - incoming_->last_progress > kPatience) {
    CONCLAVE_PROBE("replica.snapshot-transfer-stops");
    log::warning("replica", "the snapshot from a peer stopped coming; what is here is kept to resume",
                 {{"from", to_string(incoming_->from)}, {"bytes", incoming_->receiver->have()}});
    incoming_.reset();
  }
}

}  // namespace conclave::replica
