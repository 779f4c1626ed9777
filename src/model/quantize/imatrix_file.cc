#include "model/quantize/imatrix_file.h"

#include <fmt/core.h>

#include <cmath>
#include <cstring>

#include "base/file.h"
#include "base/text.h"
#include "format/checkpoint.h"
#include "format/gguf_cursor.h"
#include "format/gguf_writer.h"

namespace overtake {
namespace {

constexpr uint64_t kMaxName = 1024;
constexpr std::string_view kSums = ".in_sum2";  // of squares, over `counts` rows
constexpr std::string_view kCounts = ".counts";

Error bad(std::string_view what, std::string_view file) {
  return {ErrorCode::kDamaged,
          fmt::format("{}; {}; the importance matrix is damaged, make it again (--calibrate)", what,
                      file)};
}

Status add(std::string_view tensor, std::vector<float> means, std::string_view file,
           Importance* out) {
  for (const float mean : means) {
    if (std::isfinite(mean) && mean >= 0) continue;
    return bad(fmt::format("tensor {}: {} is no mean of squares", escaped(tensor), mean), file);
  }
  if (means.empty()) return bad(fmt::format("tensor {} has no columns", escaped(tensor)), file);
  if (!out->of(tensor).empty()) {
    return bad(fmt::format("tensor {} stands there twice", escaped(tensor)), file);
  }
  out->set(std::string(tensor), std::move(means));
  return {};
}

const StoredTensor* find(const ParsedTensors& parsed, std::string_view name) {
  for (const StoredTensor& tensor : parsed.tensors) {
    if (tensor.name == name && tensor.type->name == "F32") return &tensor;
  }
  return nullptr;
}

Result<Importance> parse_gguf_form(std::span<const std::byte> bytes, std::string_view name) {
  const ParsedTensors parsed = TRY(parse_gguf(bytes, name));
  Importance out;
  for (const StoredTensor& sums : parsed.tensors) {
    if (!sums.name.ends_with(kSums)) continue;
    const std::string_view tensor(sums.name.data(), sums.name.size() - kSums.size());
    const StoredTensor* counts = find(parsed, std::string(tensor).append(kCounts));
    if (sums.type->name != "F32" || !counts || counts->data.size() != sizeof(float)) {
      return bad(fmt::format("tensor {} lacks its count of rows, or has one for each of several "
                             "experts",
                             escaped(tensor)),
                 name);
    }
    const float count = counts->to_f32().front();
    std::vector<float> means = sums.to_f32();
    for (float& mean : means) mean /= count;
    if (count > 0) TRY(add(tensor, std::move(means), name, &out));
  }
  return out;
}

// A count of entries, and for each: name, number of calls, and columns' sums over the calls.
Result<Importance> parse_dat_form(std::span<const std::byte> bytes, std::string_view name) {
  GgufCursor cursor(bytes, name);
  const auto number = [&](std::string_view what) -> Result<uint32_t> {
    const int32_t value = TRY(cursor.read<int32_t>(what));
    if (value < 0) return bad(fmt::format("{} of {}", what, value), name);
    return static_cast<uint32_t>(value);
  };
  Importance out;
  const uint32_t n_entries = TRY(number("number of entries"));
  for (uint32_t i = 0; i < n_entries; ++i) {
    const uint32_t size = TRY(number("length of a name"));
    if (size == 0 || size > kMaxName || size > cursor.left()) {
      return bad(fmt::format("a name of {} bytes", size), name);
    }
    std::string tensor;
    for (uint32_t k = 0; k < size; ++k) tensor += TRY(cursor.read<char>("a name"));
    const uint32_t n_calls = TRY(number("number of calls"));
    const uint32_t n_columns = TRY(number("number of columns"));
    if (n_columns > cursor.left() / sizeof(float)) {
      return bad(
          fmt::format("tensor {}: {} columns, but the file ends", escaped(tensor), n_columns),
          name);
    }
    std::vector<float> means;
    for (uint32_t k = 0; k < n_columns; ++k) {
      means.push_back(TRY(cursor.read<float>("a column")) /
                      static_cast<float>(n_calls > 0 ? n_calls : 1));
    }
    TRY(add(tensor, std::move(means), name, &out));
  }
  return out;
}

}  // namespace

Result<Importance> parse_imatrix(std::span<const std::byte> bytes, std::string_view name) {
  const bool gguf = bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0;
  Importance out = TRY(gguf ? parse_gguf_form(bytes, name) : parse_dat_form(bytes, name));
  if (out.empty()) return bad("no tensors", name);
  return out;
}

Result<Importance> read_imatrix(const std::string& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  return parse_imatrix(file.bytes(), path);
}

Status write_imatrix(const std::string& path, const Importance& importance,
                     const ImatrixSource& source, bool overwrite) {
  Metadata metadata;
  metadata.set("general.type", std::string("imatrix"));
  metadata.set("imatrix.datasets", std::vector<std::string>{source.text});
  metadata.set("imatrix.chunk_count", source.n_chunks);
  metadata.set("imatrix.chunk_size", source.chunk);
  const QuantType* f32 = find_quant_type("F32");
  std::vector<GgufTensor> tensors;
  for (const auto& [tensor, means] : importance.all()) {
    tensors.push_back(
        {std::string(tensor).append(kSums), f32, {1, static_cast<int64_t>(means.size())}});
    tensors.push_back({std::string(tensor).append(kCounts), f32, {1, 1}});
  }
  GgufWriter writer = TRY(GgufWriter::create(path, metadata, std::move(tensors), overwrite));
  const float count = static_cast<float>(source.n_chunks * source.chunk);
  size_t index = 0;
  for (const auto& [tensor, means] : importance.all()) {
    std::vector<float> sums = means;
    for (float& sum : sums) sum *= count;
    TRY(writer.write(index++, 0, std::as_bytes(std::span(sums))));
    TRY(writer.write(index++, 0, std::as_bytes(std::span(&count, 1))));
  }
  return writer.finish();
}

}  // namespace overtake
