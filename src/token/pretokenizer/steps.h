// Steps that isolate every match of a simple pattern: a piece is a match, or what lies between two.
#pragma once

#include <string_view>

#include "token/char_class.h"

namespace overtake {

// Isolates what `match_end(text, at)` finds; it gives 0 where no match begins. It must look at a
// bounded part of what it does not match.
template <typename MatchEnd>
size_t isolate(std::string_view text, size_t begin, MatchEnd match_end) {
  if (const size_t end = match_end(text, begin)) return end;
  size_t at = begin;
  do {
    at += kind_of(text, at).length;
  } while (at < text.size() && !match_end(text, at));
  return at;
}

// "[...]+" of the characters that `belongs(KindChar)` accepts.
template <typename Belongs>
size_t isolate_runs(std::string_view text, size_t begin, Belongs belongs) {
  const bool inside = belongs(kind_of(text, begin));
  size_t at = begin;
  while (at < text.size()) {
    const KindChar c = kind_of(text, at);
    if (belongs(c) != inside) break;
    at += c.length;
  }
  return at;
}

// "\s?[...]+"
template <typename Belongs>
size_t isolate_spaced_runs(std::string_view text, size_t begin, Belongs belongs) {
  return isolate(text, begin, [&](std::string_view all, size_t at) -> size_t {
    const KindChar first = kind_of(all, at);
    size_t end = at;
    if (first.kind == CharKind::kSpace) end += first.length;
    if (end == all.size() || !belongs(kind_of(all, end))) return 0;
    return isolate_runs(all, end, belongs);
  });
}

}  // namespace overtake
