// WordPiece (tokenizer.ggml.model "bert"; Devlin et al. 2018): words at white space and
// punctuation, each cut into its longest tokens from the left. BERT and the embedding models made
// of it.
#pragma once

#include <memory>

#include "token/byte_trie.h"
#include "token/normalizer.h"
#include "token/special_matcher.h"
#include "token/string_table.h"
#include "token/tokenizer.h"
#include "token/vocabulary.h"

namespace overtake {

class WordPiece final : public Tokenizer {
 public:
  // Tokens that begin a word are written with U+2581 before them, as GGUF files have it.
  static Result<std::unique_ptr<Tokenizer>> load(const Metadata& metadata, std::string_view path);

  std::vector<int32_t> encode(const MarkedText& text) const override;
  std::string token_bytes(int32_t id) const override;
  std::string_view token_name(int32_t id) const override;
  std::optional<int32_t> find(std::string_view name) const override;
  bool is_control(int32_t id) const override;
  int32_t size() const override { return vocabulary_.size(); }
  std::string decode(std::span<const int32_t> ids) const override;

 private:
  WordPiece(Vocabulary vocabulary, SpecialMatcher specials);
  Status index_texts(std::string_view path);
  bool in_range(int32_t id) const { return id >= 0 && id < size(); }
  void encode_words(std::string_view text, std::vector<int32_t>& ids) const;
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;

  Vocabulary vocabulary_;
  SpecialMatcher specials_;
  Normalizer normalizer_;
  StringTable texts_;  // what each token adds to a text
  ByteTrie beginnings_;
  ByteTrie continuations_;
  int64_t max_word_characters_ = 100;
  int32_t unknown_ = -1;
};

}  // namespace overtake
