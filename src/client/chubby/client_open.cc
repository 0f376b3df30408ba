// Opening and closing handles.
#include <fmt/format.h>

#include "client/chubby/client.h"
#include "client/chubby/names.h"

namespace conclave::chubby {

struct Client::OpenRequest {
  CallId id;
  HandleId parent;  // 0: an absolute name
  uint64_t parent_instance = 0;
  Name name;
  OpenOptions options;
  Completion<Opened> done;
  uint64_t remote = 0;  // the handle at the master to be

  uint32_t mode() const { return bits(options.mode); }
};

CallId Client::open(std::string_view name, OpenOptions options, Completion<Opened> done) {
  const CallId id = begin();
  Outcome<Name> parsed = parse_name(name);
  if (!parsed) {
    complete<Opened>(std::move(done), std::unexpected(parsed.error()));
    return id;
  }
  open_path(std::make_shared<OpenRequest>(OpenRequest{.id = id,
                                                      .parent = HandleId(),
                                                      .name = std::move(*parsed),
                                                      .options = std::move(options),
                                                      .done = std::move(done)}));
  return id;
}

CallId Client::open(HandleId parent, std::string_view name, OpenOptions options, Completion<Opened> done) {
  const CallId id = begin();
  auto request = std::make_shared<OpenRequest>(
      OpenRequest{.id = id, .parent = parent, .name = {}, .options = std::move(options), .done = std::move(done)});
  const auto below = [this, request, relative = std::string(name)](std::string_view path) {
    Outcome<std::string> joined = path_below(path, relative);
    if (!joined) return complete<Opened>(std::move(request->done), std::unexpected(joined.error()));
    request->name.path = std::move(*joined);
    open_path(request);
  };
  if (parent == root_) {  // there is one instance of it only, so no handle is needed
    below("/");
    return id;
  }
  use(id, parent, 0, [this, request, below](const Outcome<Use>& at) {
    if (!at) return complete<Opened>(std::move(request->done), std::unexpected(at.error()));
    request->parent_instance = at->remote->handle.instance();
    below(at->remote->path());
  });
  return id;
}

void Client::open_path(const std::shared_ptr<OpenRequest>& request) {
  OpenOptions& options = request->options;
  if (options.contents.size() > wire::kFileBytesMax) {
    return complete<Opened>(std::move(request->done), failed(CallCode::too_large));
  }
  if (open_from_cache(*request)) return;
  uint32_t events = bits(options.events);
  if (options_.cache_locks && options.mode.write) events |= wire::EVENT_LOCK_CONFLICT;  // so that we can give way
  const Remote& remote = handles_.begin(request->name.path, request->mode(), events, options.lock_delay_ms);
  request->remote = remote.number();

  Call call;
  call.id = request->id;
  call.handle = request->parent;
  call.path = request->name.path;
  call.cell = request->name.cell;
  call.changes = options.creation != Creation::never;
  wire::Open& message = *call.message.mutable_open();
  message.set_handle(remote.number());
  message.set_path(request->name.path);
  message.set_mode(request->mode());
  message.set_events(events);
  message.set_lock_delay_ms(options.lock_delay_ms);
  message.set_parent_instance(request->parent_instance);
  if (options.creation != Creation::never) {
    message.set_creation(options.creation == Creation::must ? wire::Open::MUST : wire::Open::IF_MISSING);
    message.set_directory(options.directory);
    message.set_ephemeral(options.ephemeral);
    message.set_contents(std::move(options.contents));
    if (options.acl) *message.mutable_acl() = names_of(*options.acl);
    cache_.drop(call.path);
  }
  call.done = [this, request](const Answer& answer) { on_opened(*request, answer); };
  call.undo = [this, number = remote.number()](const wire::Reply& reply) {
    Remote* const opened = handles_.remote(number);
    if (opened == nullptr) return;
    if (reply.code() != wire::OK) return handles_.forget(number);
    opened->opened = true;
    close_remote(*opened, nullptr);
  };
  session_.submit(std::move(call));
}

// The master has said before what it would say now (CH-60): there is no such node, or the node of an open handle is the
// one that has the name.
bool Client::open_from_cache(OpenRequest& request) {
  const std::string& path = request.name.path;
  if (!request.name.cell.empty() && request.name.cell != session_.cell()) return false;
  if (request.parent_instance != 0) {
    const NodeCache::Node* const parent = cached(path.substr(0, path.rfind('/')));
    if (parent == nullptr || parent->absent || parent->stat.instance != request.parent_instance) return false;
  }
  const NodeCache::Node* const node = cached(path);
  if (node == nullptr) return false;
  if (node->absent) {
    if (request.options.creation != Creation::never) return false;
    ++figures_.open_hits;
    complete<Opened>(std::move(request.done), failed(CallCode::no_node));
    return true;
  }
  if (request.options.creation == Creation::must) return false;
  const uint32_t events = bits(request.options.events);
  Remote* const remote =
      handles_.reusable(path, node->stat.instance, request.mode(), events, request.options.lock_delay_ms);
  if (remote == nullptr) return false;
  ++figures_.open_hits;
  const HandleId id = handles_.attach(*remote, request.mode(), events, std::move(request.options.on_event));
  complete<Opened>(std::move(request.done), Opened{.handle = id, .created = false, .stat = node->stat});
  return true;
}

void Client::on_opened(OpenRequest& request, const Answer& answer) {
  Remote* const remote = handles_.remote(request.remote);
  if (answer.error) {
    if (answer.given_up && remote != nullptr) remote->closing = true;
    if (!answer.given_up) handles_.forget(request.remote);
    if (answer.error->code == CallCode::no_node && answer.keep) cache_.keep_absence(request.name.path);
    return complete<Opened>(std::move(request.done), std::unexpected(*answer.error));
  }
  const wire::Opened& opened = answer.reply->opened();
  const Stat stat = stat_of(opened.stat());
  const std::string path = remote->path();
  remote->handle = opened.handle();
  remote->handle.set_number(request.remote);
  remote->handle.set_path(path);
  remote->opened = true;
  remote->ephemeral = stat.ephemeral;
  if (answer.keep) cache_.keep_stat(path, stat);
  const HandleId id =
      handles_.attach(*remote, request.mode(), bits(request.options.events), std::move(request.options.on_event));
  complete<Opened>(std::move(request.done), Opened{.handle = id, .created = opened.created(), .stat = stat});
  for (const wire::Event& event : std::exchange(remote->early, {})) on_event(event);
}

// At its first use: most programs never ask for it (CH-45).
void Client::open_root(CallId id, HandleId root, uint32_t mode, Body body) {
  const Remote& remote = handles_.begin("/", wire::MODE_READ, 0, 0);
  const uint64_t number = remote.number();
  Call call;
  call.id = id;
  call.handle = root;
  call.path = "/";
  wire::Open& message = *call.message.mutable_open();
  message.set_handle(number);
  message.set_path("/");
  message.set_mode(wire::MODE_READ);
  call.done = [this, id, root, mode, number, body = std::move(body)](const Answer& answer) mutable {
    if (answer.error) {
      if (!answer.given_up) handles_.forget(number);
      return body(std::unexpected(*answer.error));
    }
    Remote& opened = *handles_.remote(number);
    opened.handle = answer.reply->opened().handle();
    opened.handle.set_number(number);
    opened.handle.set_path("/");
    opened.opened = true;
    Handle& handle = *handles_.find(root);
    if (handle.remote == 0) {
      handle.remote = number;
      opened.users.push_back(root);
    } else {
      close_remote(opened, nullptr);
    }
    body(look_up(id, root, mode));
  };
  call.undo = [this, number](const wire::Reply&) {
    Remote* const opened = handles_.remote(number);
    if (opened != nullptr) close_remote(*opened, nullptr);
  };
  session_.submit(std::move(call));
}

void Client::close(HandleId handle, Completion<void> done) {
  session_.touch();
  const Handle* const found = handles_.find(handle);
  if (found == nullptr || found->root) return complete<void>(std::move(done), {});
  session_.give_up([handle](const Call& call) { return call.handle == handle && call.waits; },
                   {.code = CallCode::not_open, .message = "the handle was closed"});
  Remote* const remote = handles_.detach(handle);
  if (remote == nullptr || !remote->users.empty()) return complete<void>(std::move(done), {});
  if (session_.calls().uses(remote->number())) return close_remote(*remote, std::move(done));
  const std::optional<uint64_t> unwanted = handles_.park(*remote);
  if (unwanted == remote->number()) return close_remote(*remote, std::move(done));
  if (unwanted) close_remote(*handles_.remote(*unwanted), nullptr);
  complete<void>(std::move(done), {});
}

void Client::close_remote(Remote& remote, Completion<void> done) {
  remote.closing = true;
  Call call;
  call.remote = remote.number();
  if (remote.ephemeral) call.path = remote.path();  // it goes with its last handle
  call.changes = true;
  call.message.mutable_close()->set_handle(remote.number());
  cache_.drop(call.path);
  call.done = [this, number = remote.number(), done = std::move(done)](const Answer&) mutable {
    handles_.forget(number);
    complete<void>(std::move(done), {});
  };
  session_.submit(std::move(call));
}

}  // namespace conclave::chubby
