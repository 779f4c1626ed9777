// Characters as Python's str methods see them. Strings are UTF-8; a byte that belongs to no
// character counts as one, so broken text never fails and is never lost.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace overtake::jinja {

struct Char {
  int32_t code = -1;  // -1: a byte that is not part of a character
  size_t size = 1;    // bytes
};

// The character that begins at byte `at` (< text.size()).
Char char_at(std::string_view text, size_t at);
// The one that ends before byte `end` (> 0).
Char char_before(std::string_view text, size_t end);
size_t count_chars(std::string_view text);
// Where the character with number `index` begins; text.size() past the end.
size_t byte_of_char(std::string_view text, size_t index);
// Where `needle` begins at or after `from`, in linear time, or npos.
size_t find_text(std::string_view text, std::string_view needle, size_t from);
void append_utf8(std::string& out, int32_t code);  // U+FFFD for what is no character

bool is_ascii(std::string_view text);
bool is_space(int32_t code);       // str.isspace
bool is_line_break(int32_t code);  // str.splitlines, \r\n aside
bool is_printable(int32_t code);   // str.isprintable
bool is_alphabetic(int32_t code);  // str.isalpha
bool is_decimal(int32_t code);     // str.isdecimal
bool is_digit(int32_t code);       // str.isdigit
bool is_numeric(int32_t code);     // str.isnumeric
bool is_word(int32_t code);        // \w of Python's re
bool is_upper(int32_t code);
bool is_lower(int32_t code);
bool is_title(int32_t code);
inline bool is_cased(int32_t code) { return is_upper(code) || is_lower(code) || is_title(code); }

// The full mappings (a character may become several), without the rules for a final sigma.
void append_upper(std::string& out, int32_t code);
void append_lower(std::string& out, int32_t code);
void append_title(std::string& out, int32_t code);

}  // namespace overtake::jinja
