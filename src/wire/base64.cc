#include "wire/base64.h"

#include <array>
#include <cstdint>

namespace overtake::wire {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t kNone = 0xff;

constexpr std::array<uint8_t, 256> make_values() {
  std::array<uint8_t, 256> out{};
  out.fill(kNone);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    out[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return out;
}
constexpr std::array<uint8_t, 256> kValues = make_values();

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? kAlphabet[group >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

std::optional<std::string> decode_base64(std::string_view text) {
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  uint32_t group = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t value = kValues[static_cast<uint8_t>(text[i])];
    if (value == kNone) return std::nullopt;
    group = group << 6 | value;
    // Each character but the first of four completes a byte.
    if (i % 4 != 0) out += static_cast<char>(group >> (4 - 2 * (i % 4 - 1)) & 0xff);
  }
  return out;
}

std::optional<DataUrl> parse_data_url(std::string_view url) {
  constexpr std::string_view kScheme = "data:";
  constexpr std::string_view kEncoding = ";base64";
  if (!url.starts_with(kScheme)) return std::nullopt;
  url.remove_prefix(kScheme.size());
  const size_t comma = url.find(',');
  if (comma == url.npos || !url.substr(0, comma).ends_with(kEncoding)) return std::nullopt;
  auto bytes = decode_base64(url.substr(comma + 1));
  if (!bytes) return std::nullopt;
  return DataUrl{std::string(url.substr(0, comma - kEncoding.size())), std::move(*bytes)};
}

std::string make_data_url(std::string_view media_type, std::string_view bytes) {
  std::string out = "data:";
  out.append(media_type).append(";base64,").append(encode_base64(bytes));
  return out;
}

}  // namespace overtake::wire
