#include "token/vocabulary.h"

#include <fmt/core.h>

namespace overtake {
namespace {

constexpr size_t kMaxTokens = size_t{1} << 24;
constexpr size_t kMaxTokenBytes = size_t{1} << 16;  // the longest of real vocabularies has 256

Error damaged(std::string_view what, std::string_view path) {
  return {ErrorCode::kDamaged,
          fmt::format("{}; {}; the file is damaged: get it again", what, path)};
}

}  // namespace

Result<Vocabulary> Vocabulary::read(const Metadata& metadata, std::string_view path) {
  const std::vector<std::string>* tokens = TRY(metadata.find_strings("tokenizer.ggml.tokens"));
  if (!tokens || tokens->empty()) {
    return Error{
        ErrorCode::kNotFound,
        fmt::format("no vocabulary (tokenizer.ggml.tokens); {}; use a file that has one", path)};
  }
  if (tokens->size() > kMaxTokens) {
    return damaged(fmt::format("{} tokens, at most {} can be", tokens->size(), kMaxTokens), path);
  }
  Vocabulary out;
  const auto types = TRY(metadata.find_ints("tokenizer.ggml.token_type"));
  if (types && types->size() != tokens->size()) {
    return damaged(fmt::format("tokenizer.ggml.token_type: expected {} entries, found {}",
                               tokens->size(), types->size()),
                   path);
  }
  size_t n_bytes = 0;
  for (const std::string& token : *tokens) n_bytes += token.size();
  out.names_.reserve(tokens->size(), n_bytes);
  for (size_t i = 0; i < tokens->size(); ++i) {
    const int64_t type = types ? (*types)[i] : static_cast<int64_t>(TokenType::kNormal);
    if (type < 1 || type > 6) {
      return damaged(fmt::format("tokenizer.ggml.token_type[{}]: unknown type {}", i, type), path);
    }
    if ((*tokens)[i].size() > kMaxTokenBytes) {
      return damaged(fmt::format("tokenizer.ggml.tokens[{}]: {} bytes, at most {} can be", i,
                                 (*tokens)[i].size(), kMaxTokenBytes),
                     path);
    }
    out.types_.push_back(static_cast<TokenType>(type));
    out.names_.push_back((*tokens)[i]);
    if (out.names_.index(static_cast<int32_t>(i)) != StringTable::Indexed::kDone) {
      return damaged(fmt::format("tokenizer.ggml.tokens[{}]: the same token stands twice, or "
                                 "thousands hash alike",
                                 i),
                     path);
    }
  }
  return out;
}

Result<int32_t> read_token_id(const Metadata& metadata, std::string_view key, int32_t size,
                              std::string_view path) {
  const std::optional<int64_t> id = TRY(metadata.find_int(key));
  if (!id) return -1;
  if (*id < 0 || *id >= size) {
    return damaged(fmt::format("{}: token {} of a vocabulary of {}", key, *id, size), path);
  }
  return static_cast<int32_t>(*id);
}

}  // namespace overtake
