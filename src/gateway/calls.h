// The calls of lock_service.proto, each carried out by the lock service of a session. Loop thread only.
#pragma once

#include "gateway/call_table.h"
#include "gateway/session.h"

namespace conclave::gateway {

constexpr CallKind kind_of(const api::OpenRequest&) {
  return CallKind::undoable;
}
constexpr CallKind kind_of(const api::AcquireRequest&) {
  return CallKind::undoable;
}
constexpr CallKind kind_of(const api::TryAcquireRequest&) {
  return CallKind::undoable;
}
constexpr CallKind kind_of(const api::CloseRequest&) {
  return CallKind::change;
}
constexpr CallKind kind_of(const api::SetContentsRequest&) {
  return CallKind::change;
}
constexpr CallKind kind_of(const api::SetAclRequest&) {
  return CallKind::change;
}
constexpr CallKind kind_of(const api::DeleteRequest&) {
  return CallKind::change;
}
constexpr CallKind kind_of(const api::ReleaseRequest&) {
  return CallKind::change;
}
// Reads, and what may be done twice.
template <class Request>
constexpr CallKind kind_of(const Request&) {
  return CallKind::read;
}

// Each begins one: returns how to cancel it, 0 if that cannot be. `finish` may be called from inside.
chubby::CallId start(Session& session, const api::OpenRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::CloseRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::PoisonRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::GetContentsRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::GetStatRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::ReadDirectoryRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::SetContentsRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::SetAclRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::DeleteRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::AcquireRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::TryAcquireRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::ReleaseRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::GetSequencerRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::SetSequencerRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::CheckSequencerRequest& request, CallTable::Finish finish);
chubby::CallId start(Session& session, const api::CancelRequest& request, CallTable::Finish finish);

}  // namespace conclave::gateway
