// Steps that DeepSeek's pre-tokenizers share.
#pragma once

#include <string_view>

#include "token/pretokenizer/steps.h"

namespace overtake::deepseek {

// "[\r\n]"
inline size_t line_ends(std::string_view text, size_t begin) {
  return isolate(text, begin, [](std::string_view all, size_t at) {
    return all[at] == '\r' || all[at] == '\n' ? at + 1 : 0;
  });
}

// "[一-龥ࠀ-一가-퟿]+", as its first tokenizers write it
inline size_t wide_runs(std::string_view text, size_t begin) {
  return isolate_runs(text, begin, [](KindChar c) {
    return (c.code >= 0x800 && c.code <= 0x9fa5) || (c.code >= 0xac00 && c.code <= 0xd7ff);
  });
}

// "\p{N}" and "\p{N}+"
inline size_t single_numbers(std::string_view text, size_t begin) {
  const KindChar first = kind_of(text, begin);
  if (first.kind == CharKind::kNumber) return begin + first.length;
  return isolate_runs(text, begin, [](KindChar c) { return c.kind == CharKind::kNumber; });
}
inline size_t number_runs(std::string_view text, size_t begin) {
  return isolate_runs(text, begin, [](KindChar c) { return c.kind == CharKind::kNumber; });
}

}  // namespace overtake::deepseek
