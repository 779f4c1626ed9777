#include "format/gguf_cursor.h"

#include <fmt/core.h>

#include "format/message.h"

namespace overtake {

Error GgufCursor::damage(std::string_view what) const {
  return damaged(fmt::format("{} (byte {})", what, position_), file_);
}

Error GgufCursor::ends_within(std::string_view what) const {
  return damage(fmt::format("the file ends within {}", escaped(what)));
}

Result<std::string_view> GgufCursor::read_string(std::string_view what, uint64_t max_size) {
  const uint64_t size = TRY(read<uint64_t>(what));
  if (size > left()) {
    return damage(fmt::format("{} has {} bytes, {} are left", escaped(what), size, left()));
  }
  if (size > max_size) {
    return damage(fmt::format("{} has {} bytes, more than {}", escaped(what), size, max_size));
  }
  const char* text = reinterpret_cast<const char*>(bytes_.data() + position_);
  position_ += size;
  return std::string_view(text, size);
}

}  // namespace overtake
