// The reader of safetensors: 8 bytes of header length, a JSON header
// {"name": {"dtype": "F32", "shape": [..], "data_offsets": [begin, end]}, ...}, then the data.
#include "format/safetensors.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/checked.h"
#include "base/json.h"
#include "format/checkpoint.h"
#include "format/message.h"

namespace overtake {
namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's bound
constexpr JsonLimits kHeaderLimits = {.max_depth = 3, .max_values = 1 << 22};
constexpr size_t kMaxDims = 8;
constexpr size_t kMaxNameBytes = 1024;

struct Dtype {
  std::string_view name;
  uint64_t bytes;
};
constexpr Dtype kDtypes[] = {{"F32", 4}, {"F16", 2}, {"BF16", 2},    {"F64", 8},     {"I64", 8},
                             {"I32", 4}, {"I16", 2}, {"I8", 1},      {"U64", 8},     {"U32", 4},
                             {"U16", 2}, {"U8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"BOOL", 1}};

// A list of non-negative integers, as shape and data_offsets are.
Result<std::vector<int64_t>> read_sizes(const Json& entry, const char* key, std::string_view what,
                                        std::string_view file) {
  const auto at = entry.find(key);
  if (at == entry.end() || !at->is_array()) {
    return damaged(fmt::format("{} has no list \"{}\"", what, key), file);
  }
  if (at->size() > kMaxDims) {
    return damaged(fmt::format("{}: \"{}\" has {} elements", what, key, at->size()), file);
  }
  std::vector<int64_t> out;
  for (const Json& value : *at) {
    if (!value.is_number_unsigned() || !std::in_range<int64_t>(value.get<uint64_t>())) {
      return damaged(fmt::format("{}: \"{}\" holds something that is no size", what, key), file);
    }
    out.push_back(value.get<int64_t>());
  }
  return out;
}

// The bytes that dtype and shape ask for.
Result<uint64_t> size_of(const SafetensorsEntry& entry, std::string_view what,
                         std::string_view file) {
  const auto dtype = std::find_if(std::begin(kDtypes), std::end(kDtypes),
                                  [&](const Dtype& d) { return d.name == entry.dtype; });
  if (dtype == std::end(kDtypes)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("{} has dtype {}, which this program does not know; {}; convert it to "
                             "F32, F16 or BF16",
                             what, escaped(entry.dtype), file)};
  }
  std::optional<uint64_t> size = dtype->bytes;
  for (const int64_t dim : entry.shape) {
    if (size) size = checked_mul(*size, static_cast<uint64_t>(dim));
  }
  if (!size) {
    return damaged(fmt::format("{}: shape {} is too large", what, shape_text(entry.shape)), file);
  }
  return *size;
}

Result<SafetensorsEntry> read_entry(const std::string& name, const Json& json,
                                    std::span<const std::byte> data, std::string_view file) {
  const std::string what = "tensor " + escaped(name);
  if (name.empty() || name.size() > kMaxNameBytes) {
    return damaged(fmt::format("a tensor's name has {} bytes", name.size()), file);
  }
  if (!json.is_object()) return damaged(what + " is not described by an object", file);
  SafetensorsEntry entry;
  entry.name = name;
  const auto dtype = json.find("dtype");
  if (dtype == json.end() || !dtype->is_string()) return damaged(what + " has no dtype", file);
  entry.dtype = dtype->get<std::string>();
  entry.shape = TRY(read_sizes(json, "shape", what, file));
  const std::vector<int64_t> offsets = TRY(read_sizes(json, "data_offsets", what, file));
  if (offsets.size() != 2 || offsets[0] > offsets[1] ||
      static_cast<uint64_t>(offsets[1]) > data.size()) {
    return damaged(fmt::format("{}: data_offsets {} are not within the data, which has {} bytes",
                               what, shape_text(offsets), data.size()),
                   file);
  }
  const uint64_t size = TRY(size_of(entry, what, file));
  const uint64_t begin = static_cast<uint64_t>(offsets[0]);
  if (static_cast<uint64_t>(offsets[1]) - begin != size) {
    return damaged(fmt::format("{}: {} {} takes {} bytes, data_offsets give {}", what, entry.dtype,
                               shape_text(entry.shape), size, offsets[1] - offsets[0]),
                   file);
  }
  entry.data = data.subspan(begin, size);
  return entry;
}

Status check_coverage(std::span<const SafetensorsEntry> entries, std::span<const std::byte> data,
                      std::string_view file) {
  const std::byte* end = data.data();
  for (const SafetensorsEntry& entry : entries) {
    if (entry.data.data() != end) {
      return damaged(
          fmt::format("tensor {} does not begin where the one before it ends", escaped(entry.name)),
          file);
    }
    end += entry.data.size();
  }
  if (end != data.data() + data.size()) {
    return damaged(fmt::format("{} bytes after the last tensor", data.data() + data.size() - end),
                   file);
  }
  return {};
}

// The header's text, with the length's bytes checked.
Result<std::string_view> header_text(std::span<const std::byte> bytes, std::string_view file) {
  uint64_t size = 0;
  if (is_lfs_pointer(bytes)) return lfs_pointer(file);
  if (bytes.size() < sizeof size) return damaged("the file ends within its first 8 bytes", file);
  std::memcpy(&size, bytes.data(), sizeof size);
  if (size > bytes.size() - sizeof size || size > kMaxHeaderBytes) {
    return damaged(
        fmt::format("a header of {} bytes cannot be in a file of {}", size, bytes.size()), file);
  }
  const char* text = reinterpret_cast<const char*>(bytes.data() + sizeof size);
  if (size == 0 || text[0] != '{') return damaged("the header does not begin with {", file);
  return std::string_view(text, size);
}

}  // namespace

Result<std::vector<int64_t>> SafetensorsEntry::to_i64() const {
  if (dtype != "I64") {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("tensor {} has dtype {}, not I64", escaped(name), dtype)};
  }
  std::vector<int64_t> out(data.size() / sizeof(int64_t));
  if (!out.empty()) std::memcpy(out.data(), data.data(), data.size());
  return out;
}

Result<std::vector<SafetensorsEntry>> read_safetensors_table(std::span<const std::byte> bytes,
                                                             std::string_view name) {
  const std::string_view text = TRY(header_text(bytes, name));
  const std::span<const std::byte> data = bytes.subspan(sizeof(uint64_t) + text.size());
  const Result<Json> header = parse_json(text, name, kHeaderLimits);
  if (!header.ok()) return Error{ErrorCode::kDamaged, header.error().message};
  std::vector<SafetensorsEntry> entries;
  for (const auto& [key, value] : header->items()) {
    if (key == "__metadata__") continue;
    entries.push_back(TRY(read_entry(key, value, data, name)));
  }
  // An empty tensor stands before the one that begins at the same place.
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.data.data() != b.data.data() ? a.data.data() < b.data.data()
                                          : a.data.size() < b.data.size();
  });
  TRY(check_coverage(entries, data, name));
  return entries;
}

Result<ParsedTensors> parse_safetensors(std::span<const std::byte> bytes, std::string_view name) {
  ParsedTensors out{Metadata(std::string(name)), {}, {}};
  for (SafetensorsEntry& entry : TRY(read_safetensors_table(bytes, name))) {
    // The three dtypes that weights have are spelled as GGUF spells them.
    const QuantType* type = find_quant_type(entry.dtype);
    if (type && type->block == 1) {
      out.tensors.push_back({std::move(entry.name), type, std::move(entry.shape), entry.data});
    } else {
      out.other_dtypes.emplace(std::move(entry.name), std::move(entry.dtype));
    }
  }
  return out;
}

}  // namespace overtake
