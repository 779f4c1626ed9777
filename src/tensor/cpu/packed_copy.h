// PackedCopy: the packed matrices of one model between a file that was kept and a Backend.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/packed_header.h"
#include "tensor/cpu/weight_memory.h"

namespace overtake {

// Used by one thread at a time. What it gives out stays valid without it.
class PackedCopy {
 public:
  // With nothing kept.
  PackedCopy() = default;
  // A file made by `write` with the same `key`. Every byte that it gives is verified first, which
  // brings it into memory at the speed of reading. kNotFound; kDamaged, kUnsupported (another
  // version) or kInvalidArgument (another key) for one that must not be used.
  static Result<PackedCopy> open(const std::string& path, const std::string& key, ThreadPool& pool);

  // A matrix that was kept.
  std::optional<WeightMemory> find(const PackedMatrixId& id);
  // One that was not, and was packed.
  void add(const PackedMatrixId& id, WeightMemory memory);

  // Whether a matrix was asked for that was not kept.
  bool lacks_some() const { return n_added_ > 0; }
  // Bytes that lie in the system's page cache and so seem free.
  size_t mapped_bytes() const { return mapped_bytes_; }
  // Puts what was found and added in the place of `path`, whole or not at all.
  Status write(const std::string& path, const std::string& source, const std::string& key) const;
  // Bytes that `write` needs on disk.
  uint64_t file_bytes() const;

 private:
  struct Used {
    PackedMatrixId id;
    WeightMemory memory;
  };
  std::vector<PackedMatrix> placed() const;  // of `used_`, one behind the other

  std::map<PackedMatrixId, WeightMemory> kept_;
  std::vector<Used> used_;
  size_t n_added_ = 0;
  size_t mapped_bytes_ = 0;
};

}  // namespace overtake
