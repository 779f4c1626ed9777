// The pattern of GPT-4o's vocabulary (o200k) and of Mistral's Tekken, which cut words where lower
// case ends:
//   [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+SUFFIX|
//   [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*SUFFIX|\p{N}{1,MAX}|
//   ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
// (the third line begins with a space); SUFFIX is nothing or (?i:'s|'t|'re|'ve|'m|'ll|'d)?
#pragma once

#include <string_view>

#include "token/pretokenizer/llama3_pattern.h"

namespace overtake {

namespace cased {

// Letters without case and marks belong to both runs.
inline bool in_both(CharKind kind) {
  return kind == CharKind::kCaseless || kind == CharKind::kMark;
}
inline bool in_upper(CharKind kind) { return kind == CharKind::kUpper || in_both(kind); }
inline bool in_lower(CharKind kind) { return kind == CharKind::kLower || in_both(kind); }

// Both alternatives from text[at] on, without what may stand before; 0: no match.
struct WordEnds {
  size_t first = 0;   // "upper*lower+": the upper run gives back what the lower one needs
  size_t second = 0;  // "upper+lower*"
};

inline WordEnds word_ends(std::string_view text, size_t begin) {
  WordEnds ends;
  size_t at = begin;
  while (at < text.size()) {
    const KindChar c = kind_of(text, at);
    if (!in_upper(c.kind)) break;
    at += c.length;
    if (in_both(c.kind)) ends.first = at;
  }
  if (at > begin) ends.second = at;
  if (at == text.size() || kind_of(text, at).kind != CharKind::kLower) return ends;
  while (at < text.size()) {
    const KindChar c = kind_of(text, at);
    if (!in_lower(c.kind)) break;
    at += c.length;
  }
  return {at, at};
}

inline bool may_stand_before(std::string_view text, size_t at, CharKind kind) {
  return !is_letter(kind) && kind != CharKind::kNumber && !is_line_end(text[at]);
}

inline size_t word_end(std::string_view text, size_t begin) {
  const KindChar first = kind_of(text, begin);
  WordEnds behind;
  if (may_stand_before(text, begin, first.kind) && begin + first.length < text.size()) {
    behind = word_ends(text, begin + first.length);
  }
  if (behind.first) return behind.first;
  const WordEnds here =
      in_both(first.kind) || is_letter(first.kind) ? word_ends(text, begin) : WordEnds();
  if (here.first) return here.first;
  return behind.second ? behind.second : here.second;
}

inline bool is_symbol(CharKind kind) {
  return !is_letter(kind) && kind != CharKind::kNumber && kind != CharKind::kSpace;
}

}  // namespace cased

template <int kMaxDigits, bool kContractions>
size_t cased_piece_end(std::string_view text, size_t begin) {
  if (const size_t end = cased::word_end(text, begin)) {
    return kContractions ? end + any_case_contraction_length(text.substr(end)) : end;
  }
  const KindChar first = kind_of(text, begin);
  if (first.kind == CharKind::kNumber) return number_end(text, begin, kMaxDigits);
  const size_t next = begin + (text[begin] == ' ' ? 1 : 0);
  if (next < text.size() && cased::is_symbol(kind_of(text, next).kind)) {
    size_t at = next;
    while (at < text.size()) {
      const KindChar c = kind_of(text, at);
      if (!cased::is_symbol(c.kind)) break;
      at += c.length;
    }
    while (at < text.size() && (is_line_end(text[at]) || text[at] == '/')) ++at;
    return at;
  }
  return white_space_end(text, begin);
}

}  // namespace overtake
