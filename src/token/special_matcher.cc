#include "token/special_matcher.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "token/char_class.h"

namespace overtake {
namespace {

constexpr size_t kMaxSpecialBytes = 1024;

bool is_space_at(std::string_view text, size_t at) {
  return classify(text, at).char_class == CharClass::kSpace;
}

// \w of regular expressions: letters, marks, numbers, and the underscore.
bool is_word_at(std::string_view text, size_t at) {
  const CharKind kind = kind_of(text, at).kind;
  return is_letter(kind) || kind == CharKind::kMark || kind == CharKind::kNumber || text[at] == '_';
}

// Where the character that ends at `end` begins, not before `limit`.
size_t character_before(std::string_view text, size_t end, size_t limit) {
  size_t at = end - 1;
  while (at > limit && end - at < 4 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return at + classify(text, at).length == end ? at : end - 1;
}

}  // namespace

Result<SpecialMatcher> SpecialMatcher::make(const Vocabulary& vocabulary, const Metadata& metadata,
                                            std::string_view path) {
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
  TRY(out.read_flags(metadata));
  return out;
}

Status SpecialMatcher::read_flags(const Metadata& metadata) {
  const auto read = [&](const char* key, bool Special::* flag) -> Status {
    const auto ids = TRY(metadata.find_ints(key));
    if (!ids) return {};
    const std::set<int64_t> marked(ids->begin(), ids->end());
    for (Special& special : specials_) special.*flag = marked.contains(special.id);
    return {};
  };
  TRY(read("overtake.tokenizer.left_strip", &Special::strips_left));
  TRY(read("overtake.tokenizer.right_strip", &Special::strips_right));
  return read("overtake.tokenizer.single_word", &Special::single_word);
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
      const bool whole_word =
          !begin->single_word ||
          ((at == 0 || !is_word_at(text.text, character_before(text.text, at, 0))) &&
           (at + depth + 1 == text.text.size() || !is_word_at(text.text, at + depth + 1)));
      if ((all_trusted || !begin->is_control) && whole_word) best = {depth + 1, &*begin};
      ++begin;
    }
  }
  return best;
}

SplitPart SpecialMatcher::with_space(const MarkedText& text, size_t ordinary, SplitPart part,
                                     const Special& special) {
  const std::string_view all = text.text;
  const auto may_take = [&](size_t begin, size_t end) {
    if (!is_space_at(all, begin)) return false;
    return !special.is_control || std::all_of(text.trusted.begin() + begin,
                                              text.trusted.begin() + end, [](bool t) { return t; });
  };
  while (special.strips_left && part.begin > ordinary) {
    const size_t before = character_before(all, part.begin, ordinary);
    if (!may_take(before, part.begin)) break;
    part.begin = before;
  }
  while (special.strips_right && part.end < all.size()) {
    const size_t next = part.end + classify(all, part.end).length;
    if (!may_take(part.end, next)) break;
    part.end = next;
  }
  return part;
}

std::vector<SplitPart> SpecialMatcher::split(const MarkedText& text) const {
  OVERTAKE_CHECK(text.text.size() == text.trusted.size());
  std::vector<SplitPart> parts;
  size_t ordinary = 0;  // where the ordinary text before `at` begins
  size_t at = 0;
  while (at < text.text.size()) {
    const Range range = by_first_byte_[static_cast<unsigned char>(text.text[at])];
    const Match match = range.begin < range.end ? longest_at(text, at) : Match{};
    if (!match.special) {
      ++at;
      continue;
    }
    const SplitPart part =
        with_space(text, ordinary, {at, at + match.length, match.special->id}, *match.special);
    if (ordinary < part.begin) parts.push_back({ordinary, part.begin});
    parts.push_back(part);
    at = part.end;
    ordinary = at;
  }
  if (ordinary < at) parts.push_back({ordinary, at});
  return parts;
}

}  // namespace overtake
