#include "wire/chubby/datagram.h"

#include <google/protobuf/stubs/logging.h>
#include <string>

#include "base/hmac.h"
#include "base/secret.h"

namespace conclave::wire::chubby {
namespace {

constexpr size_t kTagBytes = 16;
constexpr char kToServer = 1;
constexpr char kToClient = 2;

Bytes tag_of(char direction, BytesView body, BytesView key) {
  Bytes text(1, direction);
  text.append(body);
  const auto digest = hmac_sha1(key, text);
  return {reinterpret_cast<const char*>(digest.data()), kTagBytes};
}

Bytes sealed(char direction, const google::protobuf::MessageLite& message, BytesView key) {
  const Bytes body = message.SerializeAsString();
  return tag_of(direction, body, key) + body;
}

template <class Message>
Result<Sealed<Message>> open(BytesView datagram) {
  const google::protobuf::LogSilencer quiet;
  Sealed<Message> out{.message = {}, .datagram = datagram};
  if (datagram.size() <= kTagBytes ||
      !out.message.ParseFromArray(datagram.data() + kTagBytes, static_cast<int>(datagram.size() - kTagBytes)))
    return fail(ErrorKind::invalid_argument, "malformed datagram");
  return out;
}

bool fits(char direction, BytesView datagram, BytesView key) {
  return same_secret(datagram.substr(0, kTagBytes), tag_of(direction, datagram.substr(kTagBytes), key));
}

}  // namespace

Bytes seal(const LeaseRequest& request, BytesView key) {
  return sealed(kToServer, request, key);
}
Bytes seal(const LeaseAnswer& answer, BytesView key) {
  return sealed(kToClient, answer, key);
}

Result<Sealed<LeaseRequest>> open_request(BytesView datagram) {
  return open<LeaseRequest>(datagram);
}
Result<Sealed<LeaseAnswer>> open_answer(BytesView datagram) {
  return open<LeaseAnswer>(datagram);
}
bool is_genuine(const Sealed<LeaseRequest>& request, BytesView key) {
  return fits(kToServer, request.datagram, key);
}
bool is_genuine(const Sealed<LeaseAnswer>& answer, BytesView key) {
  return fits(kToClient, answer.datagram, key);
}

}  // namespace conclave::wire::chubby
