#include "token/grammar/vocabulary_trie.h"

#include <algorithm>

namespace overtake {

VocabularyTrie::VocabularyTrie(const Tokenizer& tokenizer, std::span<const int32_t> ends,
                               int64_t n_ids)
    : n_ids_(n_ids) {
  for (const int32_t id : ends) {
    if (id >= 0 && id < n_ids) ends_.push_back(id);
  }
  std::sort(ends_.begin(), ends_.end());
  ends_.erase(std::unique(ends_.begin(), ends_.end()), ends_.end());
  const auto n_tokens = static_cast<int32_t>(std::min<int64_t>(tokenizer.size(), n_ids));
  std::vector<int32_t> order;
  text_begin_.push_back(0);
  for (int32_t id = 0; id < n_tokens; ++id) {
    const bool is_end = std::binary_search(ends_.begin(), ends_.end(), id);
    const std::string bytes =
        is_end || tokenizer.is_control(id) ? std::string() : tokenizer.token_bytes(id);
    if (!bytes.empty() && bytes.size() < 256) {
      text_ += bytes;
      order.push_back(id);
    }
    text_begin_.push_back(static_cast<uint32_t>(text_.size()));
  }
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const int by_text = bytes_of(a).compare(bytes_of(b));
    return by_text != 0 ? by_text < 0 : a < b;
  });
  // Sorted texts are in the order of the walk: each shares its beginning with the one before it.
  std::vector<uint32_t> path;  // nodes of the last text
  std::string_view last;
  for (const int32_t id : order) {
    const std::string_view text = bytes_of(id);
    const size_t same = static_cast<size_t>(
        std::mismatch(text.begin(), text.end(), last.begin(), last.end()).first - text.begin());
    for (; path.size() > same; path.pop_back()) {
      nodes_[path.back()].behind = static_cast<uint32_t>(nodes_.size());
    }
    for (size_t i = same; i < text.size(); ++i) {
      path.push_back(static_cast<uint32_t>(nodes_.size()));
      nodes_.push_back({static_cast<uint8_t>(text[i]), static_cast<uint8_t>(i + 1), 0,
                        static_cast<uint32_t>(ids_.size())});
    }
    ids_.push_back(id);
    last = text;
  }
  for (; !path.empty(); path.pop_back()) {
    nodes_[path.back()].behind = static_cast<uint32_t>(nodes_.size());
  }
  nodes_.push_back({0, 0, 0, static_cast<uint32_t>(ids_.size())});
  nodes_.shrink_to_fit();
}

std::string_view VocabularyTrie::bytes_of(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) + 1 >= text_begin_.size()) return {};
  const size_t i = static_cast<size_t>(id);
  return std::string_view(text_).substr(text_begin_[i], text_begin_[i + 1] - text_begin_[i]);
}

std::optional<uint32_t> VocabularyTrie::child(std::optional<uint32_t> node, uint8_t byte) const {
  const uint32_t end = node ? nodes_[*node].behind : static_cast<uint32_t>(nodes_.size()) - 1;
  for (uint32_t at = node ? *node + 1 : 0; at < end; at = nodes_[at].behind) {
    if (nodes_[at].byte == byte) return at;
    if (nodes_[at].byte > byte) break;
  }
  return std::nullopt;
}

}  // namespace overtake
