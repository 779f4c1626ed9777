// What a command reads from a pipe, whole and bounded.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace overtake {

// All of standard input; kExhausted if it is more than `max_bytes`.
Result<std::string> read_standard_input(size_t max_bytes);

}  // namespace overtake
