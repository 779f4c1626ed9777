#include "token/tokenizer.h"

#include <fmt/core.h>

#include <algorithm>

#include "token/bpe.h"
#include "token/hf_tokenizer.h"
#include "token/spm.h"
#include "token/unigram.h"
#include "token/word_piece.h"

namespace overtake {
namespace {

// Control tokens by which the chat formats at large end a turn, whether or not a file lists them.
constexpr std::string_view kEndNames[] = {"<|im_end|>",    "<|eot_id|>", "<|eom_id|>",
                                          "<|endoftext|>", "</s>",       "<end_of_turn>"};

}  // namespace

void MarkedText::append(std::string_view part, bool part_is_trusted) {
  text += part;
  trusted.insert(trusted.end(), part.size(), part_is_trusted);
}

Result<std::unique_ptr<Tokenizer>> Tokenizer::load(const Checkpoint& checkpoint) {
  if (checkpoint.format() == CheckpointFormat::kHuggingFace) return load_folder(checkpoint.path());
  return load(checkpoint.metadata(), checkpoint.path());
}

Result<std::unique_ptr<Tokenizer>> Tokenizer::load_folder(const std::string& folder) {
  return load(TRY(read_hf_tokenizer(folder)), folder);
}

Result<std::unique_ptr<Tokenizer>> Tokenizer::load(const Metadata& metadata,
                                                   std::string_view path) {
  const std::optional<std::string> model = TRY(metadata.find_string("tokenizer.ggml.model"));
  if (!model || *model == "no_vocab") {
    return Error{
        ErrorCode::kNotFound,
        fmt::format("no tokenizer (tokenizer.ggml.model); {}; use a file that has one", path)};
  }
  if (*model == "gpt2") return ByteLevelBpe::load(metadata, path);
  if (*model == "llama") return SentencePieceBpe::load(metadata, path);
  if (*model == "t5") return Unigram::load(metadata, path);
  if (*model == "bert") return WordPiece::load(metadata, path);
  return Error{ErrorCode::kUnsupported,
               fmt::format("unknown tokenizer \"{}\" (tokenizer.ggml.model); {}; known are: gpt2 "
                           "llama t5 bert",
                           *model, path)};
}

std::vector<int32_t> Tokenizer::encode_user(std::string_view text) const {
  return encode({std::string(text), std::vector<bool>(text.size(), false)});
}

std::vector<int32_t> Tokenizer::encode_trusted(std::string_view text) const {
  return encode({std::string(text), std::vector<bool>(text.size(), true)});
}

bool Tokenizer::ends(int32_t id) const {
  return std::find(end_tokens_.begin(), end_tokens_.end(), id) != end_tokens_.end();
}

Status Tokenizer::read_roles(const Metadata& metadata, std::string_view path,
                             bool default_add_bos) {
  const int32_t bos = TRY(read_token_id(metadata, "tokenizer.ggml.bos_token_id", size(), path));
  if (bos >= 0) bos_ = bos;
  add_bos_ = TRY(metadata.find_bool("tokenizer.ggml.add_bos_token")).value_or(default_add_bos) &&
             bos_.has_value();
  add_eos_ = TRY(metadata.find_bool("tokenizer.ggml.add_eos_token")).value_or(false);
  for (const char* role : {"eos", "eot", "eom"}) {
    const std::string key = fmt::format("tokenizer.ggml.{}_token_id", role);
    const int32_t id = TRY(read_token_id(metadata, key, size(), path));
    if (id >= 0 && !ends(id)) end_tokens_.push_back(id);
  }
  const auto others = TRY(metadata.find_ints("overtake.tokenizer.end_token_ids"));
  for (const int64_t id : others.value_or(std::vector<int64_t>())) {
    const auto token = static_cast<int32_t>(id);
    if (id >= 0 && id < size() && !ends(token)) end_tokens_.push_back(token);
  }
  for (std::string_view name : kEndNames) {
    const std::optional<int32_t> id = find(name);
    if (id && is_control(*id) && !ends(*id)) end_tokens_.push_back(*id);
  }
  return {};
}

}  // namespace overtake
