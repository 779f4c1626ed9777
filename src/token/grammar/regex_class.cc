#include "token/grammar/regex_class.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "token/char_class.h"
#include "token/utf8.h"

namespace overtake {
namespace {

const CodePointSet& digits() {
  static const CodePointSet set = {{'0', '9'}};
  return set;
}
const CodePointSet& word_chars() {
  static const CodePointSet set = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
  return set;
}
// White space of ECMAScript's \s.
const CodePointSet& spaces() {
  static const CodePointSet set = {
      {'\t', '\r'},     {' ', ' '},       {0xa0, 0xa0},     {0x1680, 0x1680}, {0x2000, 0x200a},
      {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}, {0xfeff, 0xfeff}};
  return set;
}

CodePointSet of_kinds(std::initializer_list<CharKind> kinds) {
  CodePointSet out;
  for (const auto& range : internal::kind_ranges()) {
    if (std::find(kinds.begin(), kinds.end(), range.kind) != kinds.end()) {
      out.add(range.first, range.last);
    }
  }
  return out;
}

// Unicode's general categories, as far as the tokenizers' tables tell them apart.
std::optional<CodePointSet> category(std::string_view name) {
  using enum CharKind;
  if (name == "L" || name == "Letter") return of_kinds({kUpper, kLower, kCaseless});
  if (name == "Ll" || name == "Lowercase_Letter") return of_kinds({kLower});
  if (name == "M" || name == "Mark") return of_kinds({kMark});
  if (name == "N" || name == "Number") return of_kinds({kNumber});
  if (name == "P" || name == "Punctuation") return of_kinds({kPunctuation});
  if (name == "S" || name == "Symbol") return of_kinds({kSymbol});
  return std::nullopt;
}

std::optional<char32_t> hex(std::string_view text, size_t least, size_t most) {
  if (text.size() < least || text.size() > most) return std::nullopt;
  char32_t out = 0;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    const char lower = static_cast<char>(c | 0x20);
    if (!digit && (lower < 'a' || lower > 'f')) return std::nullopt;
    out = out * 16 + static_cast<char32_t>(digit ? c - '0' : lower - 'a' + 10);
  }
  return out <= kLastChar && (out < 0xd800 || out > 0xdfff) ? std::optional(out) : std::nullopt;
}

// Behind \x or \u: digits of a fixed number, or any in braces.
Result<CodePointSet> read_hex(RegexReader& reader, size_t n_digits) {
  std::optional<char32_t> code;
  if (reader.take("{")) {
    const size_t end = reader.rest().find('}');
    code = hex(reader.rest().substr(0, end), 1, 6);
    if (code && end != std::string_view::npos) reader.skip(end + 1);
    if (end == std::string_view::npos) code.reset();
  } else {
    code = hex(reader.rest().substr(0, n_digits), n_digits, n_digits);
    if (code) reader.skip(n_digits);
  }
  if (!code) return reader.error("an escape that names no character", "use \\xHH, \\uHHHH, \\u{H}");
  return CodePointSet{{*code, *code}};
}

Result<CodePointSet> read_category(RegexReader& reader) {
  std::string_view name = reader.rest().substr(0, 1);
  size_t length = 1;
  if (reader.take("{")) {
    const size_t end = reader.rest().find('}');
    name = reader.rest().substr(0, end);
    length = std::min(name.size() + 1, reader.rest().size());
  }
  const auto set = category(name);
  if (!set) {
    return Error{ErrorCode::kUnsupported,
                 reader
                     .error("a property of characters that is not known here",
                            "use L, Ll, M, N, P or S, or list the characters")
                     .message};
  }
  reader.skip(length);
  return *set;
}

// Behind the backslash.
Result<CodePointSet> read_escape(RegexReader& reader) {
  if (reader.done()) return reader.error("a \\ at the end", "write \\\\ for the character");
  const char c = reader.peek();
  reader.skip(1);
  const auto one = [](char32_t code) { return CodePointSet{{code, code}}; };
  switch (c) {
    case 'd':
      return digits();
    case 'D':
      return digits().complement();
    case 'w':
      return word_chars();
    case 'W':
      return word_chars().complement();
    case 's':
      return spaces();
    case 'S':
      return spaces().complement();
    case 'n':
      return one('\n');
    case 'r':
      return one('\r');
    case 't':
      return one('\t');
    case 'f':
      return one('\f');
    case 'v':
      return one('\v');
    case '0':
      return one(0);
    case 'x':
      return read_hex(reader, 2);
    case 'u':
      return read_hex(reader, 4);
    case 'p':
      return read_category(reader);
    case 'P':
      return TRY(read_category(reader)).complement();
    case 'c': {
      const char letter = reader.done() ? '\0' : static_cast<char>(reader.peek() | 0x20);
      if (letter < 'a' || letter > 'z') return reader.error("\\c without a letter", "add it");
      reader.skip(1);
      return one(static_cast<char32_t>(letter - 'a' + 1));
    }
    default:
      break;
  }
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '1' && c <= '9')) {
    reader.rewind(reader.position() - 1);
    return Error{ErrorCode::kUnsupported,
                 reader
                     .error("an escape that is not held: word borders and back references are "
                            "not regular",
                            "leave it out")
                     .message};
  }
  if (static_cast<unsigned char>(c) >= 0x80) {
    reader.rewind(reader.position() - 1);
    return read_regex_char(reader);
  }
  return one(static_cast<char32_t>(c));
}

}  // namespace

bool RegexReader::take(std::string_view text) {
  if (!rest().starts_with(text)) return false;
  at_ += text.size();
  return true;
}

std::optional<int64_t> RegexReader::number() {
  constexpr int64_t kMost = 1'000'000'000;
  std::optional<int64_t> out;
  while (!done() && peek() >= '0' && peek() <= '9') {
    out = std::min(out.value_or(0) * 10 + (peek() - '0'), kMost);
    skip(1);
  }
  return out;
}

Error RegexReader::error(std::string_view what, std::string_view remedy) const {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}; at byte {} of the regular expression {}; {}", what, at_,
                      escaped(source_), remedy)};
}

Result<CodePointSet> read_regex_char(RegexReader& reader) {
  if (reader.take("\\")) return read_escape(reader);
  const Utf8Char c = decode_utf8(reader.rest());
  if (c.kind != Utf8Char::Kind::kValid)
    return reader.error("bytes that are not UTF-8", "mend them");
  reader.skip(c.length);
  return CodePointSet{{c.code, c.code}};
}

Result<CodePointSet> read_regex_class(RegexReader& reader) {
  const bool inverted = reader.take("^");
  CodePointSet out;
  for (bool first = true;; first = false) {
    if (reader.done()) return reader.error("a [ without its ]", "write \\[ for the character");
    // A ] that stands first is itself, as in RE2 and Python.
    if (!first && reader.take("]")) break;
    if (first && reader.rest().starts_with("]") &&
        reader.rest().find(']', 1) == reader.rest().npos) {
      reader.skip(1);
      break;
    }
    if (reader.rest().starts_with("[:")) {
      return Error{ErrorCode::kUnsupported,
                   reader
                       .error("named classes like [:alpha:] are not held",
                              "list the characters, or use \\d, \\w, \\s, \\p{L}")
                       .message};
    }
    const CodePointSet from = TRY(read_regex_char(reader));
    const bool is_range =
        reader.rest().size() > 1 && reader.peek() == '-' && reader.rest()[1] != ']';
    const bool is_one =
        from.ranges().size() == 1 && from.ranges()[0].first == from.ranges()[0].last;
    if (!is_range || !is_one) {
      out.add(from);
      continue;
    }
    reader.skip(1);
    const CodePointSet to = TRY(read_regex_char(reader));
    const bool to_one = to.ranges().size() == 1 && to.ranges()[0].first == to.ranges()[0].last;
    if (!to_one || to.ranges()[0].first < from.ranges()[0].first) {
      return reader.error("a range from more to less", "write the smaller character first");
    }
    out.add(from.ranges()[0].first, to.ranges()[0].first);
  }
  return inverted ? out.complement() : out;
}

}  // namespace overtake
