// Reading a GGUF file front to back: every size is held against the bytes that are left, and every
// refusal names the place. Also the door between the metadata's reader and the tensor table's.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "base/result.h"
#include "format/checkpoint.h"

namespace overtake {

static_assert(std::endian::native == std::endian::little, "GGUF files are little endian");

class GgufCursor {
 public:
  GgufCursor(std::span<const std::byte> bytes, std::string_view file)
      : bytes_(bytes), file_(file) {}

  std::span<const std::byte> bytes() const { return bytes_; }
  std::string_view file() const { return file_; }
  uint64_t position() const { return position_; }
  uint64_t left() const { return bytes_.size() - position_; }

  Error damage(std::string_view what) const;  // with the place

  // `what` is read, for the message; it may come from the file.
  template <typename T>
  Result<T> read(std::string_view what) {
    if (left() < sizeof(T)) return ends_within(what);
    T value;
    std::memcpy(&value, bytes_.data() + position_, sizeof value);
    position_ += sizeof value;
    return value;
  }

  // A length and that many bytes, borrowed from the file.
  Result<std::string_view> read_string(std::string_view what, uint64_t max_size);

 private:
  Error ends_within(std::string_view what) const;

  std::span<const std::byte> bytes_;
  std::string_view file_;
  uint64_t position_ = 0;
};

// The `n_keys` key-value pairs at the cursor. Memory is bounded by about thirty times the bytes
// that they take, and by a constant.
Result<Metadata> read_gguf_metadata(GgufCursor* cursor, uint64_t n_keys);

}  // namespace overtake
