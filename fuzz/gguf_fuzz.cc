// Any bytes as a GGUF file: read or refused, and what is read can be used.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "format/checkpoint.h"
#include "format/gguf_header.h"

namespace {

// What was read is written, and read again, as the same keys.
void write_and_read(const overtake::Metadata& metadata) {
  const std::string header = overtake::gguf_header(metadata, {}, {});
  const auto again = overtake::parse_gguf(std::as_bytes(std::span(header)), "again");
  if (!again.ok() || again->metadata.all().size() != metadata.all().size()) abort();
  if (overtake::gguf_header(again->metadata, {}, {}) != header) abort();
}

}  // namespace

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
  write_and_read(parsed->metadata);
  return 0;
}
