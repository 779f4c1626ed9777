// How SentencePiece's vocabularies write things: spaces as U+2581, bytes as "<0x0A>".
#pragma once

#include <string>
#include <string_view>

namespace overtake {

constexpr std::string_view kVisibleSpace = "\xE2\x96\x81";  // U+2581

// `text` with U+2581 as spaces: to SentencePiece the two are one character.
void append_with_spaces(std::string_view text, std::string& out);

// The byte that "<0xNN>" names, -1 for any other name.
int named_byte(std::string_view name);

}  // namespace overtake
