// pack_cpu_weight: segments, their kernels and memory, and the loop over tiles.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/checked.h"
#include "base/checksum.h"
#include "base/function_ref.h"
#include "tensor/cpu/matmul.h"
#include "tensor/cpu/pack_tile.h"
#include "tensor/cpu/packed_copy.h"
#include "tensor/cpu/packed_weight.h"

namespace overtake {

KernelForm kernel_form(const IntegerForm& form) {
  const bool nested = form.super > kBlockK;
  return {.bits = form.bits,
          .group = std::min(form.group, kBlockK),
          .nested = nested,
          .has_min = form.has_min,
          .scaled = nested && form.super != form.group,
          .bf16_d = form.bf16_d,
          .dot_bits = form.dot_bits(),
          .levels = form.levels};
}

// Builds one PackedWeight. Fails on what a file can get wrong.
class WeightPacker {
 public:
  WeightPacker(std::span<const RowSpan> rows, const MatmulKernels& kernels, PackedCopy* copy)
      : rows_(rows), kernels_(kernels), copy_(copy) {}

  Result<std::unique_ptr<Weight>> pack(ThreadPool& pool);

 private:
  // The rows of one segment, where they stand in the file.
  struct Source {
    const QuantType* type;
    std::vector<const std::byte*> rows;
  };

  Result<int64_t> check_rows() const;
  Status add_segment(PackedWeight& weight, std::span<const RowSpan> rows, int64_t first_row);
  Status choose_kernels(PackedWeight& weight, const QuantType& type, PackedSegment& segment) const;
  UnpackBf16 find_unpack_bf16(const QuantType& type) const;  // null for none
  Result<size_t> packed_size(const PackedWeight& weight) const;
  PackedMatrixId id_of(const PackedWeight& weight, size_t size) const;
  size_t n_tiles(const PackedSegment& segment) const {
    return static_cast<size_t>((segment.n_rows + kernels_.lanes - 1) / kernels_.lanes);
  }
  void lay_out(PackedWeight& weight, WeightMemory memory) const;
  Status fill(PackedWeight& weight, ThreadPool& pool) const;
  void pack_tile(const PackedWeight& weight, size_t segment, int64_t tile) const;
  void pack_tiles(const PackedWeight& weight, size_t segment, ThreadPool& pool) const;

  std::span<const RowSpan> rows_;
  const MatmulKernels& kernels_;
  PackedCopy* copy_;             // or null
  std::vector<Source> sources_;  // of each segment
};

// The number of rows in all.
Result<int64_t> WeightPacker::check_rows() const {
  int64_t n_out = 0;
  for (const RowSpan& span : rows_) {
    const StoredTensor& tensor = *span.tensor;
    const int64_t n_in = rows_[0].tensor->n_cols();
    if (tensor.n_cols() != n_in || n_in <= 0 || n_in % tensor.type->block != 0) {
      return Error{
          ErrorCode::kDamaged,
          fmt::format("row length {} does not fit (the matrix has {}, {} has blocks of "
                      "{}); tensor {}; the file is damaged",
                      tensor.n_cols(), n_in, tensor.type->name, tensor.type->block, tensor.name)};
    }
    const bool inside = span.first >= 0 && span.count > 0 && span.first <= tensor.n_rows() &&
                        span.count <= tensor.n_rows() - span.first;
    const std::optional<int64_t> sum = checked_add(n_out, span.count);
    if (!inside || !sum) {
      return Error{
          ErrorCode::kDamaged,
          fmt::format("{} rows from row {} on wanted, the tensor has {}; tensor {}; the file "
                      "is damaged or not of this architecture",
                      span.count, span.first, tensor.n_rows(), tensor.name)};
    }
    n_out = *sum;
  }
  return n_out;
}

Status WeightPacker::choose_kernels(PackedWeight& weight, const QuantType& type,
                                    PackedSegment& segment) const {
  if (type.integer != nullptr) {
    const KernelForm form = kernel_form(*type.integer);
    const auto found = std::ranges::find(kernels_.integer, form, &IntegerKernels::form);
    if (found != kernels_.integer.end()) {
      segment.integer = &*found;
      segment.layout = {kernels_.lanes, form};
      for (const TileKernels& tiles : kernels_.tiles) {
        const bool fits = tiles.group == form.group && tiles.has_min == form.has_min &&
                          tiles.folded == (segment.integer->unpack_folded != nullptr);
        if (fits) segment.unit = &tiles;
      }
      const int byte_zero = form.dot_bits == 8 ? kernels_.byte_zero : 0;
      const InputKind kind = {.fine_bits = fine_bits(form.dot_bits),
                              .dot_bias = uses_dot_bias(form.dot_bits),
                              .groups = segment.layout.groups(),
                              .zero = type.integer->zero - byte_zero,
                              .has_min = form.has_min,
                              .unit = type.integer->unit};
      const auto known = std::ranges::find(weight.input_kinds_, kind);
      segment.input_kind = static_cast<size_t>(known - weight.input_kinds_.begin());
      if (known == weight.input_kinds_.end()) weight.input_kinds_.push_back(kind);
      return {};
    }
  } else {
    const auto found = std::ranges::find(kernels_.floating, type.floating, &FloatKernels::form);
    if (found != kernels_.floating.end()) {
      segment.floating = &*found;
      weight.has_floats_ = true;
      return {};
    }
  }
  return Error{
      ErrorCode::kUnsupported,
      fmt::format("no matrix product for tensor type {}; CPU backend; convert the model to "
                  "another type",
                  type.name)};
}

UnpackBf16 WeightPacker::find_unpack_bf16(const QuantType& type) const {
  if (!kernels_.bf16) return nullptr;
  const KernelForm form = type.integer ? kernel_form(*type.integer) : KernelForm{};
  for (const Bf16Form& entry : kernels_.bf16->forms) {
    if (entry.floating == type.floating && entry.form == form) return entry.unpack;
  }
  return nullptr;
}

Status WeightPacker::add_segment(PackedWeight& weight, std::span<const RowSpan> rows,
                                 int64_t first_row) {
  const QuantType& type = *rows[0].tensor->type;
  PackedSegment segment;
  segment.first_row = first_row;
  for (const RowSpan& span : rows) segment.n_rows += span.count;
  TRY(choose_kernels(weight, type, segment));
  segment.unpack_bf16 = find_unpack_bf16(type);
  const int64_t n_in = weight.n_in();
  segment.tile_bytes = segment.integer
                           ? static_cast<size_t>(n_in / type.block * segment.layout.unit_bytes())
                           : static_cast<size_t>(n_in * kernels_.lanes * type.block_bytes);
  Source source{&type, {}};
  for (const RowSpan& span : rows) {
    for (int64_t i = 0; i < span.count; ++i) {
      source.rows.push_back(span.tensor->row_bytes(span.first + i).data());
    }
  }
  sources_.push_back(std::move(source));
  weight.segments_.push_back(segment);
  return {};
}

Error too_large(const PackedWeight& weight, std::string_view tensor) {
  return {ErrorCode::kExhausted,
          fmt::format("no memory for a matrix of {} x {}; tensor {}; use a smaller model or "
                      "a machine with more memory",
                      weight.n_out(), weight.n_in(), tensor)};
}

Result<size_t> WeightPacker::packed_size(const PackedWeight& weight) const {
  size_t size = 0;
  for (const PackedSegment& segment : weight.segments_) {
    const auto part = checked_mul(n_tiles(segment), segment.tile_bytes);
    const auto sum = part ? checked_add(size, *part) : std::nullopt;
    if (!sum) return too_large(weight, rows_[0].tensor->name);
    size = *sum;
  }
  return size;
}

// All that the packed bytes depend on but the numbers in the file.
PackedMatrixId WeightPacker::id_of(const PackedWeight& weight, size_t size) const {
  std::string text = fmt::format("lanes {}", kernels_.lanes);
  for (const PackedSegment& segment : weight.segments_) {
    text += fmt::format(";{} of {}", segment.n_rows, segment.tile_bytes);
  }
  for (const RowSpan& span : rows_) {
    text += fmt::format(";{} {} {}+{}", span.tensor->type->name, span.tensor->name, span.first,
                        span.count);
  }
  return {checksum(std::as_bytes(std::span(text))), weight.n_out(), weight.n_in(), size};
}

void WeightPacker::lay_out(PackedWeight& weight, WeightMemory memory) const {
  weight.memory_ = std::move(memory);
  const auto* tiles = reinterpret_cast<const uint8_t*>(weight.memory_.data);
  for (PackedSegment& segment : weight.segments_) {
    segment.tiles = tiles;
    tiles += n_tiles(segment) * segment.tile_bytes;
  }
}

// From the copy, or by packing.
Status WeightPacker::fill(PackedWeight& weight, ThreadPool& pool) const {
  const size_t size = TRY(packed_size(weight));
  PackedMatrixId id;
  if (copy_) {
    id = id_of(weight, size);
    if (auto kept = copy_->find(id)) {
      lay_out(weight, *std::move(kept));
      return {};
    }
  }
  WeightMemory memory = take_weight_memory(size, pool);
  if (memory.data == nullptr) return too_large(weight, rows_[0].tensor->name);
  lay_out(weight, std::move(memory));
  for (size_t i = 0; i < weight.segments_.size(); ++i) pack_tiles(weight, i, pool);
  if (copy_) copy_->add(id, weight.memory_);
  return {};
}

void WeightPacker::pack_tile(const PackedWeight& weight, size_t index, int64_t tile) const {
  const PackedSegment& segment = weight.segments_[index];
  const Source& source = sources_[index];
  std::array<const std::byte*, kMaxLanes> lanes{};
  const size_t n_lanes = static_cast<size_t>(kernels_.lanes);
  const size_t first = static_cast<size_t>(tile) * n_lanes;
  std::copy_n(source.rows.begin() + static_cast<ptrdiff_t>(first),
              std::min(n_lanes, source.rows.size() - first), lanes.begin());
  const TileRows rows(lanes.data(), n_lanes);
  uint8_t* out =
      const_cast<uint8_t*>(segment.tiles) + static_cast<size_t>(tile) * segment.tile_bytes;
  if (segment.integer) {
    pack_integer_tile(*source.type, segment.layout, rows, weight.n_in(), out);
  } else {
    pack_float_tile(source.type->block_bytes, rows, weight.n_in(), out);
  }
}

// Calls `visit` with the bytes of `rows`, those that lie one behind the other together.
void for_each_run(std::span<const std::byte* const> rows, size_t row_bytes,
                  FunctionRef<void(std::span<const std::byte>)> visit) {
  for (size_t begin = 0, end = 0; begin < rows.size(); begin = end) {
    for (++end; end < rows.size() && rows[end] == rows[end - 1] + row_bytes;) ++end;
    visit({rows[begin], (end - begin) * row_bytes});
  }
}

// A part at a time, so that not all of a matrix is in memory twice, as it is stored and packed.
void WeightPacker::pack_tiles(const PackedWeight& weight, size_t index, ThreadPool& pool) const {
  constexpr size_t kPartBytes = size_t{4} << 20;
  const Source& source = sources_[index];
  const TensorSource* file = rows_[0].tensor->source;
  const auto row_bytes = static_cast<size_t>(source.type->row_bytes(weight.n_in()));
  const auto lanes = static_cast<size_t>(kernels_.lanes);
  const size_t n_tiles = (source.rows.size() + lanes - 1) / lanes;
  const size_t least = 4 * static_cast<size_t>(pool.n_threads());  // enough for all threads
  const size_t step = std::max(least, kPartBytes / (lanes * row_bytes));
  for (size_t first = 0; first < n_tiles; first += step) {
    const size_t last = std::min(n_tiles, first + step);
    const auto rows =
        std::span(source.rows)
            .subspan(first * lanes, std::min(last * lanes, source.rows.size()) - first * lanes);
    if (file) for_each_run(rows, row_bytes, [&](auto bytes) { file->will_read(bytes); });
    pool.parallel_for(static_cast<int>(last - first), [&](int tile) {
      pack_tile(weight, index, static_cast<int64_t>(first) + tile);
    });
    if (file) for_each_run(rows, row_bytes, [&](auto bytes) { file->was_read(bytes); });
  }
}

Result<std::unique_ptr<Weight>> WeightPacker::pack(ThreadPool& pool) {
  OVERTAKE_CHECK(!rows_.empty());
  const int64_t n_out = TRY(check_rows());
  auto weight = std::make_unique<PackedWeight>(n_out, rows_[0].tensor->n_cols(), kernels_);
  int64_t first_row = 0;
  for (size_t begin = 0, end = 0; begin < rows_.size(); begin = end) {
    while (end < rows_.size() && rows_[end].tensor->type == rows_[begin].tensor->type) ++end;
    TRY(add_segment(*weight, rows_.subspan(begin, end - begin), first_row));
    first_row += weight->segments_.back().n_rows;
  }
  weight->has_bf16_ = weight->n_in() % kBlockK == 0 &&
                      std::ranges::all_of(weight->segments_, &PackedSegment::unpack_bf16);
  TRY(fill(*weight, pool));
  return std::unique_ptr<Weight>(std::move(weight));
}

Result<std::unique_ptr<Weight>> pack_cpu_weight(std::span<const RowSpan> rows, Isa isa,
                                                ThreadPool& pool, PackedCopy* copy) {
  return WeightPacker(rows, matmul_kernels_for(isa), copy).pack(pool);
}

}  // namespace overtake
