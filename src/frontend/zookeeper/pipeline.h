// The requests of one established session on one connection: what is waiting, and the order in which replies leave.
// Loop thread only.
//
// Invariants:
//   P1  Replies leave in the order of requests (ZK-12); only auth and sasl are answered at once, as in ZooKeeper.
//   P2  A write goes to the gateway when it arrives; the gateway keeps a session's order. A read runs when everything
//       before it has completed: it sees the session's own earlier writes and, since the gateway completes a write
//       before it applies the next one, none of its later ones. A sync completes independently of the writes behind
//       it: these are held here until the sync is answered and with it the reads behind it.
//   P3  A watch event reaches the output before the reply that shows the change (ZK-07): both are appended to the same
//       output, and the gateway reports a change before it completes the write.
//   P4  The zxid of reply headers never goes back.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "frontend/zookeeper/hub.h"
#include "frontend/zookeeper/reads.h"
#include "frontend/zookeeper/translate.h"

namespace conclave::frontend::zookeeper {

// Who the requests come from.
struct Client {
  WatcherId number = 0;  // of the connection
  SessionId session;
  Bytes password;
  bool local = false;      // known to this replica only
  bool read_only = false;  // connected in read-only mode
  state::Identities identities;
};

// What the pipeline asks of its connection. None of these destroys the pipeline before the call into it returns.
class PipelineHost {
 public:
  virtual ~PipelineHost() = default;
  // Where replies are appended.
  virtual Bytes* output() = 0;
  // Something was appended, or room was made, outside on_request.
  virtual void progressed() = 0;
  // Send what is in the output, then close.
  virtual void finish(std::string_view reason) = 0;
  // Close without sending more.
  virtual void drop(std::string_view reason) = 0;
};

class Pipeline final : private WatchPort {
 public:
  Pipeline(Hub* hub, Client* client, ConnectionStatistics* statistics, PipelineHost* host);
  ~Pipeline() override;
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  // One frame of the client.
  void on_request(BytesView message, Instant received);
  // The connection takes no more requests until this is false again.
  bool full() const;
  // The client asked to close its session: what comes after is not looked at.
  bool closing() const { return closing_; }
  // The connection is closed: submits and answers nothing more.
  void abandon() { closed_ = true; }
  size_t outstanding() const { return queue_.size() - head_; }
  size_t queued_bytes() const { return queued_bytes_; }

 private:
  // Keeps completions that outlive the pipeline from touching it. One loop thread: the count needs no atomics.
  struct Link;
  class LinkRef;

  struct Pending {
    int32_t xid = 0;
    wire::OpCode op = wire::OpCode::error;
    bool ready = true;  // a write is not until it completes; a read runs when it comes to the front
    wire::ErrorCode refused = wire::ErrorCode::ok;  // known to fail without asking anyone
    Instant received;
    size_t bytes = 0;
    Bytes body;                     // of a read that waits; for check and sync, the request to answer from
    std::vector<wire::OpCode> ops;  // of a multi
    replica::Reply reply;           // of a write that completed
    bool barrier = false;           // a sync that the gateway took
    std::unique_ptr<state::Request> held = nullptr;  // of a write behind a sync: not submitted yet
  };

  // WatchPort
  bool watch(std::string_view path, WatchTable table) override;
  bool watch_persistent(std::string_view path, PersistentMode mode) override;
  bool watches(std::string_view path, WatchScope scope) const override;
  bool unwatch(std::string_view path, WatchScope scope) override;
  void notify(WatchEvent event, std::string_view path) override;

  void authenticate_now(int32_t xid, wire::Reader* in);
  void answer_sasl_now(int32_t xid, wire::Reader* in);
  // Answers now if nothing is before it, else queues.
  void answer_or_queue(const wire::RequestHeader& header, wire::ErrorCode refused, BytesView body, Instant received);
  void start_reconfig(const wire::RequestHeader& header, BytesView body, Instant received);
  void start_write(const wire::RequestHeader& header, wire::Reader* in, BytesView body, Instant received);
  void start_sync(const wire::RequestHeader& header, BytesView body, Instant received);
  void start_close(const wire::RequestHeader& header, Instant received);
  wire::ErrorCode prepare_local(const Write& write);
  void upgrade_session();
  // Queues a write and submits it, or holds it if a sync is before it.
  void submit(Pending pending, state::Request request);
  // Submits the writes that were held, up to the next sync.
  void submit_held();
  // Queues a request that the gateway will complete; returns its number.
  uint64_t expect(Pending pending);
  void on_complete(uint64_t number, replica::Reply reply);
  void drain();
  void answer(const Pending& pending);
  void answer_read(const Pending& pending, BytesView body);
  bool drop_if_unknown(const Pending& pending);
  void answer_write(const Pending& pending);
  void send_header(const Pending& pending, wire::ErrorCode error);
  // A reply that is no part of the order: its zxid is not the last applied and it counts for no latency.
  template <class... Body>
  void put_reply(const wire::ReplyHeader& header, const Body&... body);
  void replied(const Pending& pending, size_t frame_bytes);
  Zxid reply_zxid(Zxid at_least);
  replica::Completion completion(uint64_t number);

  Hub* hub_;
  Client* client_;
  ConnectionStatistics* statistics_;
  PipelineHost* host_;
  Link* link_;
  std::vector<Pending> queue_;  // from head_ on
  size_t head_ = 0;
  uint64_t head_number_ = 1;  // of queue_[head_]
  size_t queued_bytes_ = 0;
  size_t syncs_ = 0;      // in the queue
  bool holding_ = false;  // some writes in the queue are held
  Bytes missed_events_;   // of a setWatches that is being answered
  Zxid zxid_sent_;
  bool closing_ = false;
  bool closed_ = false;  // finish, drop or abandon was called
};

}  // namespace conclave::frontend::zookeeper
