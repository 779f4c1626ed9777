// safetensors, reading and writing: a length, a JSON header, flat bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace overtake {

// One tensor of a file, of any dtype of the format; `data` has the size that dtype and shape ask
// for and points into the file's bytes.
struct SafetensorsEntry {
  std::string name;
  std::string dtype;           // "F32", "I64", ...
  std::vector<int64_t> shape;  // outermost first
  std::span<const std::byte> data;

  // The values of an I64 tensor; kInvalidArgument for another dtype.
  Result<std::vector<int64_t>> to_i64() const;
};

// The whole table, in order of the data. kDamaged for anything that contradicts the format, which
// demands that the tensors cover the data without holes or overlaps.
Result<std::vector<SafetensorsEntry>> read_safetensors_table(std::span<const std::byte> bytes,
                                                             std::string_view name);

// A tensor to write: as many values as the shape asks for.
struct SafetensorsOutput {
  std::string name;
  std::vector<int64_t> shape;
  std::variant<std::span<const float>, std::span<const int64_t>> values;
};

// Replaces `path` atomically. Names are unique.
Status write_safetensors(const std::string& path, std::span<const SafetensorsOutput> tensors);

}  // namespace overtake
