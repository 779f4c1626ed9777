// How this folder speaks of files: names from a file are made safe to print before they are shown.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace overtake {

// `text` from a file for a message: control and non-ASCII bytes as \xNN (no escape sequence reaches
// a terminal), long texts shortened.
std::string printable(std::string_view text);

// "[4096, 1024]"
std::string shape_text(std::span<const int64_t> shape);

// kDamaged: `what` is wrong in `file`.
Error damaged(std::string_view what, std::string_view file);

// Whether the bytes are a Git LFS pointer, which is what a clone without LFS leaves in the place of
// a model; `lfs_pointer` is the error that says so.
bool is_lfs_pointer(std::span<const std::byte> bytes);
Error lfs_pointer(std::string_view file);

}  // namespace overtake
