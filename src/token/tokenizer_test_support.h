// What the tokenizers' tests share: real vocabularies, texts with expected ids, tiny vocabularies.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/file.h"
#include "token/tokenizer.h"

namespace overtake::testing {

inline std::string data_path(const std::string& name) {
  return std::string(OVERTAKE_TEST_DATA_DIR) + "/tokenizers/" + name;
}

// The file of a real vocabulary; "" where it is in the folder that OVERTAKE_TEST_DATA names and
// that is not set. Llama 2's is fetched by tools/get_llama_vocab.py.
inline std::string vocabulary_path(const std::string& name) {
  if (name == "llama-spm") {
    return std::string(OVERTAKE_TEST_DATA_DIR) + "/../../.cache/vocabularies/llama-spm.gguf";
  }
  if (name == "llama-bpe") {
    const char* shared = std::getenv("OVERTAKE_TEST_DATA");
    return shared ? std::string(shared) + "/golden/tokenizers/ggml-vocab-llama-bpe.gguf" : "";
  }
  return data_path(name + ".gguf");
}

// Null, with the reason on standard error, where the file is missing or refused.
inline std::unique_ptr<Tokenizer> load_vocabulary(const std::string& path) {
  auto checkpoint = open_checkpoint(path);
  if (!checkpoint.ok()) {
    std::fprintf(stderr, "%s; for Llama 2's: tools/get_llama_vocab.py .cache/vocabularies\n",
                 checkpoint.error().message.c_str());
    return nullptr;
  }
  auto tokenizer = Tokenizer::load(**checkpoint);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.error().message.c_str());
    return nullptr;
  }
  return std::move(tokenizer).value();
}

inline std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + separator.size());
  }
}

struct ExpectedIds {
  std::string text;
  std::string ids;  // separated by spaces
};

inline std::vector<ExpectedIds> read_expected(const std::string& texts, const std::string& ids) {
  const std::string inp = read_file(data_path(texts), 1 << 24).value();
  const std::string out = read_file(data_path(ids), 1 << 24).value();
  const std::vector<std::string> parts = split(inp, "\n__ggml_vocab_test__\n");
  std::vector<std::string> lines = split(out, "\n");
  lines.pop_back();
  OVERTAKE_CHECK(lines.size() + 1 >= parts.size());  // golden.inp ends in one empty text more
  std::vector<ExpectedIds> expected;
  for (size_t i = 0; i < lines.size() && i < parts.size(); ++i) {
    const size_t first = lines[i].find_first_not_of(' ');
    expected.push_back({parts[i], first == std::string::npos ? "" : lines[i].substr(first)});
  }
  return expected;
}

inline std::string join_ids(const std::vector<int32_t>& ids) {
  std::string out;
  for (int32_t id : ids) out += (out.empty() ? "" : " ") + std::to_string(id);
  return out;
}

// A random string over `alphabet`, or over all bytes where it is empty.
inline std::string random_string(std::mt19937& rng, size_t max_bytes, std::string_view alphabet) {
  std::string out(rng() % (max_bytes + 1), '\0');
  for (char& c : out) {
    c = alphabet.empty() ? static_cast<char>(rng()) : alphabet[rng() % alphabet.size()];
  }
  return out;
}

}  // namespace overtake::testing
