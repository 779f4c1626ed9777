#include "token/char_class.h"

#include <utf8proc.h>

#include "token/utf8.h"

namespace overtake::internal {
namespace {

bool is_white_space(char32_t code) {
  return code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
         code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

}  // namespace

ClassedChar classify_wide(std::string_view text, size_t at) {
  const Utf8Char c = decode_utf8(text.substr(at, 4));
  if (c.kind != Utf8Char::Kind::kValid) return {CharClass::kOther, 1};
  if (is_white_space(c.code)) return {CharClass::kSpace, c.length};
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(c.code))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return {CharClass::kLetter, c.length};
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return {CharClass::kNumber, c.length};
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO:
      return {CharClass::kPunctuation, c.length};
    default:
      return {CharClass::kOther, c.length};
  }
}

}  // namespace overtake::internal
