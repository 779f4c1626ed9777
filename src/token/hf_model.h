// What a tokenizer.json or a tokenizer.model says: vocabulary, merges, and how texts are cut.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "format/checkpoint.h"
#include "token/hf_vocabulary.h"

namespace overtake::hf {

// Reads "model", "added_tokens", "pre_tokenizer", "normalizer" and "post_processor". The keys but
// the vocabulary's own lists go to `metadata`, those to `vocabulary`.
Status read_tokenizer_json(const Json& json, HfVocabulary* vocabulary, Metadata* metadata);

// The same of a SentencePiece model (its protocol buffer), with spaces where transformers 5 puts
// them: before the text that begins the input, `legacy`: before the text behind each special token
// too; not before one that begins with a space.
Status read_sentencepiece(std::string_view bytes, bool legacy, HfVocabulary* vocabulary,
                          Metadata* metadata);

// What the readers of the kinds of "model" share.
struct Structure {
  std::vector<std::string> pre;         // pretokenizer_steps
  std::vector<std::string> normalizer;  // normalizer_steps
  std::string charsmap;                 // base64
};
Status read_dictionary(const Json& model, HfVocabulary* out);  // a "vocab" of text to id
Status set_unknown(const Json& model, HfVocabulary* vocabulary, Metadata* metadata);

Status read_unigram(const Json& model, const Structure& structure, HfVocabulary* vocabulary,
                    Metadata* metadata);
Status read_word_piece(const Json& model, const Structure& structure, HfVocabulary* vocabulary,
                       Metadata* metadata);
// Writes "##ing" as "ing" and "ing" as U+2581 "ing", as GGUF files have WordPiece's tokens.
void mark_word_beginnings(HfVocabulary* vocabulary);

}  // namespace overtake::hf
