// Any bytes as the head of a packed copy: read or refused; what is read lies within the file, and
// is written again as the same.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/checksum.h"
#include "tensor/cpu/packed_header.h"

namespace {

void check(std::span<const std::byte> bytes, uint64_t file_bytes) {
  const auto parsed = overtake::parse_packed_header(bytes, file_bytes);
  if (!parsed.ok()) return;
  if (parsed->data_offset + parsed->data_bytes() != file_bytes) abort();
  for (const overtake::PackedMatrix& matrix : parsed->matrices) {
    if (matrix.offset > parsed->data_bytes()) abort();
    if (matrix.id.bytes > parsed->data_bytes() - matrix.offset) abort();
  }
  overtake::PackedHeader again = *parsed;
  const std::string written = overtake::write_packed_header(again);
  const uint64_t size = again.data_offset + again.data_bytes();
  const auto read = overtake::parse_packed_header(std::as_bytes(std::span(written)), size);
  if (!read.ok() || read->key != parsed->key || read->source != parsed->source) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto view = std::as_bytes(std::span(bytes));
  check(view, size);
  uint64_t words[8] = {};
  if (size < sizeof words + 8) return 0;
  std::memcpy(words, data, sizeof words);
  check(view, words[2]);  // the size that it claims
  // A checksum that is right lets the rest be looked at.
  const uint64_t sum = overtake::checksum(view.first(size - 8));
  std::memcpy(bytes.data() + size - 8, &sum, 8);
  check(view, words[2]);
  return 0;
}
