// Which tensor gets which type: what the names q4_k_m, q4_k_s, ... mean. The names, and so what a
// user expects of a file's size, are llama.cpp's.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf_plan.h"
#include "tensor/quant_type.h"

namespace overtake {

// What a matrix does in its model.
enum class TensorRole {
  kFloat,  // stays F32: norms, biases, convolutions, the routers of experts
  kEmbedding,
  kOutput,  // to the vocabulary; also an embedding that serves as output
  kAttentionValue,
  kAttentionQkv,  // queries, keys and values in one
  kAttentionOutput,
  kFfnDown,
  kOther
};

struct TensorPlace {
  TensorRole role = TensorRole::kOther;
  int64_t layer = 0;     // among those of this role, which are
  int64_t n_layers = 1;  // so many
};
// The number in "blk.7.attn_v.weight", 0 if there is none.
int64_t block_of(std::string_view name);
// In the order of plan.tensors().
std::vector<TensorPlace> tensor_places(const GgufPlan& plan);

struct Mix {
  std::string_view option;     // "q4_k_m"
  int64_t file_type;           // general.file_type, as the GGUF specification numbers it
  std::string_view base_type;  // of most matrices: "Q4_K"
};
std::span<const Mix> mixes();
const Mix* find_mix(std::string_view option);  // null if unknown

// The types of plan.tensors(), in order. Where rows are no whole blocks of a type, the nearest type
// of shorter blocks stands in.
std::vector<const QuantType*> mixed_types(const GgufPlan& plan, const Mix& mix);

// `type`, or what stands in for it in a tensor with rows of `n_cols`: the nearest type of blocks
// that fit, F16 if none does.
const QuantType& fitting_type(const QuantType& type, int64_t n_cols);

}  // namespace overtake
