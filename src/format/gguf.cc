// GGUF, versions 2 and 3 (ggml's docs/gguf.md): header, metadata, tensor table, aligned data.
// Nothing is reserved or computed from a number of the file before it was held against the bytes
// that are left.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <bit>
#include <set>

#include "base/checked.h"
#include "format/gguf_cursor.h"
#include "format/message.h"

namespace overtake {
namespace {

// Bounds that no real file comes near, so that a small file cannot ask for much memory or time.
constexpr uint64_t kMaxKeys = 1 << 16;
constexpr uint64_t kMaxTensors = 1 << 20;
constexpr uint64_t kMaxNameBytes = 256;
constexpr uint32_t kMaxDims = 4;
constexpr uint32_t kMaxAlignment = 1 << 21;

// A row of the tensor table, before its bytes are placed.
struct TableRow {
  StoredTensor tensor;
  uint64_t offset = 0;  // from the start of the data
  uint64_t size = 0;
};

class Parser {
 public:
  Parser(std::span<const std::byte> bytes, std::string_view file) : cursor_(bytes, file) {}

  Result<ParsedTensors> parse() {
    TRY(read_header());
    out_.metadata = TRY(read_gguf_metadata(&cursor_, n_keys_));
    TRY(read_table());
    TRY(place_tensors());
    return std::move(out_);
  }

 private:
  Status read_header();
  Status read_table();
  Result<TableRow> read_row();
  Status read_shape(TableRow* row);
  Status read_type(TableRow* row);
  Status place_tensors();
  Result<uint64_t> read_alignment() const;
  Status check_overlaps() const;

  GgufCursor cursor_;
  uint64_t n_tensors_ = 0;
  uint64_t n_keys_ = 0;
  std::vector<TableRow> table_;
  ParsedTensors out_;
};

Status Parser::read_header() {
  if (is_lfs_pointer(cursor_.bytes())) return lfs_pointer(cursor_.file());
  const auto magic = TRY(cursor_.read<std::array<char, 4>>("the header"));
  if (std::string_view(magic.data(), 4) != "GGUF") {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("not a GGUF file: it starts with \"{}\"; {}; give a .gguf file, or a "
                             "folder with config.json and *.safetensors",
                             escaped({magic.data(), 4}), cursor_.file())};
  }
  const uint32_t version = TRY(cursor_.read<uint32_t>("the header"));
  if (version != 0 && (version & 0xffff) == 0) {
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("a big-endian GGUF file; {}; convert it to little endian", cursor_.file())};
  }
  if (version != 2 && version != 3) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("GGUF version {}, this program reads 2 and 3; {}; convert the model "
                             "again with a current converter",
                             version, cursor_.file())};
  }
  n_tensors_ = TRY(cursor_.read<uint64_t>("the header"));
  n_keys_ = TRY(cursor_.read<uint64_t>("the header"));
  // The least a key takes: length, one byte, type, one byte. The least a tensor takes: length, one
  // byte, number of dimensions, one dimension, type, offset.
  if (n_keys_ > kMaxKeys || n_keys_ > cursor_.left() / 14) {
    return cursor_.damage(
        fmt::format("{} metadata keys cannot be in {} bytes", n_keys_, cursor_.left()));
  }
  if (n_tensors_ > kMaxTensors || n_tensors_ > cursor_.left() / 33) {
    return cursor_.damage(
        fmt::format("{} tensors cannot be in {} bytes", n_tensors_, cursor_.left()));
  }
  return {};
}

Status Parser::read_table() {
  table_.reserve(n_tensors_);
  std::set<std::string_view> names;
  for (uint64_t i = 0; i < n_tensors_; ++i) {
    table_.push_back(TRY(read_row()));
    if (!names.insert(table_.back().tensor.name).second) {
      return cursor_.damage(
          fmt::format("tensor {} stands twice", escaped(table_.back().tensor.name)));
    }
  }
  return {};
}

Result<TableRow> Parser::read_row() {
  TableRow row;
  row.tensor.name = TRY(cursor_.read_string("a tensor's name", kMaxNameBytes));
  if (row.tensor.name.empty()) return cursor_.damage("a tensor's name is empty");
  TRY(read_shape(&row));
  TRY(read_type(&row));
  row.offset = TRY(cursor_.read<uint64_t>("the tensor table"));
  return row;
}

// Sizes in the file stand innermost first.
Status Parser::read_shape(TableRow* row) {
  const uint32_t n_dims = TRY(cursor_.read<uint32_t>("the tensor table"));
  if (n_dims < 1 || n_dims > kMaxDims) {
    return cursor_.damage(
        fmt::format("tensor {} has {} dimensions", escaped(row->tensor.name), n_dims));
  }
  int64_t n_elements = 1;
  for (uint32_t i = 0; i < n_dims; ++i) {
    const int64_t size = TRY(cursor_.read<int64_t>("the tensor table"));
    const std::optional<int64_t> product = checked_mul(n_elements, size);
    if (size < 1 || !product) {
      return cursor_.damage(fmt::format("dimension {} of tensor {} is {}", i,
                                        escaped(row->tensor.name), static_cast<uint64_t>(size)));
    }
    n_elements = *product;
    row->tensor.shape.insert(row->tensor.shape.begin(), size);
  }
  return {};
}

// With the shape known, the type gives the size.
Status Parser::read_type(TableRow* row) {
  const uint32_t id = TRY(cursor_.read<uint32_t>("the tensor table"));
  const StoredTensor& tensor = row->tensor;
  row->tensor.type = find_quant_type(id);
  if (!tensor.type) {
    std::string known;
    for (const QuantType* type : all_quant_types()) known += fmt::format(" {}", type->name);
    return Error{ErrorCode::kUnsupported,
                 fmt::format("tensor {} has type {}, which this program does not read; {}; take a "
                             "file of one of these:{}",
                             escaped(tensor.name), id, cursor_.file(), known)};
  }
  const int64_t block = tensor.type->block;
  if (tensor.n_cols() % block != 0) {
    return cursor_.damage(fmt::format("tensor {}: rows of {} elements are no multiple of {}'s {}",
                                      escaped(tensor.name), tensor.n_cols(), tensor.type->name,
                                      block));
  }
  const uint64_t n_blocks = static_cast<uint64_t>(tensor.n_rows() * (tensor.n_cols() / block));
  const std::optional<uint64_t> size =
      checked_mul(n_blocks, static_cast<uint64_t>(tensor.type->block_bytes));
  if (!size || *size > cursor_.bytes().size()) {
    return cursor_.damage(fmt::format("tensor {} of shape {} is larger than the file",
                                      escaped(tensor.name), shape_text(tensor.shape)));
  }
  row->size = *size;
  return {};
}

Result<uint64_t> Parser::read_alignment() const {
  constexpr std::string_view kKey = "general.alignment";
  const auto at = out_.metadata.all().find(kKey);
  if (at == out_.metadata.all().end()) return uint64_t{32};
  const uint64_t* alignment = std::get_if<uint64_t>(&at->second);
  if (!alignment || !std::has_single_bit(*alignment) || *alignment > kMaxAlignment) {
    return cursor_.damage(fmt::format("{} is not a power of two up to {}", kKey, kMaxAlignment));
  }
  return *alignment;
}

Status Parser::place_tensors() {
  const uint64_t alignment = TRY(read_alignment());
  if (table_.empty()) return {};
  const std::optional<uint64_t> start = checked_align_up(cursor_.position(), alignment);
  if (!start || *start > cursor_.bytes().size())
    return cursor_.damage("the file ends before the tensors' data");
  const std::span<const std::byte> data = cursor_.bytes().subspan(*start);

  for (TableRow& row : table_) {
    const std::string name = escaped(row.tensor.name);
    if (row.offset % alignment != 0) {
      return cursor_.damage(
          fmt::format("tensor {} is at {}, no multiple of {}", name, row.offset, alignment));
    }
    if (!range_fits(row.offset, row.size, data.size())) {
      return cursor_.damage(
          fmt::format("tensor {} takes bytes {} to {} + {} of the data, which has {}", name,
                      row.offset, row.offset, row.size, data.size()));
    }
    row.tensor.data = data.subspan(row.offset, row.size);
  }
  TRY(check_overlaps());
  for (TableRow& row : table_) out_.tensors.push_back(std::move(row.tensor));
  return {};
}

Status Parser::check_overlaps() const {
  std::vector<const TableRow*> by_offset;
  for (const TableRow& row : table_) by_offset.push_back(&row);
  std::sort(by_offset.begin(), by_offset.end(),
            [](const TableRow* a, const TableRow* b) { return a->offset < b->offset; });
  for (size_t i = 1; i < by_offset.size(); ++i) {
    const TableRow& before = *by_offset[i - 1];
    if (before.offset + before.size > by_offset[i]->offset) {
      return cursor_.damage(fmt::format("tensors {} and {} overlap", escaped(before.tensor.name),
                                        escaped(by_offset[i]->tensor.name)));
    }
  }
  return {};
}

}  // namespace

Result<ParsedTensors> parse_gguf(std::span<const std::byte> bytes, std::string_view name) {
  return Parser(bytes, name).parse();
}

}  // namespace overtake
