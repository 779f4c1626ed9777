// How a pull looks: a bar with rate and time left in a terminal, lines now and then in a pipe. And
// what `pull` and `run` share: settings, Ctrl-C, the fetching itself.
#pragma once

#include <string>

#include "base/result.h"
#include "catalog/pull.h"

namespace overtake {

struct PullRequest {
  std::string model;  // as parse_pull_source takes it
  std::string name;   // for the store; "" derives it
  bool quiet = false;
};

// Fetches, shows how it goes on standard error. Ctrl-C stops and keeps what has come (kCancelled).
Result<PulledModel> pull_with_screen(const PullRequest& request);

// One line of a bar: "x.gguf  ██░░  42 %  1.2 of 2.9 GB  35 MB/s  48 s left", at most `columns`.
struct PullSpeed {
  double bytes_per_s = 0;  // 0: not known yet
  double seconds_left = 0;
};
std::string pull_line(const PullProgress& progress, const PullSpeed& speed, int columns);

}  // namespace overtake
