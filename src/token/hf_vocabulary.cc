#include "token/hf_vocabulary.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "token/hf_json.h"

namespace overtake::hf {
namespace {

constexpr double kAddedScore = -1000.0;  // as the converters of GGUF files give it
constexpr double kMissingScore = -10000.0;
constexpr int64_t kMaxMissingTokens = 1 << 17;

// A token that is written like a control token is one, also where the file forgets to say so: it
// is how chats are marked, and no user may write it (DeepSeek's turns, Qwen's infilling).
bool looks_special(std::string_view text) {
  const auto within = [&](std::string_view begin, std::string_view end) {
    return text.size() >= begin.size() + end.size() && text.starts_with(begin) &&
           text.ends_with(end);
  };
  return within("<|", "|>") || within("<\xEF\xBD\x9C", "\xEF\xBD\x9C>") || text == "<pad>" ||
         text == "<mask>" || text == "<s>" || text == "</s>" || text == "<unk>";
}

}  // namespace

Status HfVocabulary::put(int64_t id, std::string_view text, TokenType type, double score) {
  if (id < 0 || id > kMaxTokenId) {
    return damaged(
        fmt::format("token \"{}\" has id {}, ids go from 0 to {}", escaped(text), id, kMaxTokenId),
        file_);
  }
  const auto at = static_cast<size_t>(id);
  // The ids of real files are dense; this bounds what a lone huge one can make us allocate.
  if (id > 2 * n_present_ + kMaxMissingTokens) {
    return damaged(
        fmt::format("token \"{}\" has id {} behind {} tokens", escaped(text), id, n_present_),
        file_);
  }
  if (at >= tokens_.size()) {
    tokens_.resize(at + 1);
    types_.resize(at + 1, TokenType::kUnused);
    scores_.resize(at + 1, kMissingScore);
    present_.resize(at + 1, false);
  }
  if (present_[at]) {
    ids_.erase(tokens_[at]);
  } else {
    present_[at] = true;
    ++n_present_;
  }
  const auto [other, is_new] = ids_.emplace(std::string(text), id);
  if (!is_new) {
    return damaged(fmt::format("token \"{}\" has ids {} and {}", escaped(text), other->second, id),
                   file_);
  }
  tokens_[at] = text;
  types_[at] = type;
  scores_[at] = score;
  return {};
}

Status HfVocabulary::put_added(int64_t id, const Json& entry) {
  const auto content = TRY(find_string(entry, "content", file_));
  if (!content) return damaged(fmt::format("added token {} has no content", id), file_);
  if (content->empty()) return {};
  const bool special = TRY(bool_or(entry, "special", false, file_)) || looks_special(*content);
  const TokenType type = special ? TokenType::kControl : TokenType::kUserDefined;
  const int64_t same = find(*content);
  if (same >= 0 && same != id) {
    return damaged(fmt::format("added token \"{}\" has ids {} and {}", escaped(*content), same, id),
                   file_);
  }
  if (same == id) {
    if (types_[id] != TokenType::kUnknown) types_[id] = type;
  } else {
    TRY(put(id, *content, type, kAddedScore));
  }
  const auto note = [&](std::string_view flag, std::vector<int64_t>& ids) -> Status {
    if (TRY(bool_or(entry, flag, false, file_)) &&
        std::find(ids.begin(), ids.end(), id) == ids.end()) {
      ids.push_back(id);
    }
    return {};
  };
  TRY(note("lstrip", left_strip_));
  TRY(note("rstrip", right_strip_));
  return note("single_word", single_word_);
}

int64_t HfVocabulary::find(std::string_view text) const {
  const auto at = ids_.find(text);
  return at == ids_.end() ? -1 : at->second;
}

Status HfVocabulary::fit(int64_t n_rows) {
  if (n_rows == 0) return {};
  if (n_rows > 2 * size() + kMaxMissingTokens) {
    return damaged(
        fmt::format("the tokenizer has {} tokens, vocab_size of config.json is {}", size(), n_rows),
        file_);
  }
  for (int64_t last = size() - 1; last >= n_rows && types_[last] != TokenType::kNormal; --last) {
    if (present_[last]) ids_.erase(tokens_[last]);
    tokens_.pop_back();
  }
  tokens_.resize(std::max(n_rows, size()));
  types_.resize(tokens_.size(), TokenType::kUnused);
  scores_.resize(tokens_.size(), kMissingScore);
  present_.resize(tokens_.size(), false);
  return {};
}

void HfVocabulary::write(bool with_scores, Metadata* metadata) const {
  std::vector<std::string> tokens = tokens_;
  std::vector<int64_t> types;
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!present_[id]) tokens[id] = fmt::format("[PAD{}]", id);
    types.push_back(static_cast<int64_t>(types_[id]));
  }
  const auto list = [&](const char* key, std::vector<int64_t> ids) {
    std::erase_if(ids, [&](int64_t id) { return id >= size(); });
    if (!ids.empty()) metadata->set(key, std::move(ids));
  };
  list("overtake.tokenizer.left_strip", left_strip_);
  list("overtake.tokenizer.right_strip", right_strip_);
  list("overtake.tokenizer.single_word", single_word_);
  if (with_scores) metadata->set("tokenizer.ggml.scores", scores_);
  metadata->set("tokenizer.ggml.token_type", std::move(types));
  metadata->set("tokenizer.ggml.tokens", std::move(tokens));
}

}  // namespace overtake::hf
