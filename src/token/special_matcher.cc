#include "token/special_matcher.h"

#include <fmt/core.h>

#include <algorithm>

namespace overtake {
namespace {

constexpr size_t kMaxSpecialBytes = 1024;

}  // namespace

Result<SpecialMatcher> SpecialMatcher::make(const Vocabulary& vocabulary, std::string_view path) {
  SpecialMatcher out;
  for (int32_t id = 0; id < vocabulary.size(); ++id) {
    const bool is_control = vocabulary.is_control(id);
    const std::string_view name = vocabulary.name(id);
    if (name.empty() || (!is_control && vocabulary.type(id) != TokenType::kUserDefined)) continue;
    if (name.size() > kMaxSpecialBytes) {
      return Error{
          ErrorCode::kDamaged,
          fmt::format("special token {} has {} bytes, at most {} are allowed; {}; the file "
                      "is damaged: get it again",
                      id, name.size(), kMaxSpecialBytes, path)};
    }
    out.specials_.push_back({std::string(name), id, is_control});
  }
  std::sort(out.specials_.begin(), out.specials_.end(),
            [](const Special& a, const Special& b) { return a.text < b.text; });
  for (uint32_t i = 0; i < out.specials_.size(); ++i) {
    Range& range = out.by_first_byte_[static_cast<unsigned char>(out.specials_[i].text[0])];
    if (range.end == 0) range.begin = i;
    range.end = i + 1;
  }
  return out;
}

// Narrows the range of specials that agree with the text, a byte at a time: among them the one that
// ends here sorts first.
SpecialMatcher::Match SpecialMatcher::longest_at(const MarkedText& text, size_t at) const {
  const auto byte_at = [](const Special& s, size_t i) {
    return static_cast<unsigned char>(s.text[i]);
  };
  const Range first = by_first_byte_[static_cast<unsigned char>(text.text[at])];
  auto begin = specials_.begin() + first.begin;
  auto end = specials_.begin() + first.end;
  bool all_trusted = true;
  Match best;
  for (size_t depth = 0; begin != end && at + depth < text.text.size(); ++depth) {
    const auto byte = static_cast<unsigned char>(text.text[at + depth]);
    all_trusted = all_trusted && text.trusted[at + depth];
    begin = std::lower_bound(
        begin, end, byte, [&](const Special& s, unsigned char b) { return byte_at(s, depth) < b; });
    end = std::upper_bound(
        begin, end, byte, [&](unsigned char b, const Special& s) { return b < byte_at(s, depth); });
    if (begin != end && begin->text.size() == depth + 1) {
      if (all_trusted || !begin->is_control) best = {depth + 1, begin->id};
      ++begin;
    }
  }
  return best;
}

std::vector<TextPart> SpecialMatcher::split(const MarkedText& text) const {
  OVERTAKE_CHECK(text.text.size() == text.trusted.size());
  std::vector<TextPart> parts;
  size_t ordinary = 0;  // where the ordinary text before `at` begins
  size_t at = 0;
  while (at < text.text.size()) {
    const Range range = by_first_byte_[static_cast<unsigned char>(text.text[at])];
    const Match match = range.begin < range.end ? longest_at(text, at) : Match{};
    if (match.id < 0) {
      ++at;
      continue;
    }
    if (ordinary < at) parts.push_back({ordinary, at});
    parts.push_back({at, at + match.length, match.id});
    at += match.length;
    ordinary = at;
  }
  if (ordinary < at) parts.push_back({ordinary, at});
  return parts;
}

}  // namespace overtake
