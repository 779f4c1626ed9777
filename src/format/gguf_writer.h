// GgufWriter: a GGUF file (version 3) written beside its final name and renamed into place, so that
// nobody ever sees half of one. Tensors' bytes arrive in pieces, from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "format/checkpoint.h"
#include "tensor/quant_type.h"

namespace overtake {

// One row of the tensor table.
struct GgufTensor {
  std::string name;
  const QuantType* type = nullptr;
  std::vector<int64_t> shape;  // outermost first; a row holds whole blocks

  uint64_t n_bytes() const;
  uint64_t file_bytes() const;  // with those that align the next tensor
};

// Of the file that GgufWriter makes of these.
uint64_t gguf_file_bytes(const Metadata& metadata, std::span<const GgufTensor> tensors);

class GgufWriter {
 public:
  // Writes the header and the table. Integers become UINT32 or INT32 where they fit, numbers
  // FLOAT32 where that is exact, as llama.cpp reads them; keys are sorted, general.architecture
  // first. kInvalidArgument if `path` exists and `overwrite` is false; kIo where the disk lacks the
  // room.
  static Result<GgufWriter> create(const std::string& path, const Metadata& metadata,
                                   std::vector<GgufTensor> tensors, bool overwrite);
  GgufWriter(GgufWriter&& other) noexcept;
  GgufWriter& operator=(GgufWriter&& other) = delete;
  ~GgufWriter();  // without finish(): removes what was written

  std::span<const GgufTensor> tensors() const { return tensors_; }
  uint64_t file_bytes() const { return file_bytes_; }
  // `bytes` at `offset` of tensor `index`. Any thread; every byte must be written once.
  Status write(size_t index, uint64_t offset, std::span<const std::byte> bytes) const;
  // Syncs the file and gives it its name.
  Status finish();

 private:
  GgufWriter() = default;

  std::string path_;
  std::string temporary_;
  bool overwrite_ = false;
  int fd_ = -1;
  std::vector<GgufTensor> tensors_;
  std::vector<uint64_t> offsets_;  // of each tensor's bytes, from the start of the file
  uint64_t file_bytes_ = 0;
};

}  // namespace overtake
