#include "gateway/calls.h"

#include <memory>
#include <optional>
#include <utility>

namespace conclave::gateway {
namespace {

using chubby::CallId;
using chubby::Completion;
using chubby::EventKind;
using chubby::HandleId;
using chubby::LockMode;
using chubby::LockService;
using chubby::Outcome;
using Finish = CallTable::Finish;

api::Event::Kind kind_of_event(EventKind kind) {
  switch (kind) {
    case EventKind::contents_changed:
      return api::Event::CONTENTS_CHANGED;
    case EventKind::child_added:
      return api::Event::CHILD_ADDED;
    case EventKind::child_removed:
      return api::Event::CHILD_REMOVED;
    case EventKind::child_changed:
      return api::Event::CHILD_CHANGED;
    case EventKind::handle_invalid:
      return api::Event::HANDLE_INVALID;
    case EventKind::lock_acquired:
      return api::Event::LOCK_ACQUIRED;
    case EventKind::lock_conflict:
      return api::Event::LOCK_CONFLICT;
    case EventKind::fail_over:
      return api::Event::FAIL_OVER;
  }
  return api::Event::KIND_UNKNOWN;
}

void fill(const chubby::AclNames& from, api::AclNames* to) {
  to->set_read(from.read);
  to->set_write(from.write);
  to->set_change_acl(from.change_acl);
}

chubby::AclNames names_of(const api::AclNames& names) {
  return {.read = names.read(), .write = names.write(), .change_acl = names.change_acl()};
}

void fill(const chubby::Stat& from, api::Stat* to) {
  to->set_instance(from.instance);
  to->set_content_generation(from.content_generation);
  to->set_lock_generation(from.lock_generation);
  to->set_acl_generation(from.acl_generation);
  to->set_checksum(from.checksum);
  to->set_length(from.length);
  to->set_directory(from.directory);
  to->set_ephemeral(from.ephemeral);
  to->set_modified_ms(from.modified_ms);
  if (from.acl) fill(*from.acl, to->mutable_acl());
}

// A completion that fills the reply of a good outcome.
template <class Reply, class T, class Fill>
Completion<T> answer(Finish finish, Fill fill_reply) {
  return [finish = std::move(finish), fill_reply = std::move(fill_reply)](Outcome<T> outcome) mutable {
    if (!outcome) return finish(std::unexpected(failure_of(outcome.error())), nullptr);
    auto reply = std::make_shared<Reply>();
    if constexpr (std::is_void_v<T>) {
      fill_reply(*reply);
    } else {
      fill_reply(*outcome, *reply);
    }
    finish(std::shared_ptr<const google::protobuf::Message>(std::move(reply)), nullptr);
  };
}

template <class Reply>
Completion<void> answer_empty(Finish finish) {
  return answer<Reply, void>(std::move(finish), [](Reply&) {});
}

template <class Reply>
Completion<chubby::Stat> answer_stat(Finish finish) {
  return answer<Reply, chubby::Stat>(std::move(finish),
                                     [](const chubby::Stat& stat, Reply& reply) { fill(stat, reply.mutable_stat()); });
}

template <class Reply>
void finish_now(Finish finish, Reply reply = {}) {
  finish(std::shared_ptr<const google::protobuf::Message>(std::make_shared<Reply>(std::move(reply))), nullptr);
}

std::optional<chubby::OpenOptions> options_of(Session& session, const api::OpenRequest& request) {
  chubby::OpenOptions out{
      .mode = {.read = request.read(), .write = request.write(), .change_acl = request.change_acl()},
      .events = {.contents = request.contents_events(),
                 .children = request.child_events(),
                 .lock_acquired = request.lock_events(),
                 .lock_conflict = request.conflict_events()},
      .lock_delay_ms = request.lock_delay_ms(),
      .directory = request.directory(),
      .ephemeral = request.ephemeral(),
      .contents = request.contents(),
      .on_event = [&session](const chubby::Event& event) {
        session.tell(event.handle, kind_of_event(event.kind), event.child);
      }};
  switch (request.creation()) {
    case api::OpenRequest::NEVER:
      break;
    case api::OpenRequest::IF_MISSING:
      out.creation = chubby::Creation::if_missing;
      break;
    case api::OpenRequest::MUST:
      out.creation = chubby::Creation::must;
      break;
    default:
      return std::nullopt;
  }
  if (request.has_acl()) out.acl = names_of(request.acl());
  return out;
}

CallId acquire(LockService& service, HandleId handle, bool shared, bool waits, Finish finish) {
  const bool held_before = service.get_sequencer(handle).has_value();
  Completion<chubby::Acquired> done = [&service, handle, held_before,
                                       finish = std::move(finish)](Outcome<chubby::Acquired> outcome) mutable {
    if (!outcome) return finish(std::unexpected(failure_of(outcome.error())), nullptr);
    auto reply = std::make_shared<api::AcquireReply>();
    reply->set_sequencer(outcome->sequencer);
    reply->set_generation(outcome->generation);
    // Unless it had the lock already, or has released it since.
    Task undo = [&service, handle, held_before, sequencer = outcome->sequencer] {
      if (!held_before && service.get_sequencer(handle) == sequencer) service.release(handle, nullptr);
    };
    finish(std::shared_ptr<const google::protobuf::Message>(std::move(reply)), std::move(undo));
  };
  const LockMode mode = shared ? LockMode::shared : LockMode::exclusive;
  return waits ? service.acquire(handle, mode, std::move(done)) : service.try_acquire(handle, mode, std::move(done));
}

template <class Request>
std::optional<uint64_t> generation_of(const Request& request) {
  return request.has_generation() ? std::optional(request.generation()) : std::nullopt;
}

}  // namespace

CallId start(Session& session, const api::OpenRequest& request, Finish finish) {
  std::optional<chubby::OpenOptions> options = options_of(session, request);
  if (!options) {
    finish(std::unexpected(Failure{.code = api::BAD_ARGUMENT, .message = "no such creation"}), nullptr);
    return {};
  }
  LockService& service = session.service();
  Completion<chubby::Opened> done = [&service,
                                     finish = std::move(finish)](const Outcome<chubby::Opened>& outcome) mutable {
    if (!outcome) return finish(std::unexpected(failure_of(outcome.error())), nullptr);
    auto reply = std::make_shared<api::OpenReply>();
    reply->set_handle(outcome->handle.value);
    reply->set_created(outcome->created);
    fill(outcome->stat, reply->mutable_stat());
    finish(std::shared_ptr<const google::protobuf::Message>(std::move(reply)),
           [&service, handle = outcome->handle] { service.close(handle, nullptr); });
  };
  if (request.parent() == 0) return service.open(request.name(), std::move(*options), std::move(done));
  return service.open(HandleId(request.parent()), request.name(), std::move(*options), std::move(done));
}

CallId start(Session& session, const api::CloseRequest& request, Finish finish) {
  session.service().close(HandleId(request.handle()), answer_empty<api::CloseReply>(std::move(finish)));
  return {};
}

CallId start(Session& session, const api::PoisonRequest& request, Finish finish) {
  session.service().poison(HandleId(request.handle()));
  finish_now<api::PoisonReply>(std::move(finish));
  return {};
}

CallId start(Session& session, const api::GetContentsRequest& request, Finish finish) {
  return session.service().get_contents(
      HandleId(request.handle()),
      answer<api::GetContentsReply, chubby::Contents>(std::move(finish), [](chubby::Contents& from, auto& reply) {
        reply.set_contents(std::move(from.contents));
        fill(from.stat, reply.mutable_stat());
      }));
}

CallId start(Session& session, const api::GetStatRequest& request, Finish finish) {
  return session.service().get_stat(HandleId(request.handle()), answer_stat<api::GetStatReply>(std::move(finish)));
}

CallId start(Session& session, const api::ReadDirectoryRequest& request, Finish finish) {
  return session.service().read_directory(
      HandleId(request.handle()),
      answer<api::ReadDirectoryReply, chubby::Directory>(std::move(finish), [](const auto& entries, auto& reply) {
        for (const chubby::DirectoryEntry& entry : entries) {
          auto& out = *reply.add_entries();
          out.set_name(entry.name);
          fill(entry.stat, out.mutable_stat());
        }
      }));
}

CallId start(Session& session, const api::SetContentsRequest& request, Finish finish) {
  return session.service().set_contents(HandleId(request.handle()), request.contents(), generation_of(request),
                                        answer_stat<api::SetContentsReply>(std::move(finish)));
}

CallId start(Session& session, const api::SetAclRequest& request, Finish finish) {
  return session.service().set_acl(HandleId(request.handle()), names_of(request.acl()), generation_of(request),
                                   answer_stat<api::SetAclReply>(std::move(finish)));
}

CallId start(Session& session, const api::DeleteRequest& request, Finish finish) {
  return session.service().remove(HandleId(request.handle()), answer_empty<api::DeleteReply>(std::move(finish)));
}

CallId start(Session& session, const api::AcquireRequest& request, Finish finish) {
  return acquire(session.service(), HandleId(request.handle()), request.shared(), true, std::move(finish));
}

CallId start(Session& session, const api::TryAcquireRequest& request, Finish finish) {
  return acquire(session.service(), HandleId(request.handle()), request.shared(), false, std::move(finish));
}

CallId start(Session& session, const api::ReleaseRequest& request, Finish finish) {
  return session.service().release(HandleId(request.handle()), answer_empty<api::ReleaseReply>(std::move(finish)));
}

CallId start(Session& session, const api::GetSequencerRequest& request, Finish finish) {
  const Outcome<std::string> sequencer = session.service().get_sequencer(HandleId(request.handle()));
  if (!sequencer) {
    finish(std::unexpected(failure_of(sequencer.error())), nullptr);
    return {};
  }
  api::GetSequencerReply reply;
  reply.set_sequencer(*sequencer);
  finish_now(std::move(finish), std::move(reply));
  return {};
}

CallId start(Session& session, const api::SetSequencerRequest& request, Finish finish) {
  session.service().set_sequencer(HandleId(request.handle()), request.sequencer());
  finish_now<api::SetSequencerReply>(std::move(finish));
  return {};
}

CallId start(Session& session, const api::CheckSequencerRequest& request, Finish finish) {
  return session.service().check_sequencer(
      request.sequencer(), answer<api::CheckSequencerReply, bool>(
                               std::move(finish), [](bool valid, auto& reply) { reply.set_valid(valid); }));
}

CallId start(Session& session, const api::CancelRequest& request, Finish finish) {
  finish(session.calls().cancel(request.cancelled()), nullptr);
  return {};
}

}  // namespace conclave::gateway
