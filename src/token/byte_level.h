// The alphabet of byte-level BPE (Radford et al. 2019): every byte is written as one printable
// character, so that vocabularies are text: a space is "Ġ" (U+0120), printable Latin-1 is itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace overtake {

// How a vocabulary writes a byte.
std::string byte_level_name(unsigned char byte);
// The bytes that a token's name stands for; nullopt if some character is not of the alphabet.
std::optional<std::string> byte_level_bytes(std::string_view name);

}  // namespace overtake
