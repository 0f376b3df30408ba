#include "client/four_letter.h"

#include <fmt/format.h>
#include <memory>
#include <utility>

namespace conclave::client {
namespace {

constexpr size_t kAnswerBytesMax = 64 << 20;

// Owns itself until the answer is given; then lives on for one turn of the loop, since its stream may be calling it.
class Query final : public env::StreamHandler, public std::enable_shared_from_this<Query> {
 public:
  Query(env::Executor& executor, std::string word, std::move_only_function<void(Result<std::string>)> done)
      : executor_(executor), word_(std::move(word)), done_(std::move(done)) {}

  void start(env::Network& network, const env::Address& server, Duration timeout) {
    self_ = shared_from_this();
    timer_ = executor_.schedule(timeout, [this, timeout] {
      finish(fail(ErrorKind::timed_out, fmt::format("no answer within {} ms", timeout.ms())));
    });
    network.connect(server, timeout, [weak = weak_from_this()](Result<std::unique_ptr<env::Stream>> stream) {
      if (const auto query = weak.lock(); query && query->done_) query->on_connected(std::move(stream));
    });
  }

  void on_data(BytesView bytes) override {
    answer_.append(bytes);
    if (answer_.size() > kAnswerBytesMax) finish(fail(ErrorKind::limit, "the answer is longer than 64 MiB"));
  }
  void on_closed(const Error& reason) override {
    if (answer_.empty()) {
      finish(fail(ErrorKind::closed, "closed without an answer: " + reason.message));
    } else {
      finish(std::move(answer_));
    }
  }

 private:
  void on_connected(Result<std::unique_ptr<env::Stream>> stream) {
    if (!stream) return finish(std::unexpected(stream.error()));
    stream_ = *std::move(stream);
    stream_->set_handler(this);
    stream_->write(word_);
  }

  void finish(Result<std::string> answer) {
    if (!done_) return;
    executor_.cancel(timer_);
    executor_.post([self = std::move(self_), done = std::exchange(done_, {}), answer = std::move(answer)]() mutable {
      self->stream_.reset();
      done(std::move(answer));
    });
  }

  env::Executor& executor_;
  std::string word_;
  std::move_only_function<void(Result<std::string>)> done_;
  std::shared_ptr<Query> self_;
  std::unique_ptr<env::Stream> stream_;
  std::string answer_;
  env::TimerId timer_ = 0;
};

}  // namespace

void ask_four_letter_word(env::Executor& executor, env::Network& network, const env::Address& server,
                          std::string_view word, Duration timeout,
                          std::move_only_function<void(Result<std::string>)> done) {
  std::make_shared<Query>(executor, std::string(word), std::move(done))->start(network, server, timeout);
}

}  // namespace conclave::client
