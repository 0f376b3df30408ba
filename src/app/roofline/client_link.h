// A connection of a client: cuts its bytes into requests, hands writes on, answers reads, and keeps the order.
//
// Invariants:
//   1. replies leave in the order of the requests;
//   2. a read shows every write that came before it on this connection, and none that came after: it waits behind the
//      writes before it, and is answered between the two.
//
// What is answered in one turn leaves in one write. Loop thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "app/roofline/frames.h"
#include "app/roofline/store.h"
#include "env/network.h"

namespace conclave::app::roofline {

class ClientLink final : public env::StreamHandler {
 public:
  // What the member does for its clients.
  class Host {
   public:
    virtual ~Host() = default;
    // `frame` goes into the log; ClientLink::complete() comes when it is committed, in the order of the calls.
    virtual void propose(uint32_t connection, BytesView frame) = 0;
    virtual Store& store() = 0;
    // The last write that the store has.
    virtual uint64_t zxid_applied() const = 0;
    // The connection is gone, or has to be; the link may be destroyed here.
    virtual void gone(uint32_t connection) = 0;
  };

  ClientLink(uint32_t number, std::unique_ptr<env::Stream> stream, Host& host);

  // The next of our writes was applied as `zxid`. REQUIRES: flush() follows in this turn.
  void complete(const Request& write, uint64_t zxid, const Store::Applied& applied);
  // Sends what was answered.
  void flush();

 private:
  // A request that cannot be answered yet, because of a write before it.
  struct Waiting {
    int32_t xid = 0;
    Opcode opcode = Opcode::ping;
    const Node* node = nullptr;  // of a read
  };

  void on_data(BytesView bytes) override;
  void on_closed(const Error& reason) override;
  bool on_frame(BytesView frame);
  void answer_at_once(const Request& request);
  void answer_waiting(const Waiting& request);
  void answer_read(int32_t xid, const Node* node);

  const uint32_t number_;
  std::unique_ptr<env::Stream> stream_;
  Host& host_;
  bool connected_ = false;  // the first frame was answered
  bool closing_ = false;
  Bytes partial_;  // the beginning of a frame
  std::deque<Waiting> waiting_;
  Bytes replies_;
  size_t replies_usual_ = 256;
};

}  // namespace conclave::app::roofline
