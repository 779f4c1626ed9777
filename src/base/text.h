// Small functions on text.
#pragma once

#include <string>
#include <string_view>

namespace overtake {

// `text` from a file or a peer for a message: control and non-ASCII bytes as \xNN, so that no
// escape sequence reaches a terminal, and shortened past 96 bytes.
std::string escaped(std::string_view text);

// `text` without ASCII white space at both ends.
inline std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace overtake
