// What the two forms of a checkpoint call an architecture's tensors: one table in the arch's file,
// which its loader and its converter both read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "format/checkpoint.h"

namespace overtake {

// Without ".weight" and ".bias"; "{}" is the number of the layer.
struct TensorName {
  const char* gguf;
  const char* hf;
};

std::string gguf_name(TensorName name, int64_t layer = 0);

// The names of one checkpoint.
class TensorNames {
 public:
  // `hf_prefix` ("model.") stands before most names of a Hugging Face folder; a folder saved
  // without the head of the model lacks it, which the name of `embedding` shows.
  TensorNames(const Checkpoint& checkpoint, std::string_view hf_prefix, TensorName embedding);

  std::string operator()(TensorName name, int64_t layer = 0) const;

 private:
  bool gguf_;
  std::string missing_prefix_;
};

}  // namespace overtake
