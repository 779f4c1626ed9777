// Unicode's normal forms (UAX 15) and character-wise rewriting, over bytes that may not all be
// UTF-8: those that are not stay where they are.
#pragma once

#include <string>
#include <string_view>

namespace overtake {

enum class UnicodeForm { kNfc, kNfd, kNfkc, kNfkd };

// Appends `text` in the given form to `out`; false, with nothing appended, if it is in that form.
bool append_in_form(std::string_view text, UnicodeForm form, std::string& out);

// Lower case, character by character (Unicode's full mapping without context).
void append_lower(char32_t code, std::string& out);
void append_utf8(char32_t code, std::string& out);
bool is_mark(char32_t code);  // \p{M}

// The end of the user-perceived character (extended grapheme cluster, UAX 29) at text[begin]. A
// byte that is not UTF-8 is one of its own.
size_t grapheme_end(std::string_view text, size_t begin);

}  // namespace overtake
