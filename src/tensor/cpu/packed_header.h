// The head of a packed copy: a file with the matrices of one model as PackedWeight has them in
// memory, so that a start maps them instead of packing.
//
//   head       see packed_header.cc; then nothing up to a multiple of kPackedBlock
//   data       blocks of kPackedBlock, each with a checksum in the head; a matrix begins at a
//              multiple of kPackedAlignment
//
// Numbers are as this machine has them in memory: another one refuses the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

// What a packed matrix was made of and for; `signature` is a checksum of rows, types and layout.
struct PackedMatrixId {
  uint64_t signature = 0;
  int64_t n_out = 0;
  int64_t n_in = 0;
  uint64_t bytes = 0;
  auto operator<=>(const PackedMatrixId&) const = default;
};

struct PackedMatrix {
  PackedMatrixId id;
  uint64_t offset = 0;  // in the data
};

constexpr uint64_t kPackedBlock = uint64_t{2} << 20;  // a huge page
constexpr uint64_t kPackedAlignment = 64;
constexpr uint64_t kMaxPackedHead = uint64_t{64} << 20;

struct PackedHeader {
  std::string source;  // path of the model's file or folder
  std::string key;     // all that must be the same for the copy to be its
  std::vector<PackedMatrix> matrices;
  std::vector<uint64_t> checksums;  // of each block

  uint64_t data_offset = 0;  // set by parsing and by write_packed_header
  uint64_t data_bytes() const { return checksums.size() * kPackedBlock; }
};

// The file before its data. Sets data_offset.
std::string write_packed_header(PackedHeader& header);

// `bytes` begin the file, whose whole size is `file_bytes`. Everything that the head claims is
// verified, but for the data's checksums. kUnsupported for one of another version of packing,
// kDamaged for anything else that is not right.
Result<PackedHeader> parse_packed_header(std::span<const std::byte> bytes, uint64_t file_bytes);

// Whose it says that it is: `source` and the size of the file; as parse_packed_header otherwise.
struct PackedFileInfo {
  std::string source;
  std::string key;
  uint64_t file_bytes = 0;
};
Result<PackedFileInfo> read_packed_info(const std::string& path);

}  // namespace overtake
