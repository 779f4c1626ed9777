#include "base/text.h"

#include <fmt/core.h>

namespace overtake {

std::string escaped(std::string_view text) {
  constexpr size_t kMaxShown = 96;
  std::string out;
  for (const char c : text.substr(0, kMaxShown)) {
    if (c >= 0x20 && c < 0x7f) {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  if (text.size() > kMaxShown) out += fmt::format("... ({} bytes)", text.size());
  return out;
}

}  // namespace overtake
