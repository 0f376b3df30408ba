// Messages in datagrams, sealed with a key that the client and the masters share: the password of its session. Pure.
//
// A datagram is a tag of 16 bytes and the message. The tag is the beginning of the HMAC-SHA1 of one byte for the
// direction and the message: nobody who lacks the password can ask for a lease or grant one, and no request comes back
// as an answer. What comes twice or late is told by the numbers in the messages.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "wire/chubby/chubby.pb.h"

namespace conclave::wire::chubby {

Bytes seal(const LeaseRequest& request, BytesView key);
Bytes seal(const LeaseAnswer& answer, BytesView key);

// A datagram that came. Nothing of the message may be believed before it is_genuine().
template <class Message>
struct Sealed {
  Message message;
  BytesView datagram;  // that it is in
};

// Errors: invalid_argument, for bytes that are no such datagram.
Result<Sealed<LeaseRequest>> open_request(BytesView datagram);
Result<Sealed<LeaseAnswer>> open_answer(BytesView datagram);
bool is_genuine(const Sealed<LeaseRequest>& request, BytesView key);
bool is_genuine(const Sealed<LeaseAnswer>& answer, BytesView key);

}  // namespace conclave::wire::chubby
