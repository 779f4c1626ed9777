#include "wire/embed_call.h"

#include <array>
#include <bit>
#include <charconv>

#include "wire/base64.h"

namespace overtake::wire {

std::string floats_json(std::span<const float> values) {
  std::string out = "[";
  std::array<char, 32> digits;
  for (const float value : values) {
    if (out.size() > 1) out += ',';
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
  }
  return out + "]";
}

std::string floats_base64(std::span<const float> values) {
  static_assert(std::endian::native == std::endian::little && sizeof(float) == 4);
  return encode_base64({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

std::string join_json(std::span<const std::string> values) {
  std::string out = "[";
  for (const std::string& value : values) {
    if (out.size() > 1) out += ',';
    out += value;
  }
  return out + "]";
}

}  // namespace overtake::wire
