// The clock of wall time.
#pragma once

#include <cstdint>

namespace overtake {

int64_t now_us();  // microseconds since 1970, UTC

}  // namespace overtake
