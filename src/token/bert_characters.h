// The characters that BERT's rewriting of texts drops.
#pragma once

#include <algorithm>
#include <span>

namespace overtake {

namespace internal {

struct CodeRange {
  char32_t first;
  char32_t last;
};
std::span<const CodeRange> bert_controls();  // ascending
std::span<const CodeRange> bert_accents();

inline bool within(std::span<const CodeRange> ranges, char32_t code) {
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), code,
                       [](char32_t c, const CodeRange& range) { return c < range.first; });
  return after != ranges.begin() && code <= (after - 1)->last;
}

}  // namespace internal

inline bool is_bert_control(char32_t code) {
  return internal::within(internal::bert_controls(), code);
}
inline bool is_bert_accent(char32_t code) {
  return code >= 0x300 && internal::within(internal::bert_accents(), code);
}

}  // namespace overtake
