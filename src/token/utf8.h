// UTF-8 (RFC 3629): one character at a time, telling broken bytes from a character's beginning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace overtake {

struct Utf8Char {
  enum class Kind : uint8_t {
    kValid,
    kInvalid,     // bytes that can not be part of a character, whatever follows
    kIncomplete,  // the text ends within a character
  };
  Kind kind;
  uint8_t length;  // 1 to 4; of kInvalid: what one U+FFFD stands for (Unicode's "maximal subpart")
  char32_t code;   // of kValid
};

// The character at the start of `text`, which is not empty.
Utf8Char decode_utf8(std::string_view text);

// Bytes of the character that `lead` begins, 1 for those that begin none.
inline size_t utf8_length_of_lead(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 1;
}

}  // namespace overtake
