#include "format/message.h"

#include <fmt/core.h>

#include <cstring>

namespace overtake {

std::string shape_text(std::span<const int64_t> shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += fmt::format("{}{}", i ? ", " : "", shape[i]);
  return out + "]";
}

Error damaged(std::string_view what, std::string_view file) {
  return {ErrorCode::kDamaged,
          fmt::format("{}; {}; the file is damaged or incomplete: get it again", what, file)};
}

bool is_lfs_pointer(std::span<const std::byte> bytes) {
  constexpr std::string_view kStart = "version https://git-lfs";
  return bytes.size() >= kStart.size() &&
         std::memcmp(bytes.data(), kStart.data(), kStart.size()) == 0;
}

Error lfs_pointer(std::string_view file) {
  return {ErrorCode::kDamaged,
          fmt::format("a Git LFS pointer in the place of the model; {}; run `git lfs pull` in its "
                      "folder",
                      file)};
}

}  // namespace overtake
