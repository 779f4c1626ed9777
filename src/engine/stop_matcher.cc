#include "engine/stop_matcher.h"

#include <algorithm>
#include <utility>

namespace overtake {

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  std::erase_if(stops_, [](const std::string& stop) { return stop.empty(); });
}

StopMatcher::Output StopMatcher::push(std::string_view piece) {
  held_ += piece;
  size_t at = held_.npos;
  const std::string* matched = nullptr;
  for (const std::string& stop : stops_) {
    const size_t found = held_.find(stop);
    // The one that begins first; of those that begin together, the one listed first.
    if (found < at) {
      at = found;
      matched = &stop;
    }
  }
  if (matched) {
    Output out{held_.substr(0, at), *matched};
    held_.clear();
    return out;
  }
  // The longest tail that is the beginning of a stop string stays.
  size_t keep = 0;
  for (const std::string& stop : stops_) {
    for (size_t n = std::min(stop.size() - 1, held_.size()); n > keep; --n) {
      if (held_.ends_with(std::string_view(stop).substr(0, n))) keep = n;
    }
  }
  Output out{held_.substr(0, held_.size() - keep), {}};
  held_.erase(0, held_.size() - keep);
  return out;
}

std::string StopMatcher::finish() { return std::exchange(held_, {}); }

}  // namespace overtake
