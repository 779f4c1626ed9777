// Whether a file that was fetched is of the form that its name promises.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace overtake {

// Reads the head of a GGUF or safetensors file with its tensor table, or a JSON file, at `path`;
// `name` is what it will be called. kDamaged says what is wrong; other files pass.
Status check_header(const std::string& path, std::string_view name);

}  // namespace overtake
