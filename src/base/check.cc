#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace overtake::internal {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "overtake: internal invariant broken: %s; %s:%d; please report this\n",
               condition, file, line);
  std::abort();
}

}  // namespace overtake::internal
