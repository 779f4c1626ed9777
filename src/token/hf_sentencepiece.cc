// A SentencePiece model as a vocabulary under GGUF's keys.
#include <fmt/core.h>

#include "base/text.h"
#include "token/hf_json.h"
#include "token/hf_model.h"
#include "token/sentencepiece_model.h"

namespace overtake::hf {
namespace {

using Kind = SentencePieceModel::Kind;

Status put_pieces(const SentencePieceModel& model, HfVocabulary* vocabulary) {
  for (size_t i = 0; i < model.pieces.size(); ++i) {
    const SentencePieceModel::Piece& piece = model.pieces[i];
    if (piece.type < 1 || piece.type > 6) {
      return damaged(fmt::format("piece {} has the unknown type {}", i, piece.type),
                     vocabulary->file());
    }
    TRY(vocabulary->put(static_cast<int64_t>(i), piece.text, static_cast<TokenType>(piece.type),
                        piece.score));
  }
  return {};
}

void set_ids(const SentencePieceModel& model, Metadata* metadata) {
  const auto set = [&](const char* key, int64_t id) {
    if (id >= 0 && id < static_cast<int64_t>(model.pieces.size())) {
      metadata->set(key, static_cast<uint64_t>(id));
    }
  };
  set("tokenizer.ggml.unknown_token_id", model.unknown_id);
  set("tokenizer.ggml.bos_token_id", model.bos_id);
  set("tokenizer.ggml.eos_token_id", model.eos_id);
  set("tokenizer.ggml.padding_token_id", model.pad_id);
}

}  // namespace

Status read_sentencepiece(std::string_view bytes, bool legacy, HfVocabulary* vocabulary,
                          Metadata* metadata) {
  const std::string& file = vocabulary->file();
  const SentencePieceModel model = TRY(parse_sentencepiece(bytes, file));
  if (model.kind != Kind::kBpe && model.kind != Kind::kUnigram) {
    return unsupported("a SentencePiece model that is neither BPE nor unigram", file);
  }
  if (!model.escape_whitespaces || model.treat_whitespace_as_suffix) {
    return unsupported("a SentencePiece model that treats spaces in its own way", file);
  }
  const bool is_bpe = model.kind == Kind::kBpe;
  if (is_bpe && (!model.charsmap.empty() || model.remove_extra_whitespaces)) {
    return unsupported("a SentencePiece BPE that rewrites texts first", file);
  }
  TRY(put_pieces(model, vocabulary));
  set_ids(model, metadata);
  metadata->set("tokenizer.ggml.model", std::string(is_bpe ? "llama" : "t5"));
  metadata->set("tokenizer.ggml.pre", std::string("default"));
  metadata->set("tokenizer.ggml.add_space_prefix", model.add_dummy_prefix);
  metadata->set("tokenizer.ggml.remove_extra_whitespaces", model.remove_extra_whitespaces);
  if (is_bpe && model.add_dummy_prefix) {
    metadata->set("overtake.tokenizer.space_prefix",
                  std::string(legacy ? "unless_space" : "first"));
  }
  if (!model.charsmap.empty()) {
    std::vector<uint64_t> charsmap;
    charsmap.reserve(model.charsmap.size());
    for (const char c : model.charsmap) charsmap.push_back(static_cast<unsigned char>(c));
    metadata->set("tokenizer.ggml.precompiled_charsmap", std::move(charsmap));
  }
  return {};
}

}  // namespace overtake::hf
