#include "token/sentencepiece_text.h"

#include <charconv>

namespace overtake {

void append_with_spaces(std::string_view text, std::string& out) {
  for (;;) {
    const size_t at = text.find(kVisibleSpace);
    out += text.substr(0, at);
    if (at == std::string_view::npos) return;
    out += ' ';
    text.remove_prefix(at + kVisibleSpace.size());
  }
}

int named_byte(std::string_view name) {
  if (name.size() != 6 || !name.starts_with("<0x") || name[5] != '>') return -1;
  int byte = -1;
  const char* begin = name.data() + 3;
  const auto [end, error] = std::from_chars(begin, begin + 2, byte, 16);
  return error == std::errc() && end == begin + 2 && byte >= 0 ? byte : -1;
}

}  // namespace overtake
