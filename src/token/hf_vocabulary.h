// HfVocabulary: a vocabulary while it is put together from the files of a Hugging Face folder.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "format/checkpoint.h"
#include "token/vocabulary.h"

namespace overtake::hf {

class HfVocabulary {
 public:
  explicit HfVocabulary(std::string file) : file_(std::move(file)) {}

  // Puts a token at its id; one that stood there is replaced. kDamaged for an id out of range.
  Status put(int64_t id, std::string_view text, TokenType type, double score);
  // An entry of "added_tokens" or "added_tokens_decoder".
  Status put_added(int64_t id, const Json& entry);
  // -1: none.
  int64_t find(std::string_view text) const;
  void set_type(int64_t id, TokenType type) { types_[id] = type; }
  // For spelling alone: find() still goes by the old text.
  void rename(int64_t id, std::string text) { tokens_[id] = std::move(text); }
  void set_score(int64_t id, double score) { scores_[id] = score; }
  bool has(int64_t id) const { return id >= 0 && id < size() && present_[id]; }
  const std::string& text(int64_t id) const { return tokens_[id]; }
  TokenType type(int64_t id) const { return types_[id]; }
  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  const std::string& file() const { return file_; }

  // Fits it to an embedding of `n_rows` (0: not known): added tokens past it are dropped, since the
  // model cannot read them, and rows without token get an unused one.
  Status fit(int64_t n_rows);
  // As a GGUF file lists them; ids without token are filled up with unused ones.
  void write(bool with_scores, Metadata* metadata) const;

 private:
  std::string file_;
  std::vector<std::string> tokens_;
  std::vector<TokenType> types_;
  std::vector<double> scores_;
  std::vector<bool> present_;
  std::map<std::string, int64_t, std::less<>> ids_;
  int64_t n_present_ = 0;
  // Ids of added tokens that take white space around them, or match whole words only.
  std::vector<int64_t> left_strip_, right_strip_, single_word_;
};

}  // namespace overtake::hf
