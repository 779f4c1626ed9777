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
struct SplitPart {
  size_t begin;
  size_t end;
  int32_t special = -1;  // the token, -1 for ordinary text
};

class SpecialMatcher {
 public:
  // kDamaged for a special token that is longer than any real one: the search would be quadratic.
  // `metadata` lists the tokens that match in their own way: overtake.tokenizer.left_strip and
  // .right_strip take the white space beside them, .single_word match no part of a word.
  static Result<SpecialMatcher> make(const Vocabulary& vocabulary, const Metadata& metadata,
                                     std::string_view path);

  // The parts of a text in order, none empty. From left to right, the longest token at a place
  // wins. Control tokens match in wholly trusted bytes only, user-defined ones anywhere. White
  // space that a control token takes is trusted too: no byte of a user's text gets lost.
  std::vector<SplitPart> split(const MarkedText& text) const;

 private:
  struct Special {
    std::string text;
    int32_t id;
    bool is_control;
    bool strips_left = false;
    bool strips_right = false;
    bool single_word = false;
  };
  struct Match {
    size_t length = 0;
    const Special* special = nullptr;  // null: none
  };
  Status read_flags(const Metadata& metadata);
  static SplitPart with_space(const MarkedText& text, size_t ordinary, SplitPart part,
                              const Special& special);
  Match longest_at(const MarkedText& text, size_t at) const;

  std::vector<Special> specials_;  // sorted by text
  struct Range {
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  std::array<Range, 256> by_first_byte_{};  // of specials_
};

}  // namespace overtake
