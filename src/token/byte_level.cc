#include "token/byte_level.h"

#include <array>

#include "token/utf8.h"

namespace overtake {
namespace {

constexpr char32_t kFirstSubstitute = 0x100;
constexpr char32_t kAlphabetEnd = 0x144;  // 68 bytes are not printable

constexpr bool is_printable(int byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

struct Alphabet {
  std::array<char32_t, 256> code_of{};          // of a byte
  std::array<int16_t, kAlphabetEnd> byte_of{};  // of a code, -1: none
};

constexpr Alphabet make_alphabet() {
  Alphabet out;
  out.byte_of.fill(-1);
  char32_t next = kFirstSubstitute;
  for (int byte = 0; byte < 256; ++byte) {
    const char32_t code = is_printable(byte) ? static_cast<char32_t>(byte) : next++;
    out.code_of[byte] = code;
    out.byte_of[code] = static_cast<int16_t>(byte);
  }
  return out;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string byte_level_name(unsigned char byte) {
  const char32_t code = kAlphabet.code_of[byte];
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xc0 | code >> 6), static_cast<char>(0x80 | (code & 0x3f))};
}

std::optional<std::string> byte_level_bytes(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const Utf8Char c = decode_utf8(name);
    if (c.kind != Utf8Char::Kind::kValid || c.code >= kAlphabetEnd) return std::nullopt;
    const int16_t byte = kAlphabet.byte_of[c.code];
    if (byte < 0) return std::nullopt;
    out += static_cast<char>(byte);
    name.remove_prefix(c.length);
  }
  return out;
}

}  // namespace overtake
