// The tokenizer of a Hugging Face folder, under the keys by which a GGUF file holds one.
#pragma once

#include <string>

#include "base/result.h"
#include "format/checkpoint.h"

namespace overtake {

// Reads tokenizer.json, else tokenizer.model (SentencePiece), with tokenizer_config.json,
// special_tokens_map.json, generation_config.json, config.json (its vocab_size) and the chat
// template beside it: tokenizer.ggml.model, .pre, .tokens, .scores, .token_type, .merges, the
// special tokens' ids, .add_bos_token ..., tokenizer.chat_template. What those keys cannot say
// stands under overtake.tokenizer.* (docs/tokenizers.md). kNotFound if the folder has no tokenizer;
// kUnsupported, with its name, for what is not understood.
Result<Metadata> read_hf_tokenizer(const std::string& folder);

}  // namespace overtake
