// A unit of work to run once: the currency of executors and completions.
#pragma once

#include <functional>

namespace conclave {

using Task = std::move_only_function<void()>;

}  // namespace conclave
