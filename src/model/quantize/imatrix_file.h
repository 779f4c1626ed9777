// Importance matrices as files: the GGUF form that llama-imatrix writes, read and written, and its
// older form (.dat), read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/quantize/importance.h"

namespace overtake {

// kDamaged for a file that contradicts itself, or whose numbers are negative, infinite or none.
Result<Importance> read_imatrix(const std::string& path);
// The same from bytes in memory. `name` is the file that messages name.
Result<Importance> parse_imatrix(std::span<const std::byte> bytes, std::string_view name);

struct ImatrixSource {
  std::string text;  // the file that was read
  int64_t n_chunks = 0;
  int64_t chunk = 0;  // tokens
};
// Writes the GGUF form.
Status write_imatrix(const std::string& path, const Importance& importance,
                     const ImatrixSource& source, bool overwrite);

}  // namespace overtake
