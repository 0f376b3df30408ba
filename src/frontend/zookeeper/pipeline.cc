#include "frontend/zookeeper/pipeline.h"

#include <algorithm>

#include "base/assert.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/plant.h"
#include "frontend/zookeeper/authentication.h"
#include "frontend/zookeeper/event_frame.h"
#include "frontend/zookeeper/handling.h"

namespace conclave::frontend::zookeeper {
namespace {

using wire::ErrorCode;
using wire::OpCode;

constexpr std::string_view kConfigPath = "/zookeeper/config";

bool sets_configuration(const state::RequestBody& body) {
  if (const auto* set = std::get_if<state::SetDataRequest>(&body)) return set->path == kConfigPath;
  const auto* multi = std::get_if<state::MultiRequest>(&body);
  if (multi == nullptr) return false;
  return std::any_of(multi->ops.begin(), multi->ops.end(), [](const auto& op) {
    const auto* set = std::get_if<state::SetDataRequest>(&op);
    return set != nullptr && set->path == kConfigPath;
  });
}

}  // namespace

struct Pipeline::Link {
  Pipeline* pipeline;  // null when it is gone
  uint32_t references = 1;
};

class Pipeline::LinkRef {
 public:
  explicit LinkRef(Link* link) : link_(link) { ++link_->references; }
  LinkRef(LinkRef&& other) noexcept : link_(std::exchange(other.link_, nullptr)) {}
  LinkRef& operator=(LinkRef&&) = delete;
  ~LinkRef() {
    if (link_ != nullptr) release(link_);
  }
  Pipeline* pipeline() const { return link_->pipeline; }

  static void release(Link* link) {
    if (--link->references == 0) delete link;
  }

 private:
  Link* link_;
};

Pipeline::Pipeline(Hub* hub, Client* client, ConnectionStatistics* statistics, PipelineHost* host)
    : hub_(hub), client_(client), statistics_(statistics), host_(host), link_(new Link{.pipeline = this}) {}

Pipeline::~Pipeline() {
  hub_->statistics.outstanding -= outstanding();
  link_->pipeline = nullptr;
  LinkRef::release(link_);
}

bool Pipeline::full() const {
  const Limits& limits = hub_->settings.limits;
  return outstanding() >= limits.outstanding_requests_max || queued_bytes_ >= limits.outstanding_bytes_max;
}

// --- requests

void Pipeline::on_request(BytesView message, Instant received) {
  if (closing_ || closed_) return;
  wire::Reader in(message);
  const auto header = in.get<wire::RequestHeader>();
  if (!in.ok()) {
    closed_ = true;
    return host_->drop("request header cut short");
  }
  const BytesView body = in.rest();
  const auto known = wire::opcode_from_wire(static_cast<int32_t>(header.op));
  const OpcodeRow row = known ? row_of(*known) : OpcodeRow{};
  if (row.handling == Handling::auth) return authenticate_now(header.xid, &in);
  if (row.handling == Handling::sasl) return answer_sasl_now(header.xid, &in);
  if (client_->read_only && !row.read_only && row.handling != Handling::deny) {
    return answer_or_queue(header, ErrorCode::not_read_only, {}, received);
  }
  switch (row.handling) {
    case Handling::auth:
    case Handling::sasl:
      return;  // above
    case Handling::ping:
    case Handling::read:
      return answer_or_queue(header, ErrorCode::ok, body, received);
    case Handling::write:
      return start_write(header, &in, body, received);
    case Handling::sync:
      return start_sync(header, body, received);
    case Handling::close_session:
      return start_close(header, received);
    case Handling::reconfig:
      if (!hub_->settings.reconfig_enabled) {
        return answer_or_queue(header, ErrorCode::reconfig_disabled, {}, received);
      }
      return start_reconfig(header, body, received);
    case Handling::refuse:
      return answer_or_queue(header, ErrorCode::bad_arguments, {}, received);
    case Handling::deny:
      closing_ = true;
      if (const auto left_out = hub_->refusals.admit(Refusal::opcode, received)) {
        log::info("zookeeper", "refused an opcode that is not served",
                  {{"opcode", static_cast<int32_t>(header.op)},
                   {"session", client_->session.value},
                   {"left_out", *left_out}});
      }
      return answer_or_queue(header, ErrorCode::unimplemented, {}, received);
  }
}

template <class... Body>
void Pipeline::put_reply(const wire::ReplyHeader& header, const Body&... body) {
  FrameWriter frame(host_->output());
  wire::Writer writer(host_->output());
  writer.put(header);
  (writer.put(body), ...);
  frame.finish();
  ++hub_->statistics.sent;
  ++statistics_->sent;
}

void Pipeline::authenticate_now(int32_t xid, wire::Reader* in) {
  const auto packet = in->get<wire::AuthPacket>();
  const bool room = client_->identities.size() < hub_->settings.limits.identities_max;
  const bool proved =
      in->ok() && room && authenticate(packet.scheme, packet.auth, hub_->settings.super_digest, &client_->identities);
  put_reply({.xid = xid, .zxid = Zxid(), .error = proved ? ErrorCode::ok : ErrorCode::auth_failed});
  if (proved) return;
  ++hub_->statistics.auth_failed;
  closed_ = true;
  if (const auto left_out = hub_->refusals.admit(Refusal::authentication, hub_->clock.now())) {
    log::info("zookeeper", "authentication failed",
              {{"scheme", packet.scheme},
               {"reason", room ? "unknown scheme or malformed packet" : "too many identities"},
               {"left_out", *left_out}});
  }
  host_->finish("authentication failed");
}

// ZooKeeperServer.processSasl with no SASL configured: a client that offers a token gets a null one and goes on, one
// that offers none is cut off. It proves no identity.
void Pipeline::answer_sasl_now(int32_t xid, wire::Reader* in) {
  const auto request = in->get<wire::SaslRequest>();
  if (!in->ok() || !request.token) {
    closed_ = true;
    return host_->drop("sasl request without a token");
  }
  put_reply({.xid = xid, .zxid = Zxid()}, wire::SaslResponse{.token = std::nullopt});
}

void Pipeline::answer_or_queue(const wire::RequestHeader& header, ErrorCode refused, BytesView body, Instant received) {
  Pending pending{.xid = header.xid,
                  .op = header.op,
                  .ready = true,
                  .refused = refused,
                  .received = received,
                  .bytes = body.size(),
                  .body = {},
                  .ops = {},
                  .reply = {}};
  if (outstanding() > 0 && !CONCLAVE_PLANT(reply_overtakes)) {
    pending.body = Bytes(body);
    expect(std::move(pending));
  } else if (refused == ErrorCode::ok) {
    answer_read(pending, body);
  } else {
    answer(pending);
  }
}

void Pipeline::start_write(const wire::RequestHeader& header, wire::Reader* in, BytesView body, Instant received) {
  auto write = read_write(header.op, in, hub_->settings.limits.multi_ops_max);
  if (!write) return answer_or_queue(header, write.error(), {}, received);
  if (client_->local) {
    if (const ErrorCode code = prepare_local(*write); code != ErrorCode::ok) {
      return answer_or_queue(header, code, {}, received);
    }
  }
  Pending pending{.xid = header.xid,
                  .op = header.op,
                  .ready = false,
                  .refused = {},
                  .received = received,
                  .bytes = body.size(),
                  .body = {},
                  .ops = std::move(write->ops),
                  .reply = {}};
  if (header.op == OpCode::check) pending.body = Bytes(body);
  submit(std::move(pending), {.session = client_->local ? SessionId() : client_->session,
                              .identities = client_->identities,
                              .body = std::move(write->body)});
}

void Pipeline::start_reconfig(const wire::RequestHeader& header, BytesView body, Instant received) {
  wire::Reader in(body);
  auto request = read_reconfig(&in);
  if (!request && request.error().code == ErrorCode::bad_arguments) {
    if (const auto left_out = hub_->refusals.admit(Refusal::reconfig, received)) {
      log::info("zookeeper", "refused a change of the members",
                {{"reason", request.error().reason}, {"left_out", *left_out}});
    }
  }
  if (!request) return answer_or_queue(header, request.error().code, {}, received);
  if (client_->local) return answer_or_queue(header, ErrorCode::no_auth, {}, received);
  Pending pending{.xid = header.xid,
                  .op = header.op,
                  .ready = false,
                  .refused = {},
                  .received = received,
                  .bytes = body.size(),
                  .body = {},
                  .ops = {},
                  .reply = {}};
  submit(std::move(pending),
         {.session = client_->session, .identities = client_->identities, .body = *std::move(request)});
}

// A local session is not in the log: its writes carry no session. So they may own no ephemeral node, unless the session
// is made a global one first, and must not pass for the cell's own writes of its configuration.
ErrorCode Pipeline::prepare_local(const Write& write) {
  if (sets_configuration(write.body)) return ErrorCode::no_auth;
  if (!write.makes_ephemeral) return ErrorCode::ok;
  if (!hub_->settings.local_sessions_upgrading_enabled) return ErrorCode::ephemeral_on_local_session;
  upgrade_session();
  return ErrorCode::ok;
}

void Pipeline::upgrade_session() {
  const LocalSessions::Session* local = hub_->local_sessions.find(client_->session);
  const int64_t timeout_ms = local != nullptr ? local->timeout_ms : hub_->settings.session_timeout_max_ms;
  hub_->gateway.submit(state::Request{.session = client_->session,
                                      .identities = {},
                                      .body = state::CreateSessionRequest{.id = client_->session,
                                                                          .password = client_->password,
                                                                          .timeout_ms = timeout_ms}},
                       [link = LinkRef(link_)](replica::Reply reply) {
                         Pipeline* self = link.pipeline();
                         if (self == nullptr || self->closed_ || reply.outcome.code == state::Code::ok) return;
                         self->closed_ = true;
                         self->host_->drop("the local session could not be made a global one");
                       });
  hub_->local_sessions.remove(client_->session);
  client_->local = false;
}

void Pipeline::start_sync(const wire::RequestHeader& header, BytesView body, Instant received) {
  wire::Reader in(body);
  in.get<wire::PathRequest>();
  if (!in.ok()) return answer_or_queue(header, ErrorCode::marshalling_error, {}, received);
  Pending pending{.xid = header.xid,
                  .op = header.op,
                  .ready = false,
                  .refused = {},
                  .received = received,
                  .bytes = body.size(),
                  .body = Bytes(body),
                  .ops = {},
                  .reply = {}};
  pending.barrier = true;
  ++syncs_;
  const uint64_t number = expect(std::move(pending));
  hub_->gateway.sync(completion(number));
}

void Pipeline::start_close(const wire::RequestHeader& header, Instant received) {
  closing_ = true;
  Pending pending{.xid = header.xid,
                  .op = header.op,
                  .ready = true,
                  .refused = {},
                  .received = received,
                  .bytes = 0,
                  .body = {},
                  .ops = {},
                  .reply = {}};
  if (client_->local || client_->read_only) {
    hub_->local_sessions.remove(client_->session);
    if (outstanding() == 0) return answer(pending);
    expect(std::move(pending));
    return;
  }
  pending.ready = false;
  submit(std::move(pending), {.session = client_->session, .identities = {}, .body = state::CloseSessionRequest{}});
}

// --- the queue

uint64_t Pipeline::expect(Pending pending) {
  if (head_ > 32 && head_ > queue_.size() / 2) {
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<ptrdiff_t>(head_));
    head_ = 0;
  }
  queued_bytes_ += pending.bytes;
  queue_.push_back(std::move(pending));
  ++hub_->statistics.outstanding;
  return head_number_ + outstanding() - 1;
}

void Pipeline::submit(Pending pending, state::Request request) {
  if (syncs_ > 0) {
    pending.held = std::make_unique<state::Request>(std::move(request));
    holding_ = true;
    expect(std::move(pending));
    return;
  }
  const uint64_t number = expect(std::move(pending));
  hub_->gateway.submit(std::move(request), completion(number));
}

void Pipeline::submit_held() {
  if (!holding_) return;
  for (size_t i = head_; i < queue_.size(); ++i) {
    if (queue_[i].barrier) return;
    if (!queue_[i].held) continue;
    const auto request = std::exchange(queue_[i].held, nullptr);
    hub_->gateway.submit(std::move(*request), completion(head_number_ + i - head_));
  }
  holding_ = false;
}

replica::Completion Pipeline::completion(uint64_t number) {
  return [link = LinkRef(link_), number](replica::Reply reply) {
    if (Pipeline* self = link.pipeline(); self != nullptr) self->on_complete(number, std::move(reply));
  };
}

void Pipeline::on_complete(uint64_t number, replica::Reply reply) {
  if (closed_) return;
  CONCLAVE_ASSERT(number >= head_number_);
  CONCLAVE_ASSERT(number - head_number_ < outstanding());
  Pending& pending = queue_[head_ + static_cast<size_t>(number - head_number_)];
  pending.reply = std::move(reply);
  pending.ready = true;
  if (number == head_number_) drain();
}

void Pipeline::drain() {
  bool synced = false;
  while (!closed_ && outstanding() > 0 && queue_[head_].ready) {
    const Pending pending = std::move(queue_[head_]);
    ++head_;
    ++head_number_;
    queued_bytes_ -= pending.bytes;
    --hub_->statistics.outstanding;
    if (head_ == queue_.size()) {
      queue_.clear();
      head_ = 0;
    }
    if (pending.barrier) {
      --syncs_;
      synced = true;
    }
    answer(pending);
  }
  if (closed_) return;
  if (synced) submit_held();
  host_->progressed();
}

// --- answers

void Pipeline::answer(const Pending& pending) {
  if (pending.refused != ErrorCode::ok) {
    if (row_of(pending.op).handling != Handling::deny) return send_header(pending, pending.refused);
    put_reply({.xid = pending.xid, .zxid = wire::kNotificationZxid, .error = pending.refused});
    closed_ = true;
    return host_->finish("an opcode that is not served");
  }
  switch (row_of(pending.op).handling) {
    case Handling::ping:
    case Handling::read:
      return answer_read(pending, pending.body);
    case Handling::close_session:
      if (drop_if_unknown(pending)) return;
      send_header(pending, ErrorCode::ok);
      closed_ = true;
      return host_->finish("the client closed its session");
    default:
      return answer_write(pending);
  }
}

void Pipeline::answer_read(const Pending& pending, BytesView body) {
  if (pending.op == OpCode::ping) return send_header(pending, ErrorCode::ok);
  Bytes* out = host_->output();
  const size_t start = out->size();
  FrameWriter frame(out);
  wire::Writer writer(out);
  writer.put(wire::ReplyHeader{.xid = pending.xid, .zxid = reply_zxid(Zxid())});
  wire::Reader in(body);
  const ReadContext context{.state = hub_->gateway.state(),
                            .who = client_->identities,
                            .session = client_->session,
                            .multi_ops_max = hub_->settings.limits.multi_ops_max,
                            .watches = *this};
  const ErrorCode code = run_read(pending.op, &in, context, &writer);
  const bool lost_watches =
      code == ErrorCode::quota_exceeded && (pending.op == OpCode::set_watches || pending.op == OpCode::set_watches2);
  if (lost_watches) {  // the client would believe that it has them
    frame.cancel();
    closed_ = true;
    return host_->drop("setWatches is above the limit of watches");
  }
  if (code == ErrorCode::ok) {
    frame.finish();
    replied(pending, out->size() - start);
  } else {
    frame.cancel();
    send_header(pending, code);
  }
  if (!missed_events_.empty()) out->insert(start, std::exchange(missed_events_, {}));
}

// Both are errors of the connection, not of the request: the client must come again to learn what became of it.
bool Pipeline::drop_if_unknown(const Pending& pending) {
  const state::Code code = pending.reply.outcome.code;
  if (code != state::Code::connection_loss && code != state::Code::session_moved) return false;
  closed_ = true;
  host_->drop(code == state::Code::session_moved ? "the session moved to another replica"
                                                 : "the cell was lost with requests unanswered");
  return true;
}

void Pipeline::answer_write(const Pending& pending) {
  if (drop_if_unknown(pending)) return;
  const state::Outcome& outcome = pending.reply.outcome;
  const bool parts = pending.op == OpCode::multi && !outcome.ops.empty();
  if (outcome.code != state::Code::ok && !parts) return send_header(pending, to_wire(outcome.code));

  Bytes* out = host_->output();
  const size_t start = out->size();
  FrameWriter frame(out);
  wire::Writer writer(out);
  writer.put(wire::ReplyHeader{.xid = pending.xid, .zxid = reply_zxid(pending.reply.zxid)});
  if (pending.op == OpCode::sync) {
    wire::Reader in(pending.body);
    writer.put(in.get<wire::PathRequest>().path);  // null comes back as null
  } else if (pending.op == OpCode::reconfig) {
    const auto config = hub_->gateway.state().get(std::string(kConfigPath), state::super_identities());
    writer.put(wire::GetDataResponse{config ? config->data : Bytes(), to_wire(outcome.ops.front().stat)});
  } else {
    state::Stat checked;
    if (pending.op == OpCode::check) {
      wire::Reader in(pending.body);
      checked =
          hub_->gateway.state().stat(in.get<wire::CheckVersionRequest>().path, client_->identities).value_or(checked);
    }
    write_outcome(pending.op, pending.ops, outcome, checked, &writer);
  }
  frame.finish();
  replied(pending, out->size() - start);
}

void Pipeline::send_header(const Pending& pending, ErrorCode error) {
  Bytes* out = host_->output();
  const size_t start = out->size();
  FrameWriter frame(out);
  wire::Writer(out).put(wire::ReplyHeader{.xid = pending.xid, .zxid = reply_zxid(pending.reply.zxid), .error = error});
  frame.finish();
  replied(pending, out->size() - start);
}

void Pipeline::replied(const Pending& pending, size_t frame_bytes) {
  const Instant now = hub_->clock.now();
  const Duration latency = now - pending.received;
  hub_->statistics.latencies.add(latency);
  hub_->statistics.add_response(frame_bytes);
  ++hub_->statistics.sent;
  statistics_->latencies.add(latency);
  ++statistics_->sent;
  statistics_->last_operation = row_of(pending.op).letters.empty() ? "NA" : row_of(pending.op).letters.data();
  statistics_->last_xid = pending.xid;
  statistics_->last_zxid = zxid_sent_.value;
  statistics_->last_response_ms = now.us / 1000;
  statistics_->last_latency_ms = latency.ms();
}

Zxid Pipeline::reply_zxid(Zxid at_least) {
  zxid_sent_ = std::max({zxid_sent_, at_least, hub_->gateway.state().last_zxid()});
  return zxid_sent_;
}

// --- watches

bool Pipeline::watch(std::string_view path, WatchTable table) {
  if (outstanding() > 0 && CONCLAVE_PLANT(watch_lost_when_busy)) return true;
  return hub_->watches.add(client_->number, path, table);
}
bool Pipeline::watch_persistent(std::string_view path, PersistentMode mode) {
  return hub_->watches.add_persistent(client_->number, path, mode);
}
bool Pipeline::watches(std::string_view path, WatchScope scope) const {
  return hub_->watches.contains(client_->number, path, scope);
}
bool Pipeline::unwatch(std::string_view path, WatchScope scope) {
  return hub_->watches.remove(client_->number, path, scope);
}
void Pipeline::notify(WatchEvent event, std::string_view path) {
  ++hub_->statistics.watch_events;
  write_event(event, path, &missed_events_);
}

}  // namespace conclave::frontend::zookeeper
