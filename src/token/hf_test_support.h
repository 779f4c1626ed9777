// The vocabularies of the tests by name, whatever file holds them.
#pragma once

#include <filesystem>

#include "token/hf_tokenizer.h"
#include "token/tokenizer_test_support.h"

namespace overtake::testing {

// Small ones in tests/data, one for each structure; real ones; GGUF files.
inline const std::vector<const char*>& all_vocabularies() {
  static const std::vector<const char*> kNames = {
      "bert-cased",   "bert-uncased", "composed",    "composed-threes", "deepseek-coder",
      "deepseek-llm", "falcon-small", "falcon3",     "gpt4o",           "llama-model",
      "mistral",      "phi3",         "starcoder",   "t5-model",        "tekken",
      "xlm-r",        "qwen2.5",      "deepseek-v3", "mistral-nemo",    "llama3.2",
      "mistral-v1",   "mistral-v3",   "gpt-2",       "falcon",          "smollm2",
      "llama-spm",    "llama-bpe"};
  return kNames;
}

// Whether the gate runs without it: its download is large, or it lies in OVERTAKE_TEST_DATA.
inline bool is_optional(std::string_view name) {
  return name == "deepseek-v3" || name == "mistral-nemo" || name == "llama3.2" ||
         name == "llama-bpe";
}

inline bool is_gguf(std::string_view name) {
  return name == "gpt-2" || name == "falcon" || name == "smollm2" || name == "llama-spm" ||
         name == "llama-bpe";
}

inline std::string folder_of(const std::string& name) {
  const std::string committed = data_path("hf/" + name);
  if (std::filesystem::is_directory(committed)) return committed;
  return std::string(OVERTAKE_TEST_DATA_DIR) + "/../../.cache/vocabularies/" + name;
}

// Null, with the reason on standard error, where it is missing or refused.
inline std::unique_ptr<Tokenizer> load_any(const std::string& name) {
  if (is_gguf(name)) return load_vocabulary(vocabulary_path(name));
  auto tokenizer = Tokenizer::load_folder(folder_of(name));
  if (tokenizer.ok()) return std::move(tokenizer).value();
  std::fprintf(stderr, "%s; to fetch it: tools/get_vocabularies.py .cache/vocabularies\n",
               tokenizer.error().message.c_str());
  return nullptr;
}

}  // namespace overtake::testing
