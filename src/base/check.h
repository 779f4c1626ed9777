// OVERTAKE_CHECK: a broken internal invariant ends the process with file and line. Never for user
// input.
#pragma once

namespace overtake::internal {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

#define OVERTAKE_CHECK(condition) \
  ((condition) ? (void)0 : ::overtake::internal::check_failed(#condition, __FILE__, __LINE__))
