// SentencePiece's BPE (tokenizer.ggml.model "llama"): Llama 1 and 2, Mistral, TinyLlama. Merges go
// by score, or in the order that a tokenizer.json lists; characters that the vocabulary lacks are
// spelled in byte tokens (Kudo and Richardson 2018).
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "token/bpe_merge.h"
#include "token/merge_table.h"
#include "token/special_matcher.h"
#include "token/string_table.h"
#include "token/tokenizer.h"
#include "token/vocabulary.h"
#include "token/whole_pieces.h"

namespace overtake {

class SentencePieceBpe final : public Tokenizer {
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
  SentencePieceBpe(Vocabulary vocabulary, SpecialMatcher specials);
  Status index_texts(std::string_view path);
  Status rank_by_score(const Metadata& metadata, std::string_view path);
  Status read_space_prefix(const Metadata& metadata, std::string_view path);
  bool begins_with_space(size_t begin, std::string_view text) const;
  bool in_range(int32_t id) const { return id >= 0 && id < size(); }
  size_t piece_end(std::string_view text, size_t begin) const;
  void encode_piece(std::string_view piece, BpeScratch& scratch, std::vector<int32_t>& ids) const;
  void merge_piece(std::string_view piece, BpeScratch& scratch) const;
  bool push_bytes(std::string_view bytes, bool after_unknown, std::vector<int32_t>& ids) const;

  Vocabulary vocabulary_;
  SpecialMatcher specials_;
  StringTable texts_;            // what each token adds to a text; normal tokens are findable
  std::vector<uint32_t> ranks_;  // [size]: place of the token's score, best first
  std::array<int32_t, 256> byte_tokens_;  // -1: none
  int32_t unknown_ = -1;
  // Before which texts a space is put: each that begins the input or follows a special token; those
  // of them that do not begin with one; of these the one that begins the input; none.
  enum class SpacePrefix { kAlways, kUnlessSpace, kFirst, kNever };
  SpacePrefix space_prefix_ = SpacePrefix::kAlways;
  std::optional<MergeTable> merges_;  // in the place of scores
  bool fuse_unknown_ = false;         // a run of unknown characters is one unknown token
  bool words_part_ = true;            // no token has a space after another character
  size_t longest_token_bytes_ = 0;
  mutable WholePieces whole_pieces_;
};

}  // namespace overtake
