// Base64 (RFC 4648) and data: URLs (RFC 2397), in which requests carry images and files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace overtake::wire {

std::string encode_base64(std::string_view bytes);
// Padding may be absent; nullopt for any other character or length.
std::optional<std::string> decode_base64(std::string_view text);

struct DataUrl {
  std::string media_type;
  std::string bytes;
};
// "data:image/png;base64,...": nullopt for anything else.
std::optional<DataUrl> parse_data_url(std::string_view url);
std::string make_data_url(std::string_view media_type, std::string_view bytes);

}  // namespace overtake::wire
