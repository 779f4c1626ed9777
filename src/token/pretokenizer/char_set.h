// CharSet: the characters between the brackets of a regular expression, as ranges.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "token/utf8.h"

namespace overtake {

class CharSet {
 public:
  // Characters and ranges "a-z", in valid UTF-8, without escapes or classes.
  explicit CharSet(std::string_view members) {
    while (!members.empty()) {
      const char32_t first = take(members);
      char32_t last = first;
      if (members.size() > 1 && members[0] == '-') {
        members.remove_prefix(1);
        last = take(members);
      }
      ranges_.push_back({first, last});
    }
    std::sort(ranges_.begin(), ranges_.end(),
              [](const Range& a, const Range& b) { return a.first < b.first; });
  }

  bool contains(char32_t code) const {
    const auto after = std::upper_bound(ranges_.begin(), ranges_.end(), code,
                                        [](char32_t c, const Range& r) { return c < r.first; });
    return after != ranges_.begin() && code <= (after - 1)->last;
  }

 private:
  struct Range {
    char32_t first;
    char32_t last;
  };
  static char32_t take(std::string_view& text) {
    const Utf8Char c = decode_utf8(text);
    text.remove_prefix(c.length);
    return c.code;
  }

  std::vector<Range> ranges_;
};

}  // namespace overtake
