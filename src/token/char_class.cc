#include "token/char_class.h"

#include <vector>

#include "token/utf8.h"

namespace overtake::internal {
namespace {

constexpr char32_t kPageChars = 256;
constexpr char32_t kCodes = 0x110000;

// One class a character, in pages; those without any class share the first.
class ClassTable {
 public:
  ClassTable() : page_of_(kCodes / kPageChars, 0), classes_(kPageChars, CharClass::kOther) {
    for (const ClassRange& range : class_ranges()) {
      for (char32_t code = range.first; code <= range.last; ++code) {
        uint16_t& page = page_of_[code / kPageChars];
        if (page == 0) {
          page = static_cast<uint16_t>(classes_.size() / kPageChars);
          classes_.resize(classes_.size() + kPageChars, CharClass::kOther);
        }
        classes_[page * kPageChars + code % kPageChars] = range.char_class;
      }
    }
  }
  CharClass operator[](char32_t code) const {
    return classes_[page_of_[code / kPageChars] * kPageChars + code % kPageChars];
  }

 private:
  std::vector<uint16_t> page_of_;
  std::vector<CharClass> classes_;
};

}  // namespace

ClassedChar classify_wide(std::string_view text, size_t at) {
  static const ClassTable table;
  const Utf8Char c = decode_utf8(text.substr(at, 4));
  if (c.kind != Utf8Char::Kind::kValid) return {CharClass::kOther, 1};
  return {table[c.code], c.length};
}

}  // namespace overtake::internal
