// What a tokenizer.json or a tokenizer.model says: vocabulary, merges, and how texts are cut.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "format/checkpoint.h"
#include "token/hf_vocabulary.h"

namespace overtake::hf {

// Reads "model", "added_tokens", "pre_tokenizer", "normalizer" and "post_processor". The keys but
// the vocabulary's own lists go to `metadata`, those to `vocabulary`.
Status read_tokenizer_json(const Json& json, HfVocabulary* vocabulary, Metadata* metadata);

// The same of a SentencePiece model (its protocol buffer). `legacy`: a space goes before the text
// behind each special token too, not only before the first.
Status read_sentencepiece(std::string_view bytes, bool legacy, HfVocabulary* vocabulary,
                          Metadata* metadata);

}  // namespace overtake::hf
