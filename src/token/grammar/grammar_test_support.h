// What the tests of grammars share: a small vocabulary, and answers drawn by chance within a form.
#pragma once

#include <algorithm>
#include <bit>
#include <random>
#include <string>
#include <vector>

#include "token/grammar/grammar_cursor.h"

namespace overtake::testing {

// Every byte, some longer texts, a control token that spells text and one that ends an answer.
class TinyTokenizer final : public Tokenizer {
 public:
  explicit TinyTokenizer(std::vector<std::string> longer) {
    for (int byte = 0; byte < 256; ++byte) tokens_.emplace_back(1, static_cast<char>(byte));
    tokens_.insert(tokens_.end(), longer.begin(), longer.end());
    control_ = size();
    tokens_.emplace_back("{");
    end_ = size();
    tokens_.emplace_back("");
  }
  int32_t control() const { return control_; }
  int32_t end() const { return end_; }

  // The longest token at each place.
  std::vector<int32_t> encode(const MarkedText& text) const override {
    std::vector<int32_t> ids;
    for (size_t at = 0; at < text.text.size();) {
      int32_t best = static_cast<unsigned char>(text.text[at]);
      for (int32_t id = 256; id < control_; ++id) {
        const bool fits = text.text.compare(at, tokens_[id].size(), tokens_[id]) == 0;
        if (fits && tokens_[id].size() > tokens_[best].size()) best = id;
      }
      ids.push_back(best);
      at += tokens_[best].size();
    }
    return ids;
  }
  std::string token_bytes(int32_t id) const override { return is_control(id) ? "" : tokens_[id]; }
  std::string_view token_name(int32_t id) const override { return tokens_[id]; }
  std::optional<int32_t> find(std::string_view name) const override {
    const auto at = std::find(tokens_.begin(), tokens_.end(), name);
    if (at == tokens_.end()) return std::nullopt;
    return static_cast<int32_t>(at - tokens_.begin());
  }
  bool is_control(int32_t id) const override { return id >= control_; }
  int32_t size() const override { return static_cast<int32_t>(tokens_.size()); }
  std::string decode(std::span<const int32_t> ids) const override {
    std::string out;
    for (const int32_t id : ids) out += token_bytes(id);
    return out;
  }

 private:
  std::vector<std::string> tokens_;
  int32_t control_, end_;
};

inline std::vector<int32_t> ids_of(std::span<const uint64_t> mask) {
  std::vector<int32_t> out;
  for (size_t word = 0; word < mask.size(); ++word) {
    for (uint64_t bits = mask[word]; bits != 0; bits &= bits - 1) {
      out.push_back(static_cast<int32_t>(word * 64) + std::countr_zero(bits));
    }
  }
  return out;
}

// An answer drawn by chance; nullopt where it does not end within `most` tokens. What the cursor
// forces has to be allowed.
inline std::optional<std::string> draw_answer(GrammarCursor cursor, const TinyTokenizer& tokenizer,
                                              std::mt19937& random, int most) {
  std::string out;
  for (int i = 0; i < most; ++i) {
    if (cursor.is_over()) return out;
    const auto forced = cursor.forced();
    const std::vector<int32_t> allowed = ids_of(cursor.allowed().value());
    OVERTAKE_CHECK(!allowed.empty());
    const bool may_end =
        std::find(allowed.begin(), allowed.end(), tokenizer.end()) != allowed.end();
    // Once it may end it soon does, so that most answers are short.
    if (may_end && !forced && (i > most / 2 || random() % 2 == 0)) return out;
    int32_t id = forced ? *forced : allowed[random() % allowed.size()];
    // Closing brackets and quotes often, so that depth does not grow without end.
    for (const char c : {'"', '}', ']'}) {
      const auto at = std::find(allowed.begin(), allowed.end(), static_cast<int32_t>(c));
      if (!forced && at != allowed.end() && random() % 4 == 0) id = *at;
    }
    OVERTAKE_CHECK(std::find(allowed.begin(), allowed.end(), id) != allowed.end());
    if (id == tokenizer.end()) return out;
    out += tokenizer.token_bytes(id);
    OVERTAKE_CHECK(cursor.accept(id).ok());
  }
  return std::nullopt;
}

}  // namespace overtake::testing
