#include "model/tensor_names.h"

#include <fmt/core.h>

namespace overtake {

std::string gguf_name(TensorName name, int64_t layer) {
  return fmt::format(fmt::runtime(name.gguf), layer);
}

TensorNames::TensorNames(const Checkpoint& checkpoint, std::string_view hf_prefix,
                         TensorName embedding)
    : gguf_(checkpoint.format() == CheckpointFormat::kGguf) {
  const std::string full = std::string(embedding.hf) + ".weight";
  if (!gguf_ && !checkpoint.find(full) && full.starts_with(hf_prefix) &&
      checkpoint.find(full.substr(hf_prefix.size()))) {
    missing_prefix_ = hf_prefix;
  }
}

std::string TensorNames::operator()(TensorName name, int64_t layer) const {
  if (gguf_) return gguf_name(name, layer);
  std::string out = fmt::format(fmt::runtime(name.hf), layer);
  if (!missing_prefix_.empty() && out.starts_with(missing_prefix_)) {
    out.erase(0, missing_prefix_.size());
  }
  return out;
}

}  // namespace overtake
