// Counts operator new in this test program, for tests that a path allocates nothing.
#pragma once

#include <cstdint>

namespace overtake {

int64_t allocation_count();

}  // namespace overtake
