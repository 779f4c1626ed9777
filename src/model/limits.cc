#include "model/limits.h"

#include <fmt/core.h>

namespace overtake {

Result<int64_t> check_range(std::string_view name, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return value;
  return Error{ErrorCode::kDamaged,
               fmt::format("{} is {}, expected {} to {}; the model's settings; the file is damaged",
                           name, value, low, high)};
}

Result<int64_t> get_bounded(const Metadata& metadata, std::span<const std::string_view> keys,
                            int64_t high) {
  for (const std::string_view key : keys) {
    if (const auto value = TRY(metadata.find_int(key))) return check_range(key, *value, 1, high);
  }
  return Error{ErrorCode::kDamaged, fmt::format("key {} is missing; the model's settings; the file "
                                                "is damaged or not a model",
                                                keys.front())};
}

Result<int64_t> get_bounded(const Checkpoint& gguf, std::string_view name, int64_t high) {
  const std::string key = fmt::format("{}.{}", gguf.model_type(), name);
  const std::string_view view = key;
  return get_bounded(gguf.metadata(), std::span(&view, 1), high);
}

}  // namespace overtake
