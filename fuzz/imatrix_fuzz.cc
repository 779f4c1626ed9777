// Any bytes as an importance matrix, of either form: read or refused, and what is read is usable.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "model/quantize/imatrix_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto read = overtake::parse_imatrix(bytes, "fuzz");
  if (!read.ok()) return 0;
  for (const auto& [tensor, means] : read->all()) {
    if (means.empty()) abort();
    for (const float mean : means) {
      if (!std::isfinite(mean) || mean < 0) abort();
    }
  }
  return 0;
}
