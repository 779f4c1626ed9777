#include "token/grammar/grammar_cursor.h"

#include <algorithm>

namespace overtake {
namespace {

// Bytes that are forced at once; a longer run is found in parts.
constexpr size_t kLongestRun = 1024;
// Of the text before a run: enough for a pre-tokenizer to cut the same pieces.
constexpr size_t kMostBehind = 48;

}  // namespace

Result<GrammarCursor> GrammarCursor::begin(std::shared_ptr<GrammarMasks> masks,
                                           const Tokenizer& tokenizer) {
  GrammarCursor out(std::move(masks), tokenizer);
  TRY(out.look_ahead());
  return out;
}

Result<std::span<const uint64_t>> GrammarCursor::allowed() {
  TRY(masks_->allowed(state_, mask_));
  return std::span<const uint64_t>(mask_);
}

std::optional<int32_t> GrammarCursor::forced() const {
  return forced_.empty() ? std::nullopt : std::optional(forced_.front());
}

Status GrammarCursor::accept(int32_t id) {
  const std::string_view bytes = masks_->trie().bytes_of(id);
  state_ = TRY(masks_->after(state_, bytes));
  if (state_ == GrammarAutomaton::kDead) {
    return Error{ErrorCode::kInternal, "a token was chosen that the answer's grammar forbids"};
  }
  behind_ += bytes;
  if (behind_.size() > 2 * kMostBehind) behind_ = bytes.size() <= kMostBehind ? bytes : "";
  if (!forced_.empty()) forced_.pop_front();
  return forced_.empty() ? look_ahead() : Status();
}

Status GrammarCursor::look_ahead() {
  const GrammarMasks::Run run = TRY(masks_->forced_bytes(state_, kLongestRun));
  if (run.bytes.empty()) {
    TRY(masks_->allowed(state_, mask_));
    over_ = masks_->accepts(state_);
    const auto& ends = masks_->trie().ends();
    for (size_t word = 0; word < mask_.size() && over_; ++word) {
      uint64_t others = mask_[word];
      for (const int32_t end : ends) {
        if (static_cast<size_t>(end) / 64 == word) others &= ~(uint64_t{1} << (end % 64));
      }
      over_ = others == 0;
    }
    return {};
  }
  auto ids = encode_behind(behind_, run.bytes);
  if (!ids) ids = encode_behind("", run.bytes);
  if (!ids) ids = longest_tokens(run.bytes);
  std::string_view rest = run.bytes;
  for (const int32_t id : *ids) {
    if (may_be_longer(rest, run.end)) break;
    forced_.push_back(id);
    rest.remove_prefix(masks_->trie().bytes_of(id).size());
  }
  return {};
}

// The tokens of `run` in the text of both; nullopt where none of them begins at its beginning.
std::optional<std::vector<int32_t>> GrammarCursor::encode_behind(std::string_view before,
                                                                 std::string_view run) const {
  const std::string text = std::string(before) + std::string(run);
  const std::vector<int32_t> ids = tokenizer_->encode_user(text);
  size_t place = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (place == before.size()) {
      std::vector<int32_t> out(ids.begin() + static_cast<ptrdiff_t>(i), ids.end());
      for (const int32_t id : out) {
        const std::string_view bytes = masks_->trie().bytes_of(id);
        if (bytes.empty() || text.compare(place, bytes.size(), bytes) != 0) return std::nullopt;
        place += bytes.size();
      }
      return place == text.size() ? std::optional(std::move(out)) : std::nullopt;
    }
    std::string_view bytes = masks_->trie().bytes_of(ids[i]);
    // Some tokenizers put a space before a text.
    if (i == 0 && bytes.starts_with(' ') && !text.starts_with(' ')) bytes.remove_prefix(1);
    if (text.compare(place, bytes.size(), bytes) != 0) return std::nullopt;
    place += bytes.size();
  }
  return std::nullopt;
}

std::vector<int32_t> GrammarCursor::longest_tokens(std::string_view run) const {
  const VocabularyTrie& trie = masks_->trie();
  std::vector<int32_t> out;
  while (!run.empty()) {
    std::optional<uint32_t> node;
    std::optional<int32_t> longest;
    for (const char c : run) {
      node = trie.child(node, static_cast<uint8_t>(c));
      if (!node) break;
      if (!trie.ids_at(*node).empty()) longest = trie.ids_at(*node)[0];
    }
    if (!longest) break;
    out.push_back(*longest);
    run.remove_prefix(trie.bytes_of(*longest).size());
  }
  return out;
}

// Whether a token may begin with all of `rest` and go on with what may come after it.
bool GrammarCursor::may_be_longer(std::string_view rest, State end) const {
  const VocabularyTrie& trie = masks_->trie();
  std::optional<uint32_t> node;
  for (const char c : rest) {
    node = trie.child(node, static_cast<uint8_t>(c));
    if (!node) return false;
  }
  if (!node) return false;
  const auto nodes = trie.nodes();
  for (uint32_t at = *node + 1; at < nodes[*node].behind; at = nodes[at].behind) {
    if (masks_->allows(end, nodes[at].byte)) return true;
  }
  return false;
}

Result<bool> GrammarCursor::allowed_after(std::span<const int32_t> ids, TokenMask& mask) {
  State state = state_;
  for (const int32_t id : ids) {
    const std::string_view bytes = masks_->trie().bytes_of(id);
    state = TRY(masks_->after(state, bytes));
    if (bytes.empty() || state == GrammarAutomaton::kDead) return false;
  }
  TRY(masks_->allowed(state, mask));
  return std::any_of(mask.begin(), mask.end(), [](uint64_t word) { return word != 0; });
}

Result<size_t> GrammarCursor::count_allowed(std::span<const int32_t> ids) {
  State state = state_;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string_view bytes = masks_->trie().bytes_of(ids[i]);
    if (bytes.empty()) {
      const auto ends = masks_->trie().ends();
      const bool is_end = std::find(ends.begin(), ends.end(), ids[i]) != ends.end();
      return i + (is_end && masks_->accepts(state) ? 1 : 0);
    }
    state = TRY(masks_->after(state, bytes));
    if (state == GrammarAutomaton::kDead) return i;
  }
  return ids.size();
}

}  // namespace overtake
