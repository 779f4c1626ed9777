// The vocabularies of embedding models in a tokenizer.json: unigram and WordPiece.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "token/base64.h"
#include "token/hf_json.h"
#include "token/hf_model.h"
#include "token/sentencepiece_text.h"

namespace overtake::hf {
namespace {

// Entries [text, score]; the place is the id.
Status read_scored_list(const Json& model, HfVocabulary* vocabulary) {
  const Json* vocab = field(model, "vocab");
  if (!vocab || !vocab->is_array()) {
    return damaged("no array \"vocab\" in \"model\"", vocabulary->file());
  }
  int64_t id = 0;
  for (const Json& entry : *vocab) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      return damaged(fmt::format("entry {} of \"vocab\" is no text and score", id),
                     vocabulary->file());
    }
    TRY(vocabulary->put(id++, entry[0].get_ref<const std::string&>(), TokenType::kNormal,
                        entry[1].get<double>()));
  }
  return {};
}

}  // namespace

Status read_unigram(const Json& model, const Structure& structure, HfVocabulary* vocabulary,
                    Metadata* metadata) {
  const std::string& file = vocabulary->file();
  TRY(read_scored_list(model, vocabulary));
  metadata->set("tokenizer.ggml.model", std::string("t5"));
  metadata->set("tokenizer.ggml.pre", std::string("default"));
  metadata->set("overtake.tokenizer.normalizer", structure.normalizer);
  metadata->set("overtake.tokenizer.steps", structure.pre);
  metadata->set("tokenizer.ggml.add_space_prefix", true);
  metadata->set("tokenizer.ggml.remove_extra_whitespaces", true);
  if (!structure.charsmap.empty()) {
    const auto bytes = decode_base64(structure.charsmap);
    if (!bytes) return damaged("the precompiled_charsmap is not base64", file);
    std::vector<uint64_t> charsmap;
    charsmap.reserve(bytes->size());
    for (const char c : *bytes) charsmap.push_back(static_cast<unsigned char>(c));
    metadata->set("tokenizer.ggml.precompiled_charsmap", std::move(charsmap));
  }
  if (const Json* id = field(model, "unk_id")) {
    const int64_t unknown = TRY(token_id(*id, "unk_id", file));
    if (unknown >= vocabulary->size()) return damaged("unk_id is past the vocabulary", file);
    vocabulary->set_type(unknown, TokenType::kUnknown);
    metadata->set("tokenizer.ggml.unknown_token_id", static_cast<uint64_t>(unknown));
  }
  if (TRY(bool_or(model, "byte_fallback", false, file))) {
    for (int byte = 0; byte < 256; ++byte) {
      const int64_t id = vocabulary->find(fmt::format("<0x{:02X}>", byte));
      if (id >= 0) vocabulary->set_type(id, TokenType::kByte);
    }
  }
  return {};
}

Status read_word_piece(const Json& model, const Structure& structure, HfVocabulary* vocabulary,
                       Metadata* metadata) {
  const std::string& file = vocabulary->file();
  const std::string prefix =
      TRY(find_string(model, "continuing_subword_prefix", file)).value_or("##");
  const bool bert = structure.pre == std::vector<std::string>{"BertPreTokenizer"};
  if (prefix != "##" || !bert) {
    return unsupported(fmt::format("WordPiece with the prefix \"{}\" and {} steps of cutting",
                                   escaped(prefix), structure.pre.size()),
                       file);
  }
  TRY(read_dictionary(model, vocabulary));
  metadata->set("tokenizer.ggml.model", std::string("bert"));
  metadata->set("tokenizer.ggml.pre", std::string("default"));
  metadata->set("overtake.tokenizer.normalizer", structure.normalizer);
  for (const std::string& step : structure.normalizer) {
    if (!step.starts_with("Bert")) continue;
    metadata->set("tokenizer.ggml.normalizer.lowercase", step.ends_with(" lowercase"));
    metadata->set("tokenizer.ggml.normalizer.strip_accents", step.find(" strip") != step.npos);
  }
  if (const Json* most = field(model, "max_input_chars_per_word")) {
    metadata->set("overtake.tokenizer.max_word_characters",
                  TRY(token_id(*most, "max_input_chars_per_word", file)));
  }
  return set_unknown(model, vocabulary, metadata);
}

void mark_word_beginnings(HfVocabulary* vocabulary) {
  for (int64_t id = 0; id < vocabulary->size(); ++id) {
    if (vocabulary->type(id) != TokenType::kNormal) continue;
    const std::string& text = vocabulary->text(id);
    vocabulary->rename(id,
                       text.starts_with("##") ? text.substr(2) : std::string(kVisibleSpace) + text);
  }
}

}  // namespace overtake::hf
