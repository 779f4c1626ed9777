// StopMatcher: finds stop strings in a text that arrives in pieces, across their borders.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace overtake {

class StopMatcher {
 public:
  // Empty strings among `stops` are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  struct Output {
    std::string text;     // safe to show: no stop string begins in it
    std::string matched;  // the stop string that ended the text, or empty
  };
  // What can be shown now. The rest is kept while it may yet become a stop string.
  Output push(std::string_view piece);
  // What was kept: the text ended without a stop string.
  std::string finish();

 private:
  std::vector<std::string> stops_;
  std::string held_;
};

}  // namespace overtake
