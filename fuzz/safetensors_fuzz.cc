// Any bytes as a safetensors file, and its header's text as a config.json: read or refused, and
// what is read can be used.
#include <cstdint>
#include <cstdlib>

#include "format/checkpoint.h"
#include "format/hf_folder.h"
#include "format/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  if (size > 8) {
    overtake::Metadata metadata;
    const std::string_view text(reinterpret_cast<const char*>(data) + 8, size - 8);
    static_cast<void>(overtake::flatten_config(text, "fuzz", "", &metadata).ok());
  }
  const auto table = overtake::read_safetensors_table(bytes, "fuzz");
  const auto parsed = overtake::parse_safetensors(bytes, "fuzz");
  if (table.ok() != parsed.ok()) abort();
  if (!parsed.ok()) return 0;
  if (table->size() != parsed->tensors.size() + parsed->other_dtypes.size()) abort();
  for (const overtake::SafetensorsEntry& entry : *table) static_cast<void>(entry.to_i64().ok());
  for (const overtake::StoredTensor& tensor : parsed->tensors) {
    if (static_cast<int64_t>(tensor.to_f32().size()) != tensor.n_rows() * tensor.n_cols()) abort();
  }
  return 0;
}
