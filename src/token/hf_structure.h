// How a tokenizer.json says that texts are rewritten and cut, as lines of text by which our own
// code for it is found: the structure of the JSON decides, never the name of a model.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace overtake::hf {

// The steps of a "pre_tokenizer", Sequences flattened: "Split isolated REGEX", "Digits individual",
// "Digits contiguous", "Punctuation BEHAVIOUR", "ByteLevel" (with GPT-2's regex), "ByteLevel plain"
// (without), "Metaspace always split", "Metaspace first", "WhitespaceSplit", "BertPreTokenizer".
// kUnsupported, with the step in the message, for any other type or flag.
Result<std::vector<std::string>> pretokenizer_steps(const Json* pre_tokenizer,
                                                    std::string_view file);

// The steps of a "normalizer": "NFC", "NFKC", "NFD", "NFKD", "Lowercase", "StripAccents",
// "Prepend TEXT", "Replace string FROM TO" (with a tab between FROM and TO), "Replace regex FROM
// TO", "Precompiled", "Strip left right", "Bert". `precompiled` gets the charsmap's base64.
Result<std::vector<std::string>> normalizer_steps(const Json* normalizer, std::string_view file,
                                                  std::string* precompiled);

}  // namespace overtake::hf
