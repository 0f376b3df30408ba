#include "client/chubby/recipe_election.h"

namespace conclave::chubby {

void Election::run(const Bytes& identity, std::function<void(const CallError&)> failed) {
  const auto give_up = [failed = std::move(failed)](const CallError& why) {
    if (failed) failed(why);
  };
  look();
  file_.with<Acquired>(file_.guarded([this, identity, give_up](Outcome<Acquired> acquired) {
    acquiring_ = CallId();
    if (!acquired) return give_up(acquired.error());
    sequencer_ = acquired->sequencer;
    file_.with<Stat>(file_.guarded([this, identity, give_up](const Outcome<Stat>& written) {
      if (!written) return give_up(written.error());
      elected_ = true;
      tell({.identity = identity, .self = true, .sequencer = sequencer_});
    }),
                     [this, identity](HandleId handle, Completion<Stat> done) {
                       file_.service().set_contents(handle, identity, std::nullopt, std::move(done));
                     });
  }),
                       [this](HandleId handle, Completion<Acquired> done) {
                         acquiring_ = file_.service().acquire(handle, LockMode::exclusive, std::move(done));
                       });
}

void Election::resign(Completion<void> done) {
  if (acquiring_ != CallId()) file_.service().cancel(std::exchange(acquiring_, CallId()));
  if (!std::exchange(elected_, false))
    return file_.with<void>(std::move(done), [](HandleId, Completion<void> then) {
      if (then) then({});
    });
  // First the name, then the lock: an observer must not take us for the primary when the next one is at it.
  file_.with<void>(std::move(done), [this](HandleId handle, Completion<void> then) {
    file_.service().set_contents(handle, "", std::nullopt, nullptr);
    file_.service().release(handle, std::move(then));
  });
}

void Election::look() {
  file_.with<Contents>(
      file_.guarded([this](const Outcome<Contents>& read) {
        if (!read || elected_) return;  // who is primary knows best
        tell({.identity = read->contents, .self = false, .sequencer = {}});
      }),
      [this](HandleId handle, Completion<Contents> done) { file_.service().get_contents(handle, std::move(done)); });
}

void Election::on_file_gone() {
  if (!std::exchange(elected_, false)) return;
  sequencer_.clear();
  tell({});
}

void Election::tell(Primary primary) {
  if (known_ && primary == primary_) return;
  known_ = true;
  primary_ = std::move(primary);
  const Listener listener = listener_;
  const Primary told = primary_;
  if (listener) listener(told);  // may destroy *this
}

}  // namespace conclave::chubby
