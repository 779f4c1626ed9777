// Any vocabulary and any text: the vocabulary is refused or works, and a user's text never becomes
// a control token. Input: kind of tokenizer, number of tokens, tokens {type, score, length, bytes},
// number of merges, merges {left, right}, text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "token/pretokenizer.h"
#include "token/tokenizer.h"

namespace overtake {
namespace {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto out = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return out;
  }
  std::string_view take(size_t n) {
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(out.size());
    return out;
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

Metadata read_vocabulary(Input& input) {
  Metadata metadata("fuzz");
  const uint8_t kind = input.byte();
  const auto pre = all_pretokenizers();
  metadata.set("tokenizer.ggml.model", std::string(kind & 1 ? "llama" : "gpt2"));
  const PreTokenizer& entry = *pre[(kind >> 1) % pre.size()];
  if (entry.names.empty()) {
    metadata.set("tokenizer.ggml.pre", std::string(kPreTokenizerOfSteps));
    metadata.set("overtake.tokenizer.steps", std::vector{std::string(entry.structures[0])});
  } else {
    metadata.set("tokenizer.ggml.pre", std::string(entry.names[0]));
  }
  metadata.set("tokenizer.ggml.unknown_token_id", uint64_t{0});
  std::vector<std::string> tokens;
  std::vector<int64_t> types;
  std::vector<double> scores;
  const uint8_t n_tokens = input.byte();
  for (int i = 0; i < n_tokens; ++i) {
    types.push_back(input.byte());
    scores.push_back(static_cast<int8_t>(input.byte()));
    const uint8_t length = input.byte();
    tokens.emplace_back(input.take(length));
  }
  std::vector<std::string> merges;
  const uint8_t n_merges = input.byte();
  for (int i = 0; i < n_merges && !tokens.empty(); ++i) {
    const uint8_t left = input.byte();
    const uint8_t right = input.byte();
    merges.push_back(tokens[left % tokens.size()] + " " + tokens[right % tokens.size()]);
  }
  metadata.set("tokenizer.ggml.tokens", tokens);
  metadata.set("tokenizer.ggml.token_type", types);
  metadata.set("tokenizer.ggml.scores", scores);
  // Without merges the other kind of tokenizer goes by scores.
  if (!(kind & 1) || kind & 0x80) metadata.set("tokenizer.ggml.merges", merges);
  return metadata;
}

void require(bool condition) {
  if (!condition) abort();
}

void use(const Tokenizer& tokenizer, std::string_view text) {
  for (const int32_t id : tokenizer.encode_user(text)) {
    require(id >= 0 && id < tokenizer.size());
    // The unknown token stands for characters, whatever its kind but control.
    require(!tokenizer.is_control(id) || id == 0);
  }
  MarkedText marked;
  for (size_t i = 0; i < text.size(); ++i) marked.append(text.substr(i, 1), text[i] & 1);
  const std::vector<int32_t> ids = tokenizer.encode(marked);
  Utf8Stream stream;
  std::string out;
  for (const int32_t id : ids) out += stream.push(tokenizer.token_bytes(id));
  out += stream.finish();
  Utf8Stream again;
  require(again.push(out) == out && again.finish().empty());  // whole characters only
  static_cast<void>(tokenizer.decode(ids));
}

}  // namespace
}  // namespace overtake

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  overtake::Input input(data, size);
  const overtake::Metadata metadata = overtake::read_vocabulary(input);
  const auto tokenizer = overtake::Tokenizer::load(metadata, "fuzz");
  if (tokenizer.ok()) overtake::use(**tokenizer, input.rest());
  return 0;
}
