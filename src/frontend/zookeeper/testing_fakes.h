// For tests and fuzzers: what the front end stands on, faked. The names are those of the shared fakes.
#pragma once

#include "env/testing_fakes.h"
#include "replica/testing_gateway.h"

namespace conclave::frontend::zookeeper {

using env::FakeClock;
using env::FakeEntropy;
using env::FakeExecutor;
using env::FakeStream;
using env::Pipe;
using replica::FakeGateway;

}  // namespace conclave::frontend::zookeeper
