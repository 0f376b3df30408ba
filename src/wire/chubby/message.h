// Chubby's messages as frames (base/frame.h), and the limits that both sides keep. Pure.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/frame.h"
#include "base/result.h"
#include "wire/chubby/chubby.pb.h"

namespace conclave::wire::chubby {

inline constexpr uint32_t kProtocol = 1;
inline constexpr size_t kFileBytesMax = 256 << 10;  // CH-97
inline constexpr size_t kPathBytesMax = 4096;
inline constexpr uint32_t kLockDelayMsMax = 60'000;       // CH-39
inline constexpr size_t kClientFrameBytesMax = 1 << 20;   // a file, or all handles of a client in parts
inline constexpr size_t kServerFrameBytesMax = 64 << 20;  // a directory's listing

// Appends one frame to `out`.
void put_frame(const google::protobuf::MessageLite& message, Bytes* out);

// Errors: invalid_argument, for bytes that are no message of this kind or a message that says nothing.
Result<ClientMessage> decode_client_message(BytesView in);
Result<ServerMessage> decode_server_message(BytesView in);

}  // namespace conclave::wire::chubby
