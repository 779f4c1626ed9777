#include "token/jinja_unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>

namespace overtake::jinja {
namespace {

struct Expansion {
  int32_t from;
  int32_t to[3];
};

// Unicode's SpecialCasing.txt, unconditional upper case mappings to several characters.
constexpr Expansion kUpperExpansions[] = {
    {0x00DF, {0x0053, 0x0053, 0}},      {0x0149, {0x02BC, 0x004E, 0}},
    {0x01F0, {0x004A, 0x030C, 0}},      {0x0390, {0x0399, 0x0308, 0x0301}},
    {0x03B0, {0x03A5, 0x0308, 0x0301}}, {0x0587, {0x0535, 0x0552, 0}},
    {0x1E96, {0x0048, 0x0331, 0}},      {0x1E97, {0x0054, 0x0308, 0}},
    {0x1E98, {0x0057, 0x030A, 0}},      {0x1E99, {0x0059, 0x030A, 0}},
    {0x1E9A, {0x0041, 0x02BE, 0}},      {0x1F50, {0x03A5, 0x0313, 0}},
    {0x1F52, {0x03A5, 0x0313, 0x0300}}, {0x1F54, {0x03A5, 0x0313, 0x0301}},
    {0x1F56, {0x03A5, 0x0313, 0x0342}}, {0x1F80, {0x1F08, 0x0399, 0}},
    {0x1F81, {0x1F09, 0x0399, 0}},      {0x1F82, {0x1F0A, 0x0399, 0}},
    {0x1F83, {0x1F0B, 0x0399, 0}},      {0x1F84, {0x1F0C, 0x0399, 0}},
    {0x1F85, {0x1F0D, 0x0399, 0}},      {0x1F86, {0x1F0E, 0x0399, 0}},
    {0x1F87, {0x1F0F, 0x0399, 0}},      {0x1F88, {0x1F08, 0x0399, 0}},
    {0x1F89, {0x1F09, 0x0399, 0}},      {0x1F8A, {0x1F0A, 0x0399, 0}},
    {0x1F8B, {0x1F0B, 0x0399, 0}},      {0x1F8C, {0x1F0C, 0x0399, 0}},
    {0x1F8D, {0x1F0D, 0x0399, 0}},      {0x1F8E, {0x1F0E, 0x0399, 0}},
    {0x1F8F, {0x1F0F, 0x0399, 0}},      {0x1F90, {0x1F28, 0x0399, 0}},
    {0x1F91, {0x1F29, 0x0399, 0}},      {0x1F92, {0x1F2A, 0x0399, 0}},
    {0x1F93, {0x1F2B, 0x0399, 0}},      {0x1F94, {0x1F2C, 0x0399, 0}},
    {0x1F95, {0x1F2D, 0x0399, 0}},      {0x1F96, {0x1F2E, 0x0399, 0}},
    {0x1F97, {0x1F2F, 0x0399, 0}},      {0x1F98, {0x1F28, 0x0399, 0}},
    {0x1F99, {0x1F29, 0x0399, 0}},      {0x1F9A, {0x1F2A, 0x0399, 0}},
    {0x1F9B, {0x1F2B, 0x0399, 0}},      {0x1F9C, {0x1F2C, 0x0399, 0}},
    {0x1F9D, {0x1F2D, 0x0399, 0}},      {0x1F9E, {0x1F2E, 0x0399, 0}},
    {0x1F9F, {0x1F2F, 0x0399, 0}},      {0x1FA0, {0x1F68, 0x0399, 0}},
    {0x1FA1, {0x1F69, 0x0399, 0}},      {0x1FA2, {0x1F6A, 0x0399, 0}},
    {0x1FA3, {0x1F6B, 0x0399, 0}},      {0x1FA4, {0x1F6C, 0x0399, 0}},
    {0x1FA5, {0x1F6D, 0x0399, 0}},      {0x1FA6, {0x1F6E, 0x0399, 0}},
    {0x1FA7, {0x1F6F, 0x0399, 0}},      {0x1FA8, {0x1F68, 0x0399, 0}},
    {0x1FA9, {0x1F69, 0x0399, 0}},      {0x1FAA, {0x1F6A, 0x0399, 0}},
    {0x1FAB, {0x1F6B, 0x0399, 0}},      {0x1FAC, {0x1F6C, 0x0399, 0}},
    {0x1FAD, {0x1F6D, 0x0399, 0}},      {0x1FAE, {0x1F6E, 0x0399, 0}},
    {0x1FAF, {0x1F6F, 0x0399, 0}},      {0x1FB2, {0x1FBA, 0x0399, 0}},
    {0x1FB3, {0x0391, 0x0399, 0}},      {0x1FB4, {0x0386, 0x0399, 0}},
    {0x1FB6, {0x0391, 0x0342, 0}},      {0x1FB7, {0x0391, 0x0342, 0x0399}},
    {0x1FBC, {0x0391, 0x0399, 0}},      {0x1FC2, {0x1FCA, 0x0399, 0}},
    {0x1FC3, {0x0397, 0x0399, 0}},      {0x1FC4, {0x0389, 0x0399, 0}},
    {0x1FC6, {0x0397, 0x0342, 0}},      {0x1FC7, {0x0397, 0x0342, 0x0399}},
    {0x1FCC, {0x0397, 0x0399, 0}},      {0x1FD2, {0x0399, 0x0308, 0x0300}},
    {0x1FD3, {0x0399, 0x0308, 0x0301}}, {0x1FD6, {0x0399, 0x0342, 0}},
    {0x1FD7, {0x0399, 0x0308, 0x0342}}, {0x1FE2, {0x03A5, 0x0308, 0x0300}},
    {0x1FE3, {0x03A5, 0x0308, 0x0301}}, {0x1FE4, {0x03A1, 0x0313, 0}},
    {0x1FE6, {0x03A5, 0x0342, 0}},      {0x1FE7, {0x03A5, 0x0308, 0x0342}},
    {0x1FF2, {0x1FFA, 0x0399, 0}},      {0x1FF3, {0x03A9, 0x0399, 0}},
    {0x1FF4, {0x038F, 0x0399, 0}},      {0x1FF6, {0x03A9, 0x0342, 0}},
    {0x1FF7, {0x03A9, 0x0342, 0x0399}}, {0x1FFC, {0x03A9, 0x0399, 0}},
    {0xFB00, {0x0046, 0x0046, 0}},      {0xFB01, {0x0046, 0x0049, 0}},
    {0xFB02, {0x0046, 0x004C, 0}},      {0xFB03, {0x0046, 0x0046, 0x0049}},
    {0xFB04, {0x0046, 0x0046, 0x004C}}, {0xFB05, {0x0053, 0x0054, 0}},
    {0xFB06, {0x0053, 0x0054, 0}},      {0xFB13, {0x0544, 0x0546, 0}},
    {0xFB14, {0x0544, 0x0535, 0}},      {0xFB15, {0x0544, 0x053B, 0}},
    {0xFB16, {0x054E, 0x0546, 0}},      {0xFB17, {0x0544, 0x053D, 0}}};

const Expansion* find_expansion(int32_t code) {
  const auto* at = std::lower_bound(std::begin(kUpperExpansions), std::end(kUpperExpansions), code,
                                    [](const Expansion& e, int32_t c) { return e.from < c; });
  return at != std::end(kUpperExpansions) && at->from == code ? at : nullptr;
}

utf8proc_category_t category(int32_t code) {
  return code < 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(code);
}

bool is_surrogate(int32_t code) { return code >= 0xD800 && code < 0xE000; }

}  // namespace

Char char_at(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  if (lead < 0x80) return {lead, 1};
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || size > text.size() - at) return {};
  int32_t code = lead & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[at + i]);
    if ((next & 0xC0) != 0x80) return {};
    code = (code << 6) | (next & 0x3F);
  }
  constexpr int32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[size] || code > 0x10FFFF || is_surrogate(code)) return {};
  return {code, size};
}

Char char_before(std::string_view text, size_t end) {
  for (size_t size = 1; size <= std::min<size_t>(4, end); ++size) {
    const Char c = char_at(text.substr(0, end), end - size);
    if (c.code >= 0 && c.size == size) return c;
  }
  return {};
}

size_t count_chars(std::string_view text) {
  if (is_ascii(text)) return text.size();
  size_t n = 0;
  for (size_t at = 0; at < text.size(); at += char_at(text, at).size) ++n;
  return n;
}

size_t byte_of_char(std::string_view text, size_t index) {
  size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += char_at(text, at).size;
  return at;
}

size_t find_text(std::string_view text, std::string_view needle, size_t from) {
  if (from > text.size()) return text.npos;
  if (needle.empty()) return from;
  // std::string_view::find takes quadratic time on texts made for that.
  const void* at = memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return at == nullptr ? text.npos
                       : static_cast<size_t>(static_cast<const char*>(at) - text.data());
}

void append_utf8(std::string& out, int32_t code) {
  if (code < 0 || code > 0x10FFFF || is_surrogate(code)) code = 0xFFFD;
  utf8proc_uint8_t bytes[4];
  const auto n = utf8proc_encode_char(code, bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c & 0x80) == 0; });
}

bool is_space(int32_t code) {
  if (code < 0x80)
    return code == ' ' || (code >= 9 && code <= 13) || (code >= 0x1C && code <= 0x1F);
  return code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
         code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000;
}

bool is_line_break(int32_t code) {
  return (code >= 10 && code <= 13) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
         code == 0x2028 || code == 0x2029;
}

bool is_printable(int32_t code) {
  if (code == ' ') return true;
  const auto c = category(code);
  return c != UTF8PROC_CATEGORY_CN && c < UTF8PROC_CATEGORY_ZS;
}

bool is_alphabetic(int32_t code) {
  const auto c = category(code);
  return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool is_decimal(int32_t code) { return category(code) == UTF8PROC_CATEGORY_ND; }

bool is_digit(int32_t code) {
  return is_decimal(code) || code == 0xB2 || code == 0xB3 || code == 0xB9 || code == 0x2070 ||
         (code >= 0x2074 && code <= 0x2079) || (code >= 0x2080 && code <= 0x2089);
}

bool is_numeric(int32_t code) {
  const auto c = category(code);
  return c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO;
}

bool is_word(int32_t code) { return code == '_' || is_alphabetic(code) || is_numeric(code); }

bool is_upper(int32_t code) { return code >= 0 && utf8proc_isupper(code) != 0; }
bool is_lower(int32_t code) { return code >= 0 && utf8proc_islower(code) != 0; }
bool is_title(int32_t code) { return category(code) == UTF8PROC_CATEGORY_LT; }

void append_upper(std::string& out, int32_t code) {
  const Expansion* expansion = find_expansion(code);
  if (expansion == nullptr) return append_utf8(out, utf8proc_toupper(code));
  for (const int32_t to : expansion->to) {
    if (to != 0) append_utf8(out, to);
  }
}

void append_lower(std::string& out, int32_t code) {
  if (code == 0x130) {  // the one with an unconditional expansion: i and a dot above
    out += "i\u0307";
    return;
  }
  append_utf8(out, utf8proc_tolower(code));
}

void append_title(std::string& out, int32_t code) {
  // Greek with iota subscript has title forms of its own; the others of the table begin with their
  // first capital and continue small.
  const Expansion* expansion = find_expansion(code);
  if (expansion == nullptr || (code != 0xDF && utf8proc_totitle(code) != code)) {
    return append_utf8(out, utf8proc_totitle(code));
  }
  append_utf8(out, expansion->to[0]);
  for (const int32_t to : {expansion->to[1], expansion->to[2]}) {
    if (to != 0) append_lower(out, to);
  }
}

}  // namespace overtake::jinja
