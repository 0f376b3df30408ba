#include "wire/chubby/message.h"

#include <google/protobuf/stubs/logging.h>

namespace conclave::wire::chubby {
namespace {

template <class Message>
Result<Message> decode(BytesView in, std::string_view kind) {
  const google::protobuf::LogSilencer quiet;  // whoever sends nonsense does not write to our standard error
  Message message;
  if (in.size() > kServerFrameBytesMax || !message.ParseFromArray(in.data(), static_cast<int>(in.size())))
    return fail(ErrorKind::invalid_argument, std::string(kind) + ": malformed message");
  if (message.body_case() == Message::BODY_NOT_SET)
    return fail(ErrorKind::invalid_argument, std::string(kind) + ": a message of an unknown kind");
  return message;
}

}  // namespace

void put_frame(const google::protobuf::MessageLite& message, Bytes* out) {
  FrameWriter frame(out);
  message.AppendToString(out);
  frame.finish();
}

Result<ClientMessage> decode_client_message(BytesView in) {
  return decode<ClientMessage>(in, "client");
}
Result<ServerMessage> decode_server_message(BytesView in) {
  return decode<ServerMessage>(in, "server");
}

}  // namespace conclave::wire::chubby
