// Byte-level BPE (tokenizer.ggml.model "gpt2"): GPT-2, Falcon, SmolLM2, Llama 3.
#pragma once

#include <array>
#include <memory>

#include "token/merge_table.h"
#include "token/normalizer.h"
#include "token/pretokenizer.h"
#include "token/special_matcher.h"
#include "token/string_table.h"
#include "token/tokenizer.h"
#include "token/vocabulary.h"
#include "token/whole_pieces.h"

namespace overtake {

class ByteLevelBpe final : public Tokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> load(const Metadata& metadata, std::string_view path);

  std::vector<int32_t> encode(const MarkedText& text) const override;
  std::string token_bytes(int32_t id) const override;
  std::string_view token_name(int32_t id) const override;
  std::optional<int32_t> find(std::string_view name) const override;
  bool is_control(int32_t id) const override;
  int32_t size() const override { return vocabulary_.size(); }
  std::string decode(std::span<const int32_t> ids) const override;

 private:
  // What happens to a text before merging.
  struct Cutting {
    Normalizer normalizer;
    std::vector<PieceEnd*> steps;
    bool whole_pieces_first = false;
    bool default_add_bos = false;
  };
  static Result<Cutting> read_cutting(const Metadata& metadata, std::string_view path);
  ByteLevelBpe(Vocabulary vocabulary, SpecialMatcher specials, MergeTable merges, Cutting cutting);
  Status index_bytes(std::string_view path);
  bool in_range(int32_t id) const { return id >= 0 && id < size(); }
  void encode_piece(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;
  void merge_piece(std::string_view piece, BpeScratch& scratch) const;

  Vocabulary vocabulary_;
  SpecialMatcher specials_;
  MergeTable merges_;
  Cutting cutting_;
  StringTable bytes_;  // what each token adds to a text; normal tokens are findable
  std::array<int32_t, 256> byte_tokens_;  // -1: the vocabulary can not spell this byte
  int32_t unknown_ = -1;
  size_t longest_token_bytes_ = 0;
  mutable WholePieces whole_pieces_;
};

}  // namespace overtake
