// PreTokenizer: how a byte-level BPE cuts a text into pieces, within which merges happen. One file
// of pretokenizer/ each.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/registry.h"
#include "base/result.h"

namespace overtake {

// The end of the piece that begins at text[begin], which exists. Depends on the text from `begin`
// on only; takes time in proportion to the piece and a bounded look-ahead, summed over a text.
using PieceEnd = size_t(std::string_view text, size_t begin);

struct PreTokenizer {
  std::span<const std::string_view> names;  // values of tokenizer.ggml.pre; none: a step for others
  // The steps by which a tokenizer.json says the same (hf_structure.h), a line each, without the
  // "ByteLevel plain" at the end.
  std::span<const std::string_view> structures;
  // One after the other; each cuts what the one before left whole, and sees no more than that.
  std::span<PieceEnd* const> steps;
  // A piece that is a token becomes it, even where the merges lead elsewhere.
  bool whole_pieces_first = false;
  bool default_add_bos = false;  // where the file does not say
  std::span<const std::string_view>
      normalizer;  // what happens to texts first, as in hf_structure.h
};

std::span<const PreTokenizer* const> all_pretokenizers();

// The value of tokenizer.ggml.pre where overtake.tokenizer.steps lists the steps.
constexpr std::string_view kPreTokenizerOfSteps = "overtake-steps";

// The named entry of this structure; of several, the one that agrees on `whole_pieces_first`. Null
// if there is none.
const PreTokenizer* find_pretokenizer(std::span<const std::string> steps, bool whole_pieces_first);
// The code of each step; kUnsupported, naming it, for one that is not known.
Result<std::vector<PieceEnd*>> find_steps(std::span<const std::string> steps,
                                          std::string_view file);

// Calls `use(piece)` for the pieces of `text` in order.
template <typename Use>
void for_each_piece(std::span<PieceEnd* const> steps, std::string_view text, const Use& use) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = steps[0](text, begin);
    OVERTAKE_CHECK(end > begin && end <= text.size());
    const std::string_view piece = text.substr(begin, end - begin);
    if (steps.size() == 1) {
      use(piece);
    } else {
      for_each_piece(steps.subspan(1), piece, use);
    }
    begin = end;
  }
}

}  // namespace overtake
