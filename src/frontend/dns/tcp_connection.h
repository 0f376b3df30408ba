// One connection of TCP: messages behind their length in two bytes, many at once (RFC 7766). Loop thread only.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "env/clock.h"
#include "env/executor.h"
#include "env/network.h"

namespace conclave::frontend::dns {

class TcpHost {
 public:
  virtual ~TcpHost() = default;
  // Each is answered by answer() or abandon(), some time.
  virtual void on_message(uint64_t connection, BytesView message) = 0;
  // The connection may be destroyed here.
  virtual void on_closed(uint64_t connection) = 0;
};

class TcpConnection final : env::StreamHandler {
 public:
  static constexpr size_t kUnansweredMax = 32;          // no more is read until some are answered
  static constexpr size_t kUnsentBytesMax = 256 << 10;  // nor while so much of answers is not taken

  TcpConnection(TcpHost& host, uint64_t number, std::unique_ptr<env::Stream> stream, const env::Clock& clock,
                env::Executor& executor, Duration idle);
  ~TcpConnection() override;
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  // REQUIRES: at most 65,535 bytes.
  void answer(Bytes message);
  // There is no answer to a message.
  void abandon();
  // Closes when what was asked is answered.
  void finish();

 private:
  void on_data(BytesView bytes) override;
  void on_closed(const Error& reason) override;
  void read_messages();
  void answered();
  void on_timer();
  void schedule(Duration delay);

  TcpHost& host_;
  const uint64_t number_;
  std::unique_ptr<env::Stream> stream_;
  const env::Clock& clock_;
  env::Executor& executor_;
  const Duration idle_;
  Bytes received_;
  size_t unanswered_ = 0;
  bool reading_ = false;  // inside read_messages()
  bool paused_ = false;
  bool finishing_ = false;
  Instant last_use_;
  env::TimerId timer_ = 0;
};

}  // namespace conclave::frontend::dns
