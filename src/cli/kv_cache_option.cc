#include "cli/kv_cache_option.h"

#include <fmt/core.h>

namespace overtake {

void add_kv_cache_option(CommandLine& line, std::string& name) {
  line.add("--kv-cache-type", name,
           "What keys and values are kept in: f16 (the default), q8_0 (about half of it), or f32 "
           "(the default of models whose weights are f32)");
}

Result<std::optional<KvType>> read_kv_cache_type(const std::string& name) {
  if (name.empty()) return std::optional<KvType>();
  if (const auto type = find_kv_type(name)) return type;
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("keys and values can not be kept in \"{}\"; --kv-cache-type; use f16, "
                           "q8_0 or f32",
                           name)};
}

}  // namespace overtake
