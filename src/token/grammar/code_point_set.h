// CodePointSet: a set of characters (Unicode code points but surrogates) and the UTF-8 that spells
// them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace overtake {

struct CharRange {
  char32_t first;
  char32_t last;
};

constexpr char32_t kLastChar = 0x10ffff;

class CodePointSet {
 public:
  CodePointSet() = default;
  CodePointSet(std::initializer_list<CharRange> ranges) {
    for (const CharRange& range : ranges) add(range.first, range.last);
  }
  static CodePointSet all() { return {{0, kLastChar}}; }

  void add(char32_t first, char32_t last);  // surrogates are left out
  void add(const CodePointSet& other);
  CodePointSet without(const CodePointSet& other) const;
  CodePointSet complement() const { return all().without(*this); }
  bool contains(char32_t code) const;
  bool empty() const { return ranges_.empty(); }
  std::span<const CharRange> ranges() const { return ranges_; }  // ascending, apart

 private:
  std::vector<CharRange> ranges_;
};

// Characters of the same number of bytes whose UTF-8 is any byte of each range, in order.
struct Utf8Run {
  struct Bytes {
    uint8_t first;
    uint8_t last;
  };
  int length = 0;  // 1 to 4
  Bytes bytes[4] = {};
};
// All of `set`, as runs that do not overlap.
std::vector<Utf8Run> utf8_runs(const CodePointSet& set);

}  // namespace overtake
