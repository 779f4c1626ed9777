// Any bytes as a GGUF file: read or refused, and what is read can be used.
#include <cstdint>
#include <cstdlib>

#include "format/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto parsed =
      overtake::parse_gguf({reinterpret_cast<const std::byte*>(data), size}, "fuzz");
  if (!parsed.ok()) return 0;
  for (const overtake::StoredTensor& tensor : parsed->tensors) {
    if (static_cast<int64_t>(tensor.to_f32().size()) != tensor.n_rows() * tensor.n_cols()) abort();
  }
  for (const auto& [key, value] : parsed->metadata.all()) {
    static_cast<void>(parsed->metadata.find_ints(key).ok());
    static_cast<void>(parsed->metadata.find_double(key).ok());
    static_cast<void>(parsed->metadata.find_strings(key).ok());
  }
  return 0;
}
