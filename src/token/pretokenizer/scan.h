// What the hand-written splitters share: runs of a class, and the pattern of GPT-2 itself.
#pragma once

#include <string_view>

#include "token/char_class.h"

namespace overtake {

// The end of the run of characters from text[at] on that `belongs` accepts.
template <typename Predicate>
size_t run_end(std::string_view text, size_t at, Predicate belongs) {
  while (at < text.size()) {
    const ClassedChar c = classify(text, at);
    if (!belongs(c.char_class)) break;
    at += c.length;
  }
  return at;
}

inline bool is_symbol(CharClass c) {
  return c == CharClass::kPunctuation || c == CharClass::kOther;
}

// The end of the run that text[at], a letter, number or symbol, begins.
inline size_t same_kind_end(std::string_view text, size_t at) {
  const CharClass kind = classify(text, at).char_class;
  if (is_symbol(kind)) return run_end(text, at, is_symbol);
  return run_end(text, at, [kind](CharClass c) { return c == kind; });
}

// The end of a piece of white space by "\s+(?!\S)|\s+": the last character of a run stays with the
// word behind it, unless it is the whole run. `is_border`: classes at which the text counts as
// ended.
template <typename Border>
size_t space_end(std::string_view text, size_t begin, Border is_border) {
  size_t last = begin;
  size_t at = begin;
  while (at < text.size()) {
    const ClassedChar c = classify(text, at);
    if (c.char_class != CharClass::kSpace) {
      return is_border(c.char_class) || last == begin ? at : last;
    }
    last = at;
    at += c.length;
  }
  return at;
}

// Length of one of 's 't 're 've 'm 'll 'd at the start of `text`, or 0.
inline size_t contraction_length(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  switch (text[1]) {
    case 's':
    case 't':
    case 'm':
    case 'd':
      return 2;
    case 'r':
    case 'v':
      return text.size() > 2 && text[2] == 'e' ? 3 : 0;
    case 'l':
      return text.size() > 2 && text[2] == 'l' ? 3 : 0;
    default:
      return 0;
  }
}

// The piece at text[begin] by the pattern of GPT-2 (Radford et al. 2019, released encoder):
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// applied to the text up to the next character of a border class; text[begin] is of none. Letters
// and spaces are never borders.
template <typename Border>
size_t gpt2_piece_end(std::string_view text, size_t begin, Border is_border) {
  if (const size_t length = contraction_length(text.substr(begin))) return begin + length;
  size_t at = begin;
  CharClass first = classify(text, at).char_class;
  if (text[at] == ' ' && at + 1 < text.size()) {
    const CharClass second = classify(text, at + 1).char_class;
    if (second != CharClass::kSpace && !is_border(second)) {
      first = second;
      ++at;
    }
  }
  if (first == CharClass::kSpace) return space_end(text, begin, is_border);
  if (is_symbol(first)) {
    return run_end(text, at, [&](CharClass c) { return is_symbol(c) && !is_border(c); });
  }
  return same_kind_end(text, at);
}

}  // namespace overtake
