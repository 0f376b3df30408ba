// One replica as a process of a virtual host: the same parts that `conclave server` puts together, in the same order,
// and what an operator would know of it: whether it refused to start, or stopped because its disk failed. Loop thread
// of its host only.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"
#include "env/world.h"

namespace conclave::replica {
class Replica;
struct Options;
}  // namespace conclave::replica
namespace conclave::frontend::zookeeper {
class Server;
struct Settings;
}  // namespace conclave::frontend::zookeeper
namespace conclave::frontend::chubby {
class Server;
struct Settings;
}  // namespace conclave::frontend::chubby

namespace conclave::sim {

class ReplicaProcess {
 public:
  // Recovers, listens and joins. `on_open` gets the replica as it was recovered, before the front end sees it.
  // `on_exit` is called, from the loop, when the process ends by itself: refused to start, or storage failed.
  // `lock_service`: nothing, if it has none.
  ReplicaProcess(const env::World& world, replica::Options options, frontend::zookeeper::Settings settings,
                 std::optional<frontend::chubby::Settings> lock_service,
                 const std::function<void(replica::Replica&)>& on_open, std::function<void(const Error&)> on_exit);
  ~ReplicaProcess();

  // Null when it refused to start.
  replica::Replica* replica() { return replica_.get(); }
  frontend::zookeeper::Server* front_end() { return front_end_.get(); }
  // Null when there is none.
  frontend::chubby::Server* lock_service() { return lock_service_.get(); }
  const std::optional<Error>& refused() const { return refused_; }

 private:
  Result<> start(const env::World& world, replica::Options options, frontend::zookeeper::Settings settings,
                 std::optional<frontend::chubby::Settings> lock_service,
                 const std::function<void(replica::Replica&)>& on_open);

  std::function<void(const Error&)> on_exit_;
  std::unique_ptr<replica::Replica> replica_;
  std::unique_ptr<frontend::zookeeper::Server> front_end_;  // destroyed before the replica, its gateway
  std::unique_ptr<frontend::chubby::Server> lock_service_;
  std::optional<Error> refused_;
};

}  // namespace conclave::sim
