#include "model/convert.h"

#include <algorithm>
#include <cstring>
#include <mutex>

#include "format/gguf_writer.h"
#include "model/planned_rows.h"

namespace overtake {
namespace {

constexpr ConvertType kTypes[] = {
    {"f32", "F32", 0}, {"f16", "F16", 1}, {"bf16", "BF16", 32}, {"q8_0", "Q8_0", 7}};

constexpr int64_t kQuantizationVersion = 2;  // of ggml's block formats
constexpr int64_t kChunkElements = 1 << 18;  // that one thread takes at a time
constexpr int64_t kChunksBetweenReports = 64;

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
  TensorCopy(const PlannedTensor& tensor, const TensorForm& form, const GgufWriter& writer,
             size_t index)
      : tensor_(tensor),
        form_(form),
        writer_(writer),
        index_(index),
        to_(*form.type),
        n_cols_(tensor.shape.back()),
        rows_(tensor),
        rows_per_chunk_(std::max<int64_t>(1, kChunkElements / n_cols_)) {}

  int64_t n_chunks() const { return (rows_.n_rows() + rows_per_chunk_ - 1) / rows_per_chunk_; }

  Status write_values() const {
    std::vector<float> values = tensor_.values;
    if (tensor_.change) tensor_.change(0, values);
    return writer_.write(index_, 0, std::as_bytes(std::span(values)));
  }

  // Any thread.
  Status write_chunk(int64_t chunk) const {
    const int64_t first = chunk * rows_per_chunk_;
    const int64_t end = std::min(first + rows_per_chunk_, rows_.n_rows());
    const int64_t row_bytes = to_.row_bytes(n_cols_);
    const uint64_t size = static_cast<uint64_t>((end - first) * row_bytes);
    const uint64_t offset = static_cast<uint64_t>(first * row_bytes);
    const QuantType& from = *tensor_.source->type;
    const bool same = &from == &to_ && !tensor_.change;
    if (same && tensor_.rows.empty()) {
      return writer_.write(index_, offset, {rows_.stored(first), size});
    }
    std::vector<std::byte> out(size);
    if (same) {
      for (int64_t row = first; row < end; ++row) {
        std::memcpy(out.data() + (row - first) * row_bytes, rows_.stored(row),
                    static_cast<size_t>(row_bytes));
      }
    } else {
      TRY(encode(first, rows_.read_rows(first, end), out.data()));
    }
    return writer_.write(index_, offset, out);
  }

 private:
  Status encode(int64_t first, std::span<const float> rows, std::byte* to) const {
    if (form_.encode) return form_.encode(first, rows, to);
    to_.encode(rows.data(), to, static_cast<int64_t>(rows.size()));
    return {};
  }

  const PlannedTensor& tensor_;
  const TensorForm& form_;
  const GgufWriter& writer_;
  size_t index_;
  const QuantType& to_;
  int64_t n_cols_;
  PlannedRows rows_;
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

Status write_tensor(const TensorCopy& copy, uint64_t size, ThreadPool& pool,
                    const std::function<Status(uint64_t)>& report) {
  const int64_t n_chunks = copy.n_chunks();
  for (int64_t first = 0; first < n_chunks; first += kChunksBetweenReports) {
    const int64_t end = std::min(first + kChunksBetweenReports, n_chunks);
    TRY(write_chunks(copy, first, end, pool));
    TRY(report(size / static_cast<uint64_t>(n_chunks) * static_cast<uint64_t>(end)));
  }
  return {};
}

Metadata written_metadata(const GgufPlan& plan, const GgufWriteOptions& options) {
  Metadata out = plan.metadata();
  out.set("general.file_type", options.file_type);
  if (options.quantized) out.set("general.quantization_version", kQuantizationVersion);
  return out;
}

}  // namespace

std::span<const ConvertType> convert_types() { return kTypes; }

std::vector<TensorForm> convert_forms(const GgufPlan& plan, const ConvertType& type) {
  const QuantType* wanted = find_quant_type(type.type);
  OVERTAKE_CHECK(wanted && wanted->encode);
  std::vector<TensorForm> out;
  for (const PlannedTensor& tensor : plan.tensors()) out.push_back({&type_of(tensor, *wanted)});
  return out;
}

uint64_t header_bytes(const GgufPlan& plan) {
  std::vector<GgufTensor> tensors;
  uint64_t data = 0;
  for (const PlannedTensor& planned : plan.tensors()) {
    tensors.push_back({planned.name, find_quant_type("F32"), planned.shape});
    data += tensors.back().file_bytes();
  }
  return gguf_file_bytes(written_metadata(plan, {.quantized = true}), tensors) - data;
}

Status write_gguf(const Checkpoint& checkpoint, const GgufOutput& output,
                  const GgufWriteOptions& options, ThreadPool& pool) {
  const std::vector<PlannedTensor>& planned = output.plan.tensors();
  std::vector<GgufTensor> tensors;
  uint64_t total = 0;
  for (size_t i = 0; i < planned.size(); ++i) {
    tensors.push_back({planned[i].name, output.forms[i].type, planned[i].shape});
    total += tensors.back().n_bytes();
  }
  GgufWriter writer = TRY(GgufWriter::create(output.path, written_metadata(output.plan, options),
                                             std::move(tensors), options.overwrite));
  uint64_t before = 0;  // bytes of the tensors that are done
  for (size_t i = 0; i < planned.size(); ++i) {
    const uint64_t size = writer.tensors()[i].n_bytes();
    const auto report = [&](uint64_t done) {
      return options.progress ? options.progress(before + done, total) : Status();
    };
    const TensorCopy copy(planned[i], output.forms[i], writer, i);
    if (planned[i].source) {
      TRY(write_tensor(copy, size, pool, report));
      checkpoint.drop_pages(*planned[i].source);
    } else {
      TRY(copy.write_values());
      TRY(report(size));
    }
    before += size;
  }
  return writer.finish();
}

}  // namespace overtake
