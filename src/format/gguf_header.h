// The bytes of a GGUF file before its tensors: what GgufWriter begins a file with.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "format/gguf_writer.h"

namespace overtake {

constexpr uint64_t kGgufAlignment = 32;

// Header, keys and tensor table, padded to kGgufAlignment. Tensor i's data begins at `offsets[i]`
// after it.
std::string gguf_header(const Metadata& metadata, std::span<const GgufTensor> tensors,
                        std::span<const uint64_t> offsets);

}  // namespace overtake
