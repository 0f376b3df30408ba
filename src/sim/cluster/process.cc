#include "sim/cluster/process.h"

#include <utility>

#include "frontend/chubby/server.h"
#include "frontend/zookeeper/server.h"
#include "replica/replica.h"

namespace conclave::sim {

ReplicaProcess::ReplicaProcess(const env::World& world, replica::Options options,
                               frontend::zookeeper::Settings settings,
                               std::optional<frontend::chubby::Settings> lock_service,
                               const std::function<void(replica::Replica&)>& on_open,
                               std::function<void(const Error&)> on_exit)
    : on_exit_(std::move(on_exit)) {
  if (const auto started = start(world, std::move(options), std::move(settings), std::move(lock_service), on_open);
      !started) {
    refused_ = started.error();
    lock_service_.reset();
    front_end_.reset();
    replica_.reset();
    world.executor.post([this] { on_exit_(*refused_); });
  }
}

ReplicaProcess::~ReplicaProcess() = default;

Result<> ReplicaProcess::start(const env::World& world, replica::Options options,
                               frontend::zookeeper::Settings settings,
                               std::optional<frontend::chubby::Settings> lock_service,
                               const std::function<void(replica::Replica&)>& on_open) {
  auto opened = replica::Replica::open(world, std::move(options));
  if (!opened) return std::unexpected(opened.error());
  replica_ = *std::move(opened);
  on_open(*replica_);
  front_end_ = std::make_unique<frontend::zookeeper::Server>(world.clock, world.executor, world.entropy, *replica_,
                                                             std::move(settings));
  if (auto listening = front_end_->listen(world.network); !listening) return listening;
  if (lock_service) {
    lock_service_ = std::make_unique<frontend::chubby::Server>(world.clock, world.executor, world.entropy, *replica_,
                                                               *std::move(lock_service));
    if (auto listening = lock_service_->listen(world.network); !listening) return listening;
  }
  replica_->start([this](const Error& error) { on_exit_(error); });
  return {};
}

}  // namespace conclave::sim
