// Base64 (RFC 4648), as tokenizer.json holds bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace overtake {

// nullopt for text that is not base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace overtake
