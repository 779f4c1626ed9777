// Text from outside, made fit for people to see.
#pragma once

#include <string>
#include <string_view>

namespace overtake {

// `text` from a file or a peer for a message: control and non-ASCII bytes as \xNN, so that no
// escape sequence reaches a terminal, and shortened past 96 bytes.
std::string escaped(std::string_view text);

}  // namespace overtake
