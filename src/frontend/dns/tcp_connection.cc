#include "frontend/dns/tcp_connection.h"

#include <algorithm>
#include <utility>

#include "frontend/dns/message.h"

namespace conclave::frontend::dns {
namespace {

constexpr size_t kLengthBytes = 2;
constexpr Duration kUnsentPause = Duration::millis(50);  // a stream does not say when it was read

}  // namespace

TcpConnection::TcpConnection(TcpHost& host, uint64_t number, std::unique_ptr<env::Stream> stream,
                             const env::Clock& clock, env::Executor& executor, Duration idle)
    : host_(host),
      number_(number),
      stream_(std::move(stream)),
      clock_(clock),
      executor_(executor),
      idle_(idle),
      last_use_(clock.now()) {
  stream_->set_handler(this);
  schedule(idle_);
}

TcpConnection::~TcpConnection() {
  executor_.cancel(timer_);
}

void TcpConnection::schedule(Duration delay) {
  executor_.cancel(timer_);
  timer_ = executor_.schedule(delay, [this] { on_timer(); });
}

void TcpConnection::on_data(BytesView bytes) {
  received_ += bytes;
  read_messages();
}

void TcpConnection::on_closed(const Error& /*reason*/) {
  host_.on_closed(number_);
}

void TcpConnection::read_messages() {
  if (std::exchange(reading_, true)) return;
  size_t at = 0;
  while (!finishing_ && received_.size() - at >= kLengthBytes) {
    const bool full = unanswered_ >= kUnansweredMax || stream_->unsent_bytes() > kUnsentBytesMax;
    if (full != paused_) full ? stream_->pause_reading() : stream_->resume_reading();
    paused_ = full;
    if (full) break;
    const size_t length =
        static_cast<size_t>(static_cast<uint8_t>(received_[at])) << 8 | static_cast<uint8_t>(received_[at + 1]);
    if (received_.size() - at - kLengthBytes < length) break;
    ++unanswered_;
    last_use_ = clock_.now();
    host_.on_message(number_, BytesView(received_).substr(at + kLengthBytes, length));
    at += kLengthBytes + length;
  }
  received_.erase(0, at);
  reading_ = false;
  if (paused_) schedule(kUnsentPause);
}

void TcpConnection::answer(Bytes message) {
  Bytes framed;
  framed.reserve(kLengthBytes + message.size());
  append_u16(static_cast<uint16_t>(message.size()), &framed);
  framed += message;
  stream_->write(std::move(framed));
  answered();
}

void TcpConnection::abandon() {
  answered();
}

void TcpConnection::answered() {
  --unanswered_;
  if (finishing_ && unanswered_ == 0) return stream_->close_after_writes();
  if (paused_) read_messages();
}

void TcpConnection::finish() {
  finishing_ = true;
  if (unanswered_ == 0) stream_->close_after_writes();
}

void TcpConnection::on_timer() {
  const Duration unused = clock_.now() - last_use_;
  if (unused >= idle_ && unanswered_ == 0) return host_.on_closed(number_);
  if (paused_) read_messages();
  const Duration rest = unused >= idle_ ? idle_ : idle_ - unused;
  schedule(paused_ ? std::min(rest, kUnsentPause) : rest);
}

}  // namespace conclave::frontend::dns
