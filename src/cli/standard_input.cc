#include "cli/standard_input.h"

#include <fmt/core.h>

#include <cstdio>

namespace overtake {

// Opening /dev/stdin instead would fail where it is a socket.
Result<std::string> read_standard_input(size_t max_bytes) {
  std::string text;
  char buffer[65536];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, stdin)) {
    text.append(buffer, n);
    if (text.size() > max_bytes) {
      return Error{ErrorCode::kExhausted,
                   fmt::format("more than {} bytes; standard input; give it in parts", max_bytes)};
    }
  }
  if (std::ferror(stdin)) {
    return Error{ErrorCode::kIo, "cannot read; standard input; is it open?"};
  }
  return text;
}

}  // namespace overtake
