// A SentencePiece model file (tokenizer.model): the parts of its protocol buffer that decide how a
// text is cut (sentencepiece_model.proto; wire format: Protocol Buffers' "Encoding" page).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

struct SentencePieceModel {
  enum class Kind { kUnigram = 1, kBpe = 2, kWord = 3, kChar = 4 };
  struct Piece {
    std::string text;
    float score = 0;
    int64_t type = 1;  // numbered as TokenType
  };

  std::vector<Piece> pieces;
  Kind kind = Kind::kUnigram;
  bool byte_fallback = false;
  int64_t unknown_id = 0;
  int64_t bos_id = 1;
  int64_t eos_id = 2;
  int64_t pad_id = -1;  // -1: none
  std::string charsmap;
  bool add_dummy_prefix = true;
  bool remove_extra_whitespaces = true;
  bool escape_whitespaces = true;
  bool treat_whitespace_as_suffix = false;
};

// kDamaged for bytes that are no such file. Memory is bounded by about thirty times the bytes.
Result<SentencePieceModel> parse_sentencepiece(std::string_view bytes, std::string_view file);

}  // namespace overtake
