// From the checked configuration to the settings of each part of a server. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "app/config/configuration.h"
#include "frontend/chubby/settings.h"
#include "frontend/zookeeper/settings.h"
#include "os/world.h"
#include "replica/options.h"

namespace conclave::app {

// REQUIRES of all: the configuration is validated without errors.
os::WorldOptions world_options(const Configuration& configuration);
// `seed`: of the engine's random numbers.
replica::Options replica_options(const Configuration& configuration, uint64_t seed);
frontend::zookeeper::Settings front_end_settings(const Configuration& configuration);
frontend::chubby::Settings chubby_settings(const Configuration& configuration);

// Where the configured members are.
replica::MemberAddresses addresses_of(const Configuration& configuration);

// Content of /zookeeper/config. Its version counts from 0, which is that of the founding members.
std::string member_config_text(const replica::CellMembers& members);

}  // namespace conclave::app
