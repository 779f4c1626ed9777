// Finds the arch that reads a checkpoint.
#include <fmt/core.h>

#include <algorithm>

#include "model/arch.h"

namespace overtake {

Result<const Arch*> find_arch(const Checkpoint& checkpoint) {
  std::string known;
  for (const Arch* arch : all_archs()) {
    for (const std::string_view type : arch->model_types) {
      if (type == checkpoint.model_type()) return arch;
      known += known.empty() ? "" : ", ";
      known += type;
    }
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("architecture \"{}\" is not known; {}; known are {}",
                           checkpoint.model_type(), checkpoint.path(), known)};
}

Result<std::unique_ptr<Model>> load_model(const Checkpoint& checkpoint, Backend& backend) {
  return TRY(find_arch(checkpoint))->load(checkpoint, backend);
}

}  // namespace overtake
