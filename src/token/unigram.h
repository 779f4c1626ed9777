// The unigram language model (tokenizer.ggml.model "t5"; Kudo 2018): of all ways to cut a word into
// tokens the one with the greatest sum of scores (Viterbi 1967). T5, XLM-RoBERTa and the embedding
// models made of them.
#pragma once

#include <array>
#include <memory>

#include "token/byte_trie.h"
#include "token/normalizer.h"
#include "token/special_matcher.h"
#include "token/string_table.h"
#include "token/tokenizer.h"
#include "token/vocabulary.h"

namespace overtake {

class Unigram final : public Tokenizer {
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
  // The best path to a place of a word.
  struct Node {
    double score = 0;
    uint32_t begin = 0;  // of its last token
    int32_t id = -1;     // -1: a character that is no token
    bool reached = false;
  };
  struct Scratch {
    std::vector<Node> nodes;  // [bytes + 1]
    std::vector<Node> path;
    std::string spaced;
    std::string rewritten;
  };
  enum class SpacePrefix { kAlways, kFirst, kNever };

  Unigram(Vocabulary vocabulary, SpecialMatcher specials);
  Status read_cutting(const Metadata& metadata, std::string_view path);
  Status index_texts(const Metadata& metadata, std::string_view path);
  bool in_range(int32_t id) const { return id >= 0 && id < size(); }
  void encode_part(std::string_view text, bool is_first, Scratch& scratch,
                   std::vector<int32_t>& ids) const;
  void encode_spaced(std::string_view text, bool prefix, Scratch& scratch,
                     std::vector<int32_t>& ids) const;
  void encode_piece(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const;
  void find_path(std::string_view piece, Scratch& scratch) const;
  bool push_bytes(std::string_view bytes, std::vector<int32_t>& ids) const;

  Vocabulary vocabulary_;
  SpecialMatcher specials_;
  Normalizer normalizer_;
  SpacePrefix space_prefix_ = SpacePrefix::kAlways;
  bool drops_spaces_ = false;  // words are cut at white space, which goes
  bool cuts_words_ = true;     // at each space, which begins the word behind it
  StringTable texts_;          // what each token adds to a text
  ByteTrie trie_;
  std::vector<double> scores_;  // [size]
  double unknown_score_ = 0;
  std::array<int32_t, 256> byte_tokens_;  // -1: none
  int32_t unknown_ = -1;
};

}  // namespace overtake
