#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/file.h"
#include "base/json.h"
#include "format/safetensors.h"

namespace overtake {
namespace {

template <typename T>
std::string_view as_text(std::span<const T> values) {
  return {reinterpret_cast<const char*>(values.data()), values.size_bytes()};
}

}  // namespace

Status write_safetensors(const std::string& path, std::span<const SafetensorsOutput> tensors) {
  Json header = Json::object();
  std::vector<std::string_view> parts(1);
  size_t offset = 0;
  for (const SafetensorsOutput& tensor : tensors) {
    size_t n_values = 1;
    for (const int64_t dim : tensor.shape) n_values *= static_cast<size_t>(dim);
    std::visit(
        [&](auto values) {
          OVERTAKE_CHECK(values.size() == n_values);
          parts.push_back(as_text(values));
        },
        tensor.values);
    OVERTAKE_CHECK(!header.contains(tensor.name));
    header[tensor.name] = {{"dtype", tensor.values.index() == 0 ? "F32" : "I64"},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + parts.back().size()}}};
    offset += parts.back().size();
  }
  // Spaces after the header align the data to 8 bytes.
  std::string text = dump_json(header);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const uint64_t size = text.size();
  const std::string head = std::string(reinterpret_cast<const char*>(&size), sizeof size) + text;
  parts[0] = head;
  return write_file_atomic(path, parts);
}

}  // namespace overtake
