// The pattern of Llama 3, which others took over with another bound on digits:
//   (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,MAX}|
//   ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
// (the second line begins with a space).
#pragma once

#include <algorithm>
#include <string_view>

#include "token/pretokenizer/scan.h"

namespace overtake {

inline bool is_line_end(char c) { return c == '\r' || c == '\n'; }

// contraction_length without regard to case. By Unicode's folding U+017F (C5 BF) is an s, too.
inline size_t any_case_contraction_length(std::string_view text) {
  if (text.empty() || text[0] != '\'') return 0;
  if (text.starts_with("'\xC5\xBF")) return 3;
  char lower[3] = {};
  const size_t n = std::min<size_t>(text.size(), 3);
  for (size_t i = 0; i < n; ++i) {
    lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
  }
  return contraction_length({lower, n});
}

// "\s*[\r\n]+|\s+(?!\S)|\s+": a run of white space up to its last line end, if it has one.
inline size_t white_space_end(std::string_view text, size_t begin) {
  size_t after_line_end = begin;
  const size_t end = run_end(text, begin, [](CharClass c) { return c == CharClass::kSpace; });
  for (size_t i = begin; i < end; ++i) {
    if (is_line_end(text[i])) after_line_end = i + 1;
  }
  if (after_line_end > begin) return after_line_end;
  return space_end(text, begin, [](CharClass) { return false; });
}

// "\p{N}{1,max}"
inline size_t number_end(std::string_view text, size_t begin, int max) {
  size_t at = begin;
  for (int i = 0; i < max && at < text.size(); ++i) {
    const ClassedChar c = classify(text, at);
    if (c.char_class != CharClass::kNumber) break;
    at += c.length;
  }
  return at;
}

template <int kMaxDigits>
size_t llama3_piece_end(std::string_view text, size_t begin) {
  const auto is_letter = [](CharClass c) { return c == CharClass::kLetter; };
  if (const size_t n = any_case_contraction_length(text.substr(begin))) return begin + n;
  const ClassedChar first = classify(text, begin);
  if (is_letter(first.char_class)) return run_end(text, begin, is_letter);
  if (first.char_class == CharClass::kNumber) return number_end(text, begin, kMaxDigits);
  const size_t next = begin + first.length;
  const bool has_next = next < text.size();
  const CharClass second = has_next ? classify(text, next).char_class : CharClass::kSpace;
  if (has_next && !is_line_end(text[begin]) && is_letter(second)) {
    return run_end(text, next, is_letter);
  }
  if (is_symbol(first.char_class) || (text[begin] == ' ' && has_next && is_symbol(second))) {
    size_t at = run_end(text, is_symbol(first.char_class) ? begin : next, is_symbol);
    while (at < text.size() && is_line_end(text[at])) ++at;
    return at;
  }
  return white_space_end(text, begin);
}

}  // namespace overtake
