#include "tensor/cpu/packed_copy.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "base/checksum.h"
#include "base/file.h"
#include "tensor/large_block.h"
#include "tensor/large_mapping.h"

namespace overtake {
namespace {

static_assert(kPackedBlock == kHugePageBytes);
// Of a file's blocks, so many tell how the kernel has its pages.
constexpr size_t kProbedBlocks = 16;
constexpr double kMostlyHuge = 0.75;

// The data of a copy in memory, and what keeps it there.
struct Data {
  const std::byte* bytes = nullptr;
  std::shared_ptr<const void> owner;
  bool mapped = false;
};

Error wrong_block(size_t block) {
  return {ErrorCode::kDamaged,
          fmt::format("the checksum of block {} is wrong; packed copy; it is damaged; the model is "
                      "packed instead",
                      block)};
}

// Whether the mapped blocks [first, last) are as the head says; all of them come into memory.
Status verify(const LargeMapping& file, const PackedHeader& header, size_t first, size_t last,
              ThreadPool& pool) {
  std::atomic<size_t> wrong = SIZE_MAX;
  pool.parallel_for(static_cast<int>(last - first), [&](int i) {
    const size_t block = first + static_cast<size_t>(i);
    const auto bytes =
        file.bytes().subspan(header.data_offset + block * kPackedBlock, kPackedBlock);
    if (checksum(bytes) != header.checksums[block]) wrong = block;
  });
  return wrong == SIZE_MAX ? Status() : wrong_block(wrong);
}

// Where the kernel keeps files in small pages only, weights are read faster from a copy in memory.
Result<Data> read_data(const LargeMapping& file, const PackedHeader& header, ThreadPool& pool) {
  std::shared_ptr<std::byte> memory = allocate_block(header.data_bytes());
  if (!memory) {
    return Error{ErrorCode::kExhausted,
                 "no memory for the packed copy; use a smaller model or a machine with more"};
  }
  std::atomic<size_t> wrong = SIZE_MAX;
  pool.parallel_for(static_cast<int>(header.checksums.size()), [&](int i) {
    const auto block = static_cast<size_t>(i);
    const std::span into(memory.get() + block * kPackedBlock, kPackedBlock);
    const Status read = file.read(header.data_offset + block * kPackedBlock, into);
    if (!read.ok() || checksum(into) != header.checksums[block]) wrong = block;
  });
  if (wrong != SIZE_MAX) return wrong_block(wrong);
  const std::byte* bytes = memory.get();
  return Data{bytes, std::move(memory), false};
}

// Mapped, where its pages are huge: that costs no memory of this process and nothing but reading.
Result<Data> take_data(LargeMapping file, const PackedHeader& header, ThreadPool& pool) {
  const size_t n_blocks = header.checksums.size();
  const size_t n_probed = std::min(n_blocks, kProbedBlocks);
  TRY(verify(file, header, 0, n_probed, pool));
  if (n_blocks > 0 && has_huge_pages() && file.share_in_huge_pages() < kMostlyHuge) {
    TRY(file.map_anew());
    TRY(verify(file, header, 0, n_probed, pool));
    if (file.share_in_huge_pages() < kMostlyHuge) return read_data(file, header, pool);
  }
  TRY(verify(file, header, n_probed, n_blocks, pool));
  auto owner = std::make_shared<const LargeMapping>(std::move(file));
  const std::byte* bytes = owner->bytes().data() + header.data_offset;
  return Data{bytes, std::move(owner), true};
}

uint64_t blocks_of(std::span<const PackedMatrix> matrices) {
  if (matrices.empty()) return 0;
  const PackedMatrix& last = matrices.back();
  return (last.offset + last.id.bytes + kPackedBlock - 1) / kPackedBlock;
}

}  // namespace

Result<PackedCopy> PackedCopy::open(const std::string& path, const std::string& key,
                                    ThreadPool& pool) {
  LargeMapping file = TRY(LargeMapping::open(path));
  const PackedHeader header = TRY(parse_packed_header(file.bytes(), file.bytes().size()));
  if (header.key != key) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the packed copy of another model; {}; remove it", path)};
  }
  const Data data = TRY(take_data(std::move(file), header, pool));
  PackedCopy out;
  for (const PackedMatrix& matrix : header.matrices) {
    out.kept_[matrix.id] = {const_cast<std::byte*>(data.bytes) + matrix.offset, matrix.id.bytes,
                            data.owner};
  }
  if (data.mapped) out.mapped_bytes_ = header.data_bytes();
  return out;
}

std::optional<WeightMemory> PackedCopy::find(const PackedMatrixId& id) {
  const auto at = kept_.find(id);
  if (at == kept_.end()) return std::nullopt;
  used_.push_back({id, at->second});
  return at->second;
}

void PackedCopy::add(const PackedMatrixId& id, WeightMemory memory) {
  used_.push_back({id, std::move(memory)});
  ++n_added_;
}

std::vector<PackedMatrix> PackedCopy::placed() const {
  std::vector<PackedMatrix> out;
  uint64_t offset = 0;
  for (const Used& used : used_) {
    out.push_back({used.id, offset});
    offset += (used.id.bytes + kPackedAlignment - 1) / kPackedAlignment * kPackedAlignment;
  }
  return out;
}

uint64_t PackedCopy::file_bytes() const {
  PackedHeader header{.matrices = placed()};
  header.checksums.resize(blocks_of(header.matrices));
  write_packed_header(header);
  return header.data_offset + header.data_bytes();
}

// A block at a time: so written, the kernel keeps it in huge pages at once.
Status PackedCopy::write(const std::string& path, const std::string& source,
                         const std::string& key) const {
  PackedHeader header{.source = source, .key = key, .matrices = placed()};
  header.checksums.resize(blocks_of(header.matrices));
  write_packed_header(header);
  ReplacedFile file = TRY(ReplacedFile::create(path, 0600));
  std::string block(kPackedBlock, '\0');
  size_t next = 0;  // the first matrix that does not end before the block
  for (uint64_t& sum : header.checksums) {
    const uint64_t begin = static_cast<uint64_t>(&sum - header.checksums.data()) * kPackedBlock;
    const uint64_t end = begin + kPackedBlock;
    std::ranges::fill(block, '\0');
    for (size_t i = next; i < used_.size() && header.matrices[i].offset < end; ++i) {
      const uint64_t first = header.matrices[i].offset;
      const uint64_t last = first + used_[i].id.bytes;
      const uint64_t from = std::max(first, begin), to = std::min(last, end);
      if (from < to) {
        std::memcpy(block.data() + (from - begin), used_[i].memory.data + (from - first),
                    to - from);
      }
      if (last <= end) next = i + 1;
    }
    sum = checksum(std::as_bytes(std::span(block)));
    TRY(file.write_at(header.data_offset + begin, block));
  }
  TRY(file.write_at(0, write_packed_header(header)));
  return file.commit();
}

}  // namespace overtake
