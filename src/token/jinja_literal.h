// Numbers and strings as a template's source writes them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "token/jinja_lexer.h"

namespace overtake::jinja {

struct Literal {
  Token token;
  size_t size = 0;  // bytes of the source
};

// A decimal number, or inf or nan, that is all of `text`; nothing else. No locale matters.
std::optional<double> parse_double(std::string_view text);

// The number that begins with the digit at source[at]; kUnsupported if it exceeds 64 bits.
Result<Literal> read_number(std::string_view source, size_t at, int line);
// The string that begins with the quote at source[at], its escapes resolved.
Result<Literal> read_string(std::string_view source, size_t at, int line);

}  // namespace overtake::jinja
