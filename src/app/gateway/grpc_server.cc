#include "app/gateway/grpc_server.h"

#include <chrono>
#include <deque>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <utility>

#include "app/config/load.h"
#include "gateway/lock_service.grpc.pb.h"

namespace conclave::app {
namespace {

namespace api = conclave::v1;
using gateway::Answer;
using gateway::CallRef;
using gateway::ClientStream;
using gateway::Failure;
using gateway::Gateway;

// Contents of 256 KiB, names and rights.
constexpr int kRequestBytesMax = 512 << 10;
// A reply that lists a directory may be long.
constexpr int kReplyBytesMax = 64 << 20;
// Of one stream: a client that does not read is cut off.
constexpr size_t kUnsentMessagesMax = 4096;
// A connection whose other end is gone without a word is noticed; clients may look, too.
constexpr int kPingMs = 20'000;
constexpr int kClientPingMs = 1'000;
constexpr int kStreamsMax = 1024;  // calls and streams of one connection

grpc::Status status_of(const Failure& failure) {
  return {static_cast<grpc::StatusCode>(gateway::status_of(failure.code)), failure.message};
}

void name_code(grpc::CallbackServerContext& context, api::Code code) {
  context.AddTrailingMetadata("conclave-code", std::string(gateway::name_of(code)));
}

struct Around {
  env::Executor& loop;
  Gateway& gateway;
};

template <class Request, class Reply>
class UnaryCall final : public grpc::ServerUnaryReactor {
 public:
  UnaryCall(const Around& around, grpc::CallbackServerContext* context, const Request* request, Reply* reply)
      : around_(around), context_(context), request_(request), reply_(reply) {
    around_.loop.post([this] {
      const CallRef call = around_.gateway.call(*request_, [this](const Answer& answer) { answered(answer); });
      if (!finished_) call_ = call;
    });
  }

 private:
  void OnCancel() override {
    around_.loop.post([this] {
      if (finished_) return;
      around_.gateway.abandon(call_);
      finished_ = true;
      Finish(grpc::Status::CANCELLED);
    });
  }
  void OnDone() override {
    around_.loop.post([this] { delete this; });
  }
  void answered(const Answer& answer) {
    finished_ = true;
    if (!answer) {
      name_code(*context_, answer.error().code);
      return Finish(status_of(answer.error()));
    }
    reply_->CopyFrom(**answer);
    Finish(grpc::Status::OK);
  }

  const Around around_;
  grpc::CallbackServerContext* const context_;
  const Request* const request_;
  Reply* const reply_;
  CallRef call_;
  bool finished_ = false;
};

class SessionStream final : public grpc::ServerBidiReactor<api::SessionRequest, api::SessionReply>,
                            public ClientStream {
 public:
  SessionStream(const Around& around, grpc::CallbackServerContext* context) : around_(around), context_(context) {
    StartRead(&request_);
  }

  void send(api::SessionReply reply) override {
    if (finish_) return;
    unsent_.push_back(std::move(reply));
    if (unsent_.size() == kUnsentMessagesMax) {
      around_.loop.post([this] {
        drop_unsent();
        lost({.code = api::BAD_STREAM, .message = "the client does not read its stream"});
      });
    }
    write();
  }
  void close(const Failure* why) override { end(why); }

 private:
  void OnReadDone(bool ok) override {
    around_.loop.post([this, ok] {
      if (!ok) return lost({});
      if (finish_) return;
      around_.gateway.on_request(*this, request_);
      if (!finish_) StartRead(&request_);
    });
  }
  void OnWriteDone(bool ok) override {
    around_.loop.post([this, ok] {
      writing_ = false;
      if (!unsent_.empty()) unsent_.pop_front();
      if (!ok) {
        drop_unsent();
        lost({});
      }
      write();
    });
  }
  void OnCancel() override {
    around_.loop.post([this] {
      drop_unsent();
      lost({});
    });
  }
  void OnDone() override {
    around_.loop.post([this] { delete this; });
  }

  void drop_unsent() {
    while (unsent_.size() > (writing_ ? 1U : 0U)) unsent_.pop_back();
  }
  // The client is gone, or is sent away.
  void lost(const Failure& why) {
    if (!closed) around_.gateway.on_stream_lost(*this);
    end(why.code == api::CODE_UNKNOWN ? nullptr : &why);
  }
  void end(const Failure* why) {
    if (finish_) return;
    finish_ = true;
    if (why != nullptr) {
      name_code(*context_, why->code);
      status_ = status_of(*why);
    }
    write();
  }
  void write() {
    if (writing_ || finished_) return;
    if (!unsent_.empty()) {
      writing_ = true;
      StartWrite(&unsent_.front());
    } else if (finish_) {
      finished_ = true;
      Finish(status_);
    }
  }

  const Around around_;
  grpc::CallbackServerContext* const context_;
  api::SessionRequest request_;
  std::deque<api::SessionReply> unsent_;  // the first is under way if `writing_`
  bool writing_ = false;
  bool finish_ = false;  // when what is unsent is sent
  bool finished_ = false;
  grpc::Status status_;
};

using Base = api::LockService::CallbackService;
using Context = grpc::CallbackServerContext;

// NOLINTBEGIN(bugprone-macro-parentheses): names of types
#define CONCLAVE_UNARY(method, ReplyType)                                                                              \
  grpc::ServerUnaryReactor* method(Context* context, const api::method##Request* request, ReplyType* reply) override { \
    return new UnaryCall<api::method##Request, ReplyType>(around_, context, request, reply);                           \
  }
// NOLINTEND(bugprone-macro-parentheses)

class Service final : public Base {
 public:
  explicit Service(const Around& around) : around_(around) {}

  grpc::ServerBidiReactor<api::SessionRequest, api::SessionReply>* Session(Context* context) override {
    return new SessionStream(around_, context);
  }
  CONCLAVE_UNARY(Open, api::OpenReply)
  CONCLAVE_UNARY(Close, api::CloseReply)
  CONCLAVE_UNARY(Poison, api::PoisonReply)
  CONCLAVE_UNARY(GetContents, api::GetContentsReply)
  CONCLAVE_UNARY(GetStat, api::GetStatReply)
  CONCLAVE_UNARY(ReadDirectory, api::ReadDirectoryReply)
  CONCLAVE_UNARY(SetContents, api::SetContentsReply)
  CONCLAVE_UNARY(SetAcl, api::SetAclReply)
  CONCLAVE_UNARY(Delete, api::DeleteReply)
  CONCLAVE_UNARY(Acquire, api::AcquireReply)
  CONCLAVE_UNARY(TryAcquire, api::AcquireReply)
  CONCLAVE_UNARY(Release, api::ReleaseReply)
  CONCLAVE_UNARY(GetSequencer, api::GetSequencerReply)
  CONCLAVE_UNARY(SetSequencer, api::SetSequencerReply)
  CONCLAVE_UNARY(CheckSequencer, api::CheckSequencerReply)
  CONCLAVE_UNARY(Cancel, api::CancelReply)

 private:
  const Around around_;
};

#undef CONCLAVE_UNARY

Result<std::shared_ptr<grpc::ServerCredentials>> credentials(const Listening& listening) {
  if (listening.certificate.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions options(listening.client_ca.empty()
                                                ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                                : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  grpc::SslServerCredentialsOptions::PemKeyCertPair pair;
  for (const auto& [file, text] :
       {std::pair(&listening.certificate, &pair.cert_chain), std::pair(&listening.key, &pair.private_key),
        std::pair(&listening.client_ca, &options.pem_root_certs)}) {
    if (file->empty()) continue;
    auto read = read_whole_file(*file);
    if (!read) return fail(read.error().kind, fmt::format("{}: {}", *file, read.error().message));
    *text = *std::move(read);
  }
  options.pem_key_cert_pairs.push_back(std::move(pair));
  return grpc::SslServerCredentials(options);
}

}  // namespace

struct GrpcServer::Parts {
  explicit Parts(const Around& around) : service(around) {}
  Service service;
  std::unique_ptr<grpc::Server> server;
  int port = 0;
};

GrpcServer::GrpcServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
GrpcServer::~GrpcServer() = default;

Result<std::unique_ptr<GrpcServer>> GrpcServer::start(const Listening& listening, env::Executor& loop,
                                                      Gateway& gateway) {
  auto with = credentials(listening);
  if (!with) return std::unexpected(with.error());
  auto parts = std::make_unique<Parts>(Around{.loop = loop, .gateway = gateway});
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  builder.AddListeningPort(env::to_string(listening.address), *std::move(with), &parts->port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // two gateways must not share a port unnoticed
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kPingMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kPingMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, kClientPingMs);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsMax);
  builder.SetMaxReceiveMessageSize(kRequestBytesMax);
  builder.SetMaxSendMessageSize(kReplyBytesMax);
  builder.RegisterService(&parts->service);
  parts->server = builder.BuildAndStart();
  if (parts->server == nullptr || parts->port == 0) {
    return fail(ErrorKind::io,
                fmt::format("cannot listen on {}{}", env::to_string(listening.address),
                            listening.certificate.empty() ? "" : ", or the key and certificate are bad"));
  }
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(parts)));
}

uint16_t GrpcServer::port() const {
  return static_cast<uint16_t>(parts_->port);
}

void GrpcServer::shut_down(Duration patience) {
  parts_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::microseconds(patience.us));
}

}  // namespace conclave::app
