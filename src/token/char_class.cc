#include "token/char_class.h"

#include <vector>

#include "token/utf8.h"

namespace overtake::internal {
namespace {

constexpr char32_t kPageChars = 256;
constexpr char32_t kCodes = 0x110000;

// One value a character, in pages; those without any share the first.
template <typename Value>
class PagedTable {
 public:
  PagedTable() : page_of_(kCodes / kPageChars, 0), values_(kPageChars, Value{}) {}
  void set(char32_t first, char32_t last, Value value) {
    for (char32_t code = first; code <= last; ++code) {
      uint16_t& page = page_of_[code / kPageChars];
      if (page == 0) {
        page = static_cast<uint16_t>(values_.size() / kPageChars);
        values_.resize(values_.size() + kPageChars, Value{});
      }
      values_[page * kPageChars + code % kPageChars] = value;
    }
  }
  Value operator[](char32_t code) const {
    return values_[page_of_[code / kPageChars] * kPageChars + code % kPageChars];
  }

 private:
  std::vector<uint16_t> page_of_;
  std::vector<Value> values_;
};

PagedTable<CharClass> make_classes() {
  PagedTable<CharClass> table;
  for (const ClassRange& range : class_ranges())
    table.set(range.first, range.last, range.char_class);
  return table;
}

PagedTable<CharKind> make_kinds() {
  PagedTable<CharKind> table;
  for (const KindRange& range : kind_ranges()) table.set(range.first, range.last, range.kind);
  return table;
}

}  // namespace

ClassedChar classify_wide(std::string_view text, size_t at) {
  static const PagedTable<CharClass> table = make_classes();
  const Utf8Char c = decode_utf8(text.substr(at, 4));
  if (c.kind != Utf8Char::Kind::kValid) return {CharClass::kOther, 1};
  return {table[c.code], c.length};
}

KindChar kind_of_wide(std::string_view text, size_t at) {
  static const PagedTable<CharKind> table = make_kinds();
  const Utf8Char c = decode_utf8(text.substr(at, 4));
  if (c.kind != Utf8Char::Kind::kValid) return {CharKind::kOther, 1, 0};
  return {table[c.code], c.length, c.code};
}

}  // namespace overtake::internal
