// The classes of characters that pre-tokenizers tell apart.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace overtake {

enum class CharClass : uint8_t {
  kOther,        // none of these, and bytes that are not UTF-8
  kLetter,       // \p{L}
  kNumber,       // \p{N}
  kSpace,        // \s: White_Space
  kPunctuation,  // \p{P} and ASCII's symbols
};

struct ClassedChar {
  CharClass char_class;
  uint8_t length;  // in bytes
};

namespace internal {

struct ClassRange {
  char32_t first;
  char32_t last;
  CharClass char_class;
};
std::span<const ClassRange> class_ranges();  // of all characters that are not kOther, ascending

constexpr std::array<CharClass, 128> ascii_classes() {
  std::array<CharClass, 128> classes{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    const bool control = c < ' ' || c == 127;
    classes[c] = letter    ? CharClass::kLetter
                 : digit   ? CharClass::kNumber
                 : space   ? CharClass::kSpace
                 : control ? CharClass::kOther
                           : CharClass::kPunctuation;
  }
  return classes;
}
inline constexpr std::array<CharClass, 128> kAsciiClasses = ascii_classes();
ClassedChar classify_wide(std::string_view text, size_t at);

}  // namespace internal

// The class of the character at text[at].
inline ClassedChar classify(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 128) return {internal::kAsciiClasses[byte], 1};
  return internal::classify_wide(text, at);
}

}  // namespace overtake
