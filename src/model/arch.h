// Arch: one model architecture, one file in model/arch/. Model: a loaded one, ready to run.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/registry.h"
#include "base/result.h"
#include "format/checkpoint.h"
#include "tensor/ops.h"
#include "tensor/sequence_state.h"

namespace overtake {

class GgufPlan;

// What the engine must know of a model, whatever its architecture.
struct ModelInfo {
  std::string arch;  // "llama"
  int64_t vocab_size = 0;
  int64_t width = 0;  // of the residual stream
  int n_layers = 0;
  int64_t context_length = 0;         // positions that the model was made for
  int64_t max_positions = INT64_MAX;  // that it can compute at all (a table ends)
  int64_t n_parameters = 0;
  size_t weight_bytes = 0;  // of packed weights
  // Whether results depend on the length that a prompt is announced with (dynamic rope scaling):
  // then a state computed for one prompt does not serve another that begins alike.
  bool length_dependent = false;
  // What a sequence takes: attention's keys and values for each token, recurrent layers' state.
  KvShape kv_shape;
  RecurrentShape recurrent_shape;
};

// Immutable after loading: any number of threads may run forward, each with its own Ops.
class Model {
 public:
  virtual ~Model() = default;
  const ModelInfo& info() const { return info_; }
  // What keys and values are kept in, instead of the type that suits the weights; before anyone
  // makes states for the model.
  void set_kv_type(KvType type) { info_.kv_shape.type = type; }
  // Runs the batch and appends its tokens to the segments' states (the caller commits):
  // logits [n_logit_rows, vocab_size].
  virtual Tensor forward(const Batch& batch, Ops& ops) const = 0;

 protected:
  ModelInfo info_;
};

struct Arch {
  std::string_view name;
  // The values of general.architecture (GGUF) and model_type (config.json) that this file reads.
  std::span<const std::string_view> model_types;
  // The model keeps pointers into the checkpoint (its embedding table), which must outlive it.
  Result<std::unique_ptr<Model>> (*load)(const Checkpoint& checkpoint, Backend& backend);
  // What a Hugging Face folder that `load` takes becomes as a GGUF file (keys ARCH.* and tensors);
  // null where that is not defined.
  Result<GgufPlan> (*to_gguf)(const Checkpoint& checkpoint) = nullptr;
};

std::span<const Arch* const> all_archs();

// The arch of checkpoint.model_type(); kUnsupported with the list of known ones if there is none.
Result<const Arch*> find_arch(const Checkpoint& checkpoint);

// That arch's model.
Result<std::unique_ptr<Model>> load_model(const Checkpoint& checkpoint, Backend& backend);

}  // namespace overtake
