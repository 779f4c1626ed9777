#include "model/convert.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "format/gguf_writer.h"

namespace overtake {
namespace {

constexpr ConvertType kTypes[] = {
    {"f32", "F32", 0}, {"f16", "F16", 1}, {"bf16", "BF16", 32}, {"q8_0", "Q8_0", 7}};

constexpr int64_t kQuantizationVersion = 2;  // of ggml's block formats
constexpr int64_t kChunkElements = 1 << 18;  // that one thread takes at a time
constexpr int64_t kChunksBetweenReports = 64;

// Where in the checkpoint each row of a planned tensor begins.
std::vector<const std::byte*> row_pointers(const PlannedTensor& tensor) {
  std::vector<const std::byte*> out;
  const auto add = [&](int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; ++i) {
      out.push_back(tensor.source->row_bytes(i).data());
    }
  };
  for (const auto& part : tensor.rows) add(part.first, part.count);
  if (tensor.source && tensor.rows.empty()) add(0, tensor.source->n_rows());
  return out;
}

const QuantType& type_of(const PlannedTensor& tensor, const QuantType& wanted) {
  const bool matrix = tensor.name.ends_with(".weight") && !tensor.name.ends_with("_norm.weight") &&
                      !tensor.name.ends_with("_conv1d.weight");
  if (tensor.keep_f32 || tensor.shape.size() == 1 || !matrix) {
    return *find_quant_type("F32");
  }
  return tensor.shape.back() % wanted.block == 0 ? wanted : *find_quant_type("F16");
}

// One tensor on its way from the checkpoint to the file.
class TensorCopy {
 public:
  TensorCopy(const PlannedTensor& tensor, const GgufWriter& writer, size_t index)
      : tensor_(tensor),
        writer_(writer),
        index_(index),
        to_(*writer.tensors()[index].type),
        n_cols_(tensor.shape.back()),
        rows_(row_pointers(tensor)),
        rows_per_chunk_(std::max<int64_t>(1, kChunkElements / n_cols_)) {}

  int64_t n_chunks() const {
    const int64_t n_rows = static_cast<int64_t>(rows_.size());
    return (n_rows + rows_per_chunk_ - 1) / rows_per_chunk_;
  }

  Status write_values() const {
    std::vector<float> values = tensor_.values;
    if (tensor_.change) tensor_.change(0, values);
    return writer_.write(index_, 0, std::as_bytes(std::span(values)));
  }

  // Any thread.
  Status write_chunk(int64_t chunk) const {
    const int64_t first = chunk * rows_per_chunk_;
    const int64_t end = std::min(first + rows_per_chunk_, static_cast<int64_t>(rows_.size()));
    const int64_t row_bytes = to_.row_bytes(n_cols_);
    const uint64_t size = static_cast<uint64_t>((end - first) * row_bytes);
    const uint64_t offset = static_cast<uint64_t>(first * row_bytes);
    const QuantType& from = *tensor_.source->type;
    const bool same = &from == &to_ && !tensor_.change;
    if (same && tensor_.rows.empty()) return writer_.write(index_, offset, {rows_[first], size});
    std::vector<std::byte> out(size);
    std::vector<float> numbers(same ? 0 : static_cast<size_t>(n_cols_));
    for (int64_t row = first; row < end; ++row) {
      std::byte* to = out.data() + (row - first) * row_bytes;
      if (same) {
        std::memcpy(to, rows_[row], static_cast<size_t>(row_bytes));
        continue;
      }
      from.decode(rows_[row], numbers.data(), n_cols_);
      if (tensor_.change) tensor_.change(row, numbers);
      to_.encode(numbers.data(), to, n_cols_);
    }
    return writer_.write(index_, offset, out);
  }

 private:
  const PlannedTensor& tensor_;
  const GgufWriter& writer_;
  size_t index_;
  const QuantType& to_;
  int64_t n_cols_;
  std::vector<const std::byte*> rows_;
  int64_t rows_per_chunk_;
};

// Chunks [first, end) of a tensor, in parallel.
Status write_chunks(const TensorCopy& copy, int64_t first, int64_t end, ThreadPool& pool) {
  std::mutex mutex;
  Status status;
  pool.parallel_for(static_cast<int>(end - first), [&](int chunk) {
    Status done = copy.write_chunk(first + chunk);
    if (done.ok()) return;
    const std::scoped_lock lock(mutex);
    if (status.ok()) status = std::move(done);
  });
  return status;
}

Status write_tensor(const PlannedTensor& tensor, const GgufWriter& writer, size_t index,
                    ThreadPool& pool, const std::function<Status(uint64_t)>& report) {
  const TensorCopy copy(tensor, writer, index);
  const uint64_t size = writer.tensors()[index].n_bytes();
  if (!tensor.source) {
    TRY(copy.write_values());
    return report(size);
  }
  const int64_t n_chunks = copy.n_chunks();
  for (int64_t first = 0; first < n_chunks; first += kChunksBetweenReports) {
    const int64_t end = std::min(first + kChunksBetweenReports, n_chunks);
    TRY(write_chunks(copy, first, end, pool));
    TRY(report(size / static_cast<uint64_t>(n_chunks) * static_cast<uint64_t>(end)));
  }
  return {};
}

}  // namespace

std::span<const ConvertType> convert_types() { return kTypes; }

Status write_gguf(const Checkpoint& checkpoint, const GgufPlan& plan, const std::string& path,
                  const GgufWriteOptions& options, ThreadPool& pool) {
  const QuantType* wanted = find_quant_type(options.type.type);
  OVERTAKE_CHECK(wanted && wanted->encode);
  Metadata metadata = plan.metadata();
  metadata.set("general.file_type", options.type.file_type);
  if (wanted->block > 1) metadata.set("general.quantization_version", kQuantizationVersion);
  std::vector<GgufTensor> tensors;
  uint64_t total = 0;
  for (const PlannedTensor& tensor : plan.tensors()) {
    tensors.push_back({tensor.name, &type_of(tensor, *wanted), tensor.shape});
    total += tensors.back().n_bytes();
  }
  GgufWriter writer =
      TRY(GgufWriter::create(path, metadata, std::move(tensors), options.overwrite));
  uint64_t before = 0;  // bytes of the tensors that are done
  for (size_t i = 0; i < plan.tensors().size(); ++i) {
    const PlannedTensor& tensor = plan.tensors()[i];
    TRY(write_tensor(tensor, writer, i, pool, [&](uint64_t done) {
      return options.progress ? options.progress(before + done, total) : Status();
    }));
    before += writer.tensors()[i].n_bytes();
    if (tensor.source) checkpoint.drop_pages(*tensor.source);
  }
  return writer.finish();
}

}  // namespace overtake
