#include "token/unicode_form.h"

#include <utf8proc.h>

#include <bitset>
#include <cstdlib>
#include <memory>

#include "base/check.h"
#include "token/utf8.h"

namespace overtake {
namespace {

constexpr char32_t kCodes = 0x110000;
constexpr char32_t kFirstMoved = 0x300;  // all below is in composed form and never composes

const utf8proc_property_t& property(char32_t code) {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(code));
}

// Characters that composing may change, reorder, or join to the one before ("NFC_Quick_Check" No or
// Maybe, or with a combining class).
class MovedCharacters {
 public:
  MovedCharacters() : moved_(new std::bitset<kCodes>) {
    for (char32_t code = kFirstMoved; code < kCodes; ++code) {
      if (property(code).combining_class != 0) moved_->set(code);
      if (property(code).decomp_type == 0 && property(code).decomp_seqindex != UINT16_MAX) {
        add_parts(code);
      }
    }
    for (char32_t code = 0xc0; code < kFirstMoved; ++code) add_parts(code);
    // The vowels and final consonants of Hangul join what stands before.
    for (char32_t code = 0x1161; code <= 0x1175; ++code) moved_->set(code);
    for (char32_t code = 0x11a8; code <= 0x11c2; ++code) moved_->set(code);
  }
  bool operator[](char32_t code) const { return (*moved_)[code]; }

 private:
  void add_parts(char32_t code) {
    utf8proc_int32_t parts[8];
    const auto decompose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);
    int boundary = 0;
    const auto n = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(code), parts, 8, decompose,
                                           &boundary);
    if (n < 1 || n > 8) return;
    for (utf8proc_ssize_t i = 1; i < n; ++i) moved_->set(static_cast<char32_t>(parts[i]));
    const auto compose = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    const auto left = utf8proc_normalize_utf32(parts, n, compose);
    if (left != 1 || static_cast<char32_t>(parts[0]) != code) moved_->set(code);
  }

  std::unique_ptr<std::bitset<kCodes>> moved_;
};

const MovedCharacters& moved_characters() {
  static const MovedCharacters moved;
  return moved;
}

// `text` is valid UTF-8.
void append_mapped(std::string_view text, UnicodeForm form, std::string& out) {
  constexpr int kOptions[] = {UTF8PROC_COMPOSE, UTF8PROC_DECOMPOSE,
                              UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
                              UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT};
  utf8proc_uint8_t* mapped = nullptr;
  const auto n = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &mapped,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | kOptions[static_cast<int>(form)]));
  OVERTAKE_CHECK(n >= 0);  // only memory can fail it
  out.append(reinterpret_cast<const char*>(mapped), static_cast<size_t>(n));
  std::free(mapped);
}

// Composes around each character that may move, from the one before it to the next that can not.
bool append_composed(std::string_view text, std::string& out) {
  const MovedCharacters& moved = moved_characters();
  size_t done = 0;
  size_t before = 0;  // where the character before `at` begins
  bool broken_before = true;
  for (size_t at = 0; at < text.size();) {
    const Utf8Char c = decode_utf8(text.substr(at, 4));
    const bool valid = c.kind == Utf8Char::Kind::kValid;
    if (!valid || c.code < kFirstMoved || !moved[c.code]) {
      before = at;
      broken_before = !valid;
      at += valid ? c.length : 1;
      continue;
    }
    const size_t begin = broken_before ? at : before;
    out.append(text.substr(done, begin - done));
    do {
      const Utf8Char next = decode_utf8(text.substr(at, 4));
      if (next.kind != Utf8Char::Kind::kValid || !moved[next.code]) break;
      at += next.length;
    } while (at < text.size());
    append_mapped(text.substr(begin, at - begin), UnicodeForm::kNfc, out);
    done = at;
    broken_before = true;  // what stands before is written already
  }
  if (done == 0) return false;
  out.append(text.substr(done));
  return true;
}

}  // namespace

bool append_in_form(std::string_view text, UnicodeForm form, std::string& out) {
  if (form == UnicodeForm::kNfc) return append_composed(text, out);
  const size_t old_size = out.size();
  for (size_t at = 0; at < text.size();) {
    size_t end = at;
    while (end < text.size()) {
      const Utf8Char c = decode_utf8(text.substr(end, 4));
      if (c.kind != Utf8Char::Kind::kValid) break;
      end += c.length;
    }
    if (end > at) append_mapped(text.substr(at, end - at), form, out);
    if (end < text.size()) out += text[end++];
    at = end;
  }
  if (std::string_view(out).substr(old_size) != text) return true;
  out.resize(old_size);
  return false;
}

void append_utf8(char32_t code, std::string& out) {
  utf8proc_uint8_t bytes[4];
  const auto n = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  out.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(n));
}

void append_lower(char32_t code, std::string& out) {
  append_utf8(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(code))), out);
  // The one character whose lower case is two.
  if (code == 0x130) append_utf8(0x307, out);
}

bool is_mark(char32_t code) {
  const int category = property(code).category;
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC ||
         category == UTF8PROC_CATEGORY_ME;
}

size_t grapheme_end(std::string_view text, size_t begin) {
  const Utf8Char first = decode_utf8(text.substr(begin, 4));
  if (first.kind != Utf8Char::Kind::kValid) return begin + 1;
  size_t at = begin + first.length;
  char32_t last = first.code;
  utf8proc_int32_t state = 0;
  while (at < text.size()) {
    const Utf8Char next = decode_utf8(text.substr(at, 4));
    if (next.kind != Utf8Char::Kind::kValid) break;
    if (utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last),
                                         static_cast<utf8proc_int32_t>(next.code), &state)) {
      break;
    }
    last = next.code;
    at += next.length;
  }
  return at;
}

}  // namespace overtake
