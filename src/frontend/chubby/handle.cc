#include "frontend/chubby/handle.h"

#include "base/codec.h"
#include "base/hmac.h"

namespace conclave::frontend::chubby {

uint64_t check_digits(BytesView secret, SessionId session, const Handle& handle) {
  Bytes text;
  Encoder out(&text);
  out.fixed(session.value);
  out.fixed(handle.number);
  out.bytes(handle.path);
  out.fixed(handle.instance.value);
  out.fixed(handle.mode);
  out.fixed(handle.events);
  out.fixed(handle.lock_delay_ms);
  out.fixed(handle.epoch.value);
  uint64_t digits = 0;
  const auto digest = hmac_sha1(secret, text);
  for (size_t i = 0; i < sizeof(digits); ++i) digits = digits << 8 | digest[i];
  return digits;
}

wire::Handle to_wire(const Handle& handle, SessionId session, BytesView secret) {
  wire::Handle out;
  out.set_number(handle.number);
  out.set_path(handle.path);
  out.set_instance(handle.instance.value);
  out.set_mode(handle.mode);
  out.set_events(handle.events);
  out.set_lock_delay_ms(handle.lock_delay_ms);
  out.set_epoch(handle.epoch.value);
  out.set_check_digits(check_digits(secret, session, handle));
  return out;
}

Handle from_wire(const wire::Handle& handle) {
  return {.number = handle.number(),
          .path = handle.path(),
          .instance = Zxid(handle.instance()),
          .mode = handle.mode(),
          .events = handle.events(),
          .lock_delay_ms = handle.lock_delay_ms(),
          .epoch = Epoch(static_cast<uint32_t>(handle.epoch()))};
}

}  // namespace conclave::frontend::chubby
