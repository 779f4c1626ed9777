#include "tensor/cpu/packed_header.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>

#include "base/checked.h"
#include "base/checksum.h"
#include "base/file.h"
#include "tensor/cpu/packed_weight.h"

namespace overtake {
namespace {

// "OVTPACK" and a byte that a text mode would change.
constexpr uint64_t kMagic = 0x8a4b434150545649u;
constexpr uint64_t kMaxText = 1 << 20;

struct Fixed {
  uint64_t magic = kMagic;
  uint64_t version = kPackingVersion;
  uint64_t file_bytes = 0;
  uint64_t data_offset = 0;
  uint64_t source_bytes = 0;
  uint64_t key_bytes = 0;
  uint64_t n_matrices = 0;
  uint64_t n_blocks = 0;
};
// After it: source, key, the matrices, the checksums of the blocks, and a checksum of all of these.
constexpr uint64_t kMatrixBytes = 5 * sizeof(uint64_t);
static_assert(sizeof(PackedMatrix) == kMatrixBytes && sizeof(Fixed) == 8 * sizeof(uint64_t));

Error damaged(std::string_view what) {
  return {
      ErrorCode::kDamaged,
      std::string(what) + "; packed copy; it is damaged or cut off; the model is packed instead"};
}

// Bytes of the head without its own checksum; nullopt where they are more than any has.
std::optional<uint64_t> head_bytes(const Fixed& fixed) {
  if (fixed.source_bytes > kMaxText || fixed.key_bytes > kMaxText) return std::nullopt;
  const auto matrices = checked_mul(fixed.n_matrices, kMatrixBytes);
  const auto blocks = checked_mul<uint64_t>(fixed.n_blocks, sizeof(uint64_t));
  if (!matrices || !blocks || *matrices > kMaxPackedHead || *blocks > kMaxPackedHead) {
    return std::nullopt;
  }
  const uint64_t sum = sizeof fixed + fixed.source_bytes + fixed.key_bytes + *matrices + *blocks;
  return sum <= kMaxPackedHead ? std::optional(sum) : std::nullopt;
}

template <class T>
void append(std::string& out, const T* data, size_t n) {
  out.append(reinterpret_cast<const char*>(data), n * sizeof(T));
}

uint64_t checksum_of(std::string_view bytes) { return checksum(std::as_bytes(std::span(bytes))); }

Status check_matrices(const PackedHeader& header) {
  for (const PackedMatrix& matrix : header.matrices) {
    if (matrix.offset % kPackedAlignment != 0 || matrix.id.n_out <= 0 || matrix.id.n_in <= 0 ||
        !range_fits(matrix.offset, matrix.id.bytes, header.data_bytes())) {
      return damaged("a matrix lies outside the data");
    }
  }
  return {};
}

}  // namespace

std::string write_packed_header(PackedHeader& header) {
  Fixed fixed;
  fixed.source_bytes = header.source.size();
  fixed.key_bytes = header.key.size();
  fixed.n_matrices = header.matrices.size();
  fixed.n_blocks = header.checksums.size();
  const uint64_t size = head_bytes(fixed).value_or(kMaxPackedHead) + sizeof(uint64_t);
  header.data_offset = (size + kPackedBlock - 1) / kPackedBlock * kPackedBlock;
  fixed.data_offset = header.data_offset;
  fixed.file_bytes = header.data_offset + header.data_bytes();
  std::string out;
  append(out, &fixed, 1);
  out += header.source;
  out += header.key;
  append(out, header.matrices.data(), header.matrices.size());
  append(out, header.checksums.data(), header.checksums.size());
  const uint64_t sum = checksum_of(out);
  append(out, &sum, 1);
  return out;
}

Result<PackedHeader> parse_packed_header(std::span<const std::byte> bytes, uint64_t file_bytes) {
  Fixed fixed;
  if (bytes.size() < sizeof fixed) return damaged("the file is too short");
  std::memcpy(&fixed, bytes.data(), sizeof fixed);
  if (fixed.magic != kMagic) return damaged("the file does not begin as one");
  if (fixed.version != kPackingVersion) {
    return Error{ErrorCode::kUnsupported,
                 "of another version of the program; packed copy; the model is packed instead"};
  }
  const std::optional<uint64_t> size = head_bytes(fixed);
  if (!size || !range_fits(*size, sizeof(uint64_t), bytes.size())) {
    return damaged("the head is longer than the file");
  }
  uint64_t sum;
  std::memcpy(&sum, bytes.data() + *size, sizeof sum);
  if (sum != checksum(bytes.first(*size))) return damaged("the head's checksum is wrong");
  const auto data = checked_mul(fixed.n_blocks, kPackedBlock);
  const auto whole = data ? checked_add(*data, fixed.data_offset) : std::nullopt;
  if (!whole || *whole != file_bytes || fixed.file_bytes != file_bytes ||
      fixed.data_offset % kPackedBlock != 0 || fixed.data_offset < *size + sizeof sum) {
    return damaged("the file has another size than it should");
  }
  PackedHeader out;
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + sizeof fixed;
  out.source.assign(text, fixed.source_bytes);
  out.key.assign(text + fixed.source_bytes, fixed.key_bytes);
  const char* at = text + fixed.source_bytes + fixed.key_bytes;
  out.matrices.resize(fixed.n_matrices);
  if (!out.matrices.empty()) std::memcpy(out.matrices.data(), at, fixed.n_matrices * kMatrixBytes);
  out.checksums.resize(fixed.n_blocks);
  if (!out.checksums.empty()) {
    std::memcpy(out.checksums.data(), at + fixed.n_matrices * kMatrixBytes,
                fixed.n_blocks * sizeof(uint64_t));
  }
  out.data_offset = fixed.data_offset;
  TRY(check_matrices(out));
  return out;
}

Result<PackedFileInfo> read_packed_info(const std::string& path) {
  const MappedFile file = TRY(MappedFile::open(path));
  PackedHeader header = TRY(parse_packed_header(file.bytes(), file.bytes().size()));
  return PackedFileInfo{std::move(header.source), std::move(header.key), file.bytes().size()};
}

}  // namespace overtake
