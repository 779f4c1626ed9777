// VocabularyTrie: all tokens of a vocabulary by their bytes, laid out in the order of a walk over
// it, so that what a grammar allows is found in one pass that leaves out what it can not begin.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "token/tokenizer.h"

namespace overtake {

// Immutable: any thread.
class VocabularyTrie {
 public:
  // Tokens without bytes, control tokens among them, are not in it. Ids in `ends` end a text and
  // are not in it either. `n_ids`: as many as the model has logits of.
  VocabularyTrie(const Tokenizer& tokenizer, std::span<const int32_t> ends, int64_t n_ids);

  // A node in the order of the walk, its children after it.
  struct Node {
    uint8_t byte;
    uint8_t depth;      // from 1; tokens of more than 255 bytes are left out
    uint32_t behind;    // the first node that is not below it
    uint32_t first_id;  // in ids(); up to the next node's
  };
  std::span<const Node> nodes() const { return std::span(nodes_).first(nodes_.size() - 1); }
  std::span<const int32_t> ids_at(uint32_t node) const {
    return std::span(ids_).subspan(nodes_[node].first_id,
                                   nodes_[node + 1].first_id - nodes_[node].first_id);
  }
  // The node below `node` (nullopt: the root) for `byte`.
  std::optional<uint32_t> child(std::optional<uint32_t> node, uint8_t byte) const;

  std::string_view bytes_of(int32_t id) const;
  std::span<const int32_t> ends() const { return ends_; }
  int64_t n_ids() const { return n_ids_; }
  size_t n_words() const { return (static_cast<size_t>(n_ids_) + 63) / 64; }

 private:
  int64_t n_ids_;
  std::vector<int32_t> ends_;
  std::string text_;                  // of all tokens, one after the other
  std::vector<uint32_t> text_begin_;  // [tokens + 1]
  std::vector<Node> nodes_;           // and one behind them
  std::vector<int32_t> ids_;
};

}  // namespace overtake
