// Why a call over gRPC failed: a code of lock_service.proto, the gRPC status that goes with it, words for a person.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "client/chubby/types.h"
#include "gateway/lock_service.pb.h"

namespace conclave::gateway {

namespace api = conclave::v1;

// The numbers of gRPC's status codes; those that are used here.
enum class RpcStatus {
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  unavailable = 14,
  unauthenticated = 16,
};

struct Failure {
  api::Code code = api::CODE_UNKNOWN;
  std::string message;
};

api::Code code_of(chubby::CallCode code);
Failure failure_of(const chubby::CallError& error);
// The table of docs/gateway.md. Only what may simply be sent again, under the same number, is UNAVAILABLE.
RpcStatus status_of(api::Code code);
// As it stands in the trailing metadata: "LOCK_HELD".
std::string_view name_of(api::Code code);

}  // namespace conclave::gateway
