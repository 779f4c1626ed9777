// SpecialMatcher: finds control and user-defined tokens in a text before it is cut into pieces.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "token/tokenizer.h"
#include "token/vocabulary.h"

namespace overtake {

// A part of a text: ordinary text, or exactly one special token.
struct TextPart {
  size_t begin;
  size_t end;
  int32_t special = -1;  // the token, -1 for ordinary text
};

class SpecialMatcher {
 public:
  // kDamaged for a special token that is longer than any real one: the search would be quadratic.
  static Result<SpecialMatcher> make(const Vocabulary& vocabulary, std::string_view path);

  // The parts of a text in order, none empty. From left to right, the longest token at a place
  // wins. Control tokens match in wholly trusted bytes only, user-defined ones anywhere.
  std::vector<TextPart> split(const MarkedText& text) const;

 private:
  struct Special {
    std::string text;
    int32_t id;
    bool is_control;
  };
  struct Match {
    size_t length = 0;
    int32_t id = -1;
  };
  Match longest_at(const MarkedText& text, size_t at) const;

  std::vector<Special> specials_;  // sorted by text
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  std::array<Range, 256> by_first_byte_{};  // of specials_
};

}  // namespace overtake
