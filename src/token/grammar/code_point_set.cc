#include "token/grammar/code_point_set.h"

#include <algorithm>

namespace overtake {
namespace {

constexpr char32_t kFirstSurrogate = 0xd800;
constexpr char32_t kLastSurrogate = 0xdfff;

int encode(char32_t code, uint8_t out[4]) {
  if (code < 0x80) {
    out[0] = static_cast<uint8_t>(code);
    return 1;
  }
  const int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (int i = length - 1; i > 0; --i, code >>= 6) {
    out[i] = static_cast<uint8_t>(0x80 | (code & 0x3f));
  }
  constexpr uint8_t kLeads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[0] = static_cast<uint8_t>(kLeads[length] | code);
  return length;
}

// Cuts [first, last] where its characters' UTF-8 is no plain product of byte ranges: at changes of
// length, and where bytes in the middle would have to run over.
void split(char32_t first, char32_t last, std::vector<Utf8Run>& out) {
  for (const char32_t end : {char32_t{0x7f}, char32_t{0x7ff}, char32_t{0xffff}}) {
    if (first <= end && end < last) {
      split(first, end, out);
      return split(end + 1, last, out);
    }
  }
  if (last >= 0x80) {
    for (int i = 1; i < 4; ++i) {
      const char32_t low = (char32_t{1} << (6 * i)) - 1;  // bits of the last i bytes
      if ((first & ~low) == (last & ~low)) break;
      if ((first & low) != 0) {
        split(first, first | low, out);
        return split((first | low) + 1, last, out);
      }
      if ((last & low) != low) {
        split(first, (last & ~low) - 1, out);
        return split(last & ~low, last, out);
      }
    }
  }
  uint8_t low[4], high[4];
  Utf8Run run;
  run.length = encode(first, low);
  encode(last, high);
  for (int i = 0; i < run.length; ++i) run.bytes[i] = {low[i], high[i]};
  out.push_back(run);
}

}  // namespace

void CodePointSet::add(char32_t first, char32_t last) {
  last = std::min(last, kLastChar);
  if (first > last) return;
  if (first <= kLastSurrogate && last >= kFirstSurrogate) {
    if (first < kFirstSurrogate) add(first, kFirstSurrogate - 1);
    if (last > kLastSurrogate) add(kLastSurrogate + 1, last);
    return;
  }
  auto at =
      std::lower_bound(ranges_.begin(), ranges_.end(), first,
                       [](const CharRange& range, char32_t code) { return range.last + 1 < code; });
  CharRange joined{first, last};
  auto end = at;
  while (end != ranges_.end() && end->first <= last + 1) {
    joined.first = std::min(joined.first, end->first);
    joined.last = std::max(joined.last, end->last);
    ++end;
  }
  at = ranges_.erase(at, end);
  ranges_.insert(at, joined);
}

void CodePointSet::add(const CodePointSet& other) {
  for (const CharRange& range : other.ranges_) add(range.first, range.last);
}

CodePointSet CodePointSet::without(const CodePointSet& other) const {
  CodePointSet out;
  auto cut = other.ranges_.begin();
  for (const CharRange& range : ranges_) {
    char32_t from = range.first;
    while (cut != other.ranges_.end() && cut->last < from) ++cut;
    for (auto at = cut; at != other.ranges_.end() && at->first <= range.last; ++at) {
      if (at->first > from) out.add(from, at->first - 1);
      from = at->last + 1;
    }
    if (from <= range.last) out.add(from, range.last);
  }
  return out;
}

bool CodePointSet::contains(char32_t code) const {
  const auto at =
      std::lower_bound(ranges_.begin(), ranges_.end(), code,
                       [](const CharRange& range, char32_t c) { return range.last < c; });
  return at != ranges_.end() && at->first <= code;
}

std::vector<Utf8Run> utf8_runs(const CodePointSet& set) {
  std::vector<Utf8Run> out;
  for (const CharRange& range : set.ranges()) split(range.first, range.last, out);
  return out;
}

}  // namespace overtake
