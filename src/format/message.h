// How this folder speaks of files. Names that come from a file go through escaped() first.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/text.h"

namespace overtake {

// "[4096, 1024]"
std::string shape_text(std::span<const int64_t> shape);

// kDamaged: `what` is wrong in `file`.
Error damaged(std::string_view what, std::string_view file);

// Whether the bytes are a Git LFS pointer, which is what a clone without LFS leaves in the place of
// a model; `lfs_pointer` is the error that says so.
bool is_lfs_pointer(std::span<const std::byte> bytes);
Error lfs_pointer(std::string_view file);

}  // namespace overtake
