// Any bytes as a tokenizer.json or a SentencePiece model: refused, or a tokenizer that works.
// Input: one byte for the kind, one for the rows of the embedding, then the file.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/json.h"
#include "token/hf_model.h"
#include "token/tokenizer.h"

namespace overtake {
namespace {

constexpr JsonLimits kLimits = {.max_depth = 32, .max_values = 1 << 16};

void require(bool condition) {
  if (!condition) abort();
}

Result<Metadata> read(uint8_t kind, uint8_t n_rows, std::string_view bytes) {
  hf::HfVocabulary vocabulary("fuzz");
  Metadata metadata("fuzz");
  if (kind & 1) {
    TRY(hf::read_sentencepiece(bytes, kind & 2, &vocabulary, &metadata));
  } else {
    const Json json = TRY(parse_json(bytes, "fuzz", kLimits));
    TRY(hf::read_tokenizer_json(json, &vocabulary, &metadata));
  }
  TRY(vocabulary.fit(n_rows));
  vocabulary.write(true, &metadata);
  return metadata;
}

void use(const Tokenizer& tokenizer, std::string_view text) {
  for (const int32_t id : tokenizer.encode_user(text)) {
    require(id >= 0 && id < tokenizer.size());
    static_cast<void>(tokenizer.token_bytes(id));
  }
  for (const int32_t id : tokenizer.encode_trusted(text)) require(id >= 0 && id < tokenizer.size());
}

}  // namespace
}  // namespace overtake

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 1 << 16) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto metadata = overtake::read(data[0], data[1], bytes);
  if (!metadata.ok()) return 0;
  const auto tokenizer = overtake::Tokenizer::load(*metadata, "fuzz");
  if (!tokenizer.ok()) return 0;
  overtake::use(**tokenizer, "a bb  ab\r\n 12345's \xC3\xA9 e\xCC\x81 \xE4\xB8\xAD\xFF<s>\x01.!");
  overtake::use(**tokenizer, bytes.substr(0, 2000));
  return 0;
}
