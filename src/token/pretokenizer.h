// PreTokenizer: how a byte-level BPE cuts a text into pieces, within which merges happen. One file
// of pretokenizer/ each.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/registry.h"

namespace overtake {

struct PreTokenizer {
  std::span<const std::string_view> names;  // values of tokenizer.ggml.pre
  // The end of the piece that begins at text[begin], which exists. Depends on the text from `begin`
  // on only; takes time in proportion to the piece and a bounded look-ahead, summed over a text.
  size_t (*piece_end)(std::string_view text, size_t begin);
  // A piece that is a token becomes it, even where the merges lead elsewhere.
  bool whole_pieces_first = false;
  bool default_add_bos = false;  // where the file does not say
};

std::span<const PreTokenizer* const> all_pretokenizers();

}  // namespace overtake
