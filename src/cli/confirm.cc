#include "cli/confirm.h"

#include <fmt/core.h>

#include <cstdio>

#include "base/text.h"
#include "cli/terminal.h"

namespace overtake {

bool confirm(const std::string& question) {
  if (!is_terminal(stdin) || !is_terminal(stderr)) return false;
  fmt::print(stderr, "{} [y/N] ", question);
  std::fflush(stderr);
  char line[64];
  if (!std::fgets(line, sizeof line, stdin)) return false;
  const std::string_view answer = trim(line);
  return answer == "y" || answer == "Y" || answer == "yes" || answer == "Yes";
}

}  // namespace overtake
