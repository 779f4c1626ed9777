// What a model file says of itself, gathered for people: `list`, `show` and `doctor` print it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "model/arch.h"

namespace overtake {

// The tensors of one type.
struct TypeShare {
  std::string type;  // "Q4_1"
  int64_t n_tensors = 0;
  uint64_t n_elements = 0;
  uint64_t bytes = 0;
};

struct ModelSummary {
  std::string format;  // "GGUF" or "safetensors"
  std::string model_type;
  std::string title;  // what the file calls itself, or ""
  uint64_t file_bytes = 0;
  uint64_t n_parameters = 0;
  std::vector<TypeShare> types;  // most bytes first
  // Absent where the file does not say.
  std::optional<int64_t> context_length, n_heads, ffn_width, n_tokens;
  std::string tokenizer;  // "gpt2 (smollm)", or ""
  std::string licence;    // "apache-2.0", or ""
  bool has_chat_template = false;

  // The type that holds most of the bytes; "" for a file without tensors.
  std::string main_type() const { return types.empty() ? "" : types.front().type; }
};

// Strings are as in the file: pass them through `printable` before showing them.
Result<ModelSummary> summarize(const Checkpoint& checkpoint);
// The part of it that tokenizer.* tell; for a folder they are read apart (see read_hf_tokenizer).
Status summarize_tokenizer(const Metadata& metadata, ModelSummary& summary);

// What the architecture's own loader makes of the file, every tensor verified but none packed:
// `weight_bytes` counts them as they are stored.
Result<ModelInfo> verify_model(const Checkpoint& checkpoint);

// Bytes of keys and values for one sequence of `n_tokens`.
uint64_t kv_bytes(const KvShape& shape, int64_t n_tokens);
// ... and of recurrent state.
uint64_t state_bytes(const ModelInfo& info, int64_t n_tokens);
// What a user of the whole context takes: "1.2 GB of keys and values at 8,192 tokens, 40 MB of
// recurrent state at any length".
std::string state_text(const ModelInfo& info);

}  // namespace overtake
