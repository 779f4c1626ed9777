// The packed copies that this user keeps: $OVERTAKE_HOME/packed, one file for each model and width
// of instruction set. A start with one maps it instead of packing (see tensor/cpu/packed_copy.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "tensor/cpu/cpu_backend.h"
#include "tensor/cpu/packed_copy.h"

namespace overtake {

// What was kept of this checkpoint, as its files are now; nothing if there is none. A copy that
// must not be used is told in the log, and removed.
PackedCopy open_packed_copy(const Checkpoint& checkpoint, Isa isa, ThreadPool& pool);

// Keeps it, for this user alone. Removes copies that no longer serve (see below) first. kExhausted,
// and nothing is kept, where less than kFreeDiskBytes would be left on the disk.
Status keep_packed_copy(const Checkpoint& checkpoint, Isa isa, const PackedCopy& copy);
constexpr uint64_t kFreeDiskBytes = uint64_t{1} << 30;

struct PackedCopyFile {
  std::string path;
  std::string source;  // the model's file or folder
  uint64_t bytes = 0;
};
// Those of the model at `path`, and of all models in that folder.
std::vector<PackedCopyFile> packed_copies_of(const std::string& path);
void remove_packed_copies(const std::vector<PackedCopyFile>& copies);

// Removes copies of models that are gone, of other bytes than `checkpoint` has where it has the
// same path, of other versions of the program, damaged ones, and what a crash has left.
void remove_useless_packed_copies(const Checkpoint& checkpoint);

}  // namespace overtake
