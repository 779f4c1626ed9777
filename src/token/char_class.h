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

// The finer division that some pre-tokenizers ask for. Letters are those of CharClass, divided.
enum class CharKind : uint8_t {
  kOther,        // none of these, and bytes that are not UTF-8
  kUpper,        // \p{Lu}, \p{Lt}
  kLower,        // \p{Ll}
  kCaseless,     // \p{Lm}, \p{Lo}
  kMark,         // \p{M}
  kNumber,       // \p{N}
  kSpace,        // \s
  kPunctuation,  // \p{P}
  kSymbol,       // \p{S}
};

struct ClassedChar {
  CharClass char_class;
  uint8_t length;  // in bytes
};

struct KindChar {
  CharKind kind;
  uint8_t length;  // in bytes
  char32_t code;   // 0 for bytes that are not UTF-8
};

namespace internal {

struct KindRange {
  char32_t first;
  char32_t last;
  CharKind kind;
};
std::span<const KindRange> kind_ranges();  // of all characters that are not kOther, ascending

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

constexpr std::array<CharKind, 128> ascii_kinds() {
  std::array<CharKind, 128> kinds{};
  for (int c = 0; c < 128; ++c) {
    const bool symbol =
        std::string_view("$+<=>^`|~").find(static_cast<char>(c)) != std::string_view::npos;
    const CharClass of = kAsciiClasses[c];
    kinds[c] = of == CharClass::kLetter   ? (c >= 'a' ? CharKind::kLower : CharKind::kUpper)
               : of == CharClass::kNumber ? CharKind::kNumber
               : of == CharClass::kSpace  ? CharKind::kSpace
               : of == CharClass::kOther  ? CharKind::kOther
               : symbol                   ? CharKind::kSymbol
                                          : CharKind::kPunctuation;
  }
  return kinds;
}
inline constexpr std::array<CharKind, 128> kAsciiKinds = ascii_kinds();
KindChar kind_of_wide(std::string_view text, size_t at);

}  // namespace internal

// The class of the character at text[at].
inline ClassedChar classify(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 128) return {internal::kAsciiClasses[byte], 1};
  return internal::classify_wide(text, at);
}

// Its kind.
inline KindChar kind_of(std::string_view text, size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  if (byte < 128) return {internal::kAsciiKinds[byte], 1, byte};
  return internal::kind_of_wide(text, at);
}

inline bool is_letter(CharKind kind) {
  return kind == CharKind::kUpper || kind == CharKind::kLower || kind == CharKind::kCaseless;
}

}  // namespace overtake
