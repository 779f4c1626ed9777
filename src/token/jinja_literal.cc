#include "token/jinja_literal.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>

#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

bool char_is(std::string_view source, size_t at, std::string_view set) {
  return at < source.size() && set.find(source[at]) != set.npos;
}

// Where digits of `base`, with single underscores between them, end.
size_t digits_end(std::string_view source, size_t at, int base) {
  while (at < source.size()) {
    const size_t digit = source[at] == '_' ? at + 1 : at;
    if (digit >= source.size() || digit_of(source[digit]) >= base) break;
    at = digit + 1;
  }
  return at;
}

// Where a fraction or an exponent after the digits that end at `end` ends; `end` if there is none.
size_t real_end(std::string_view source, size_t end) {
  constexpr std::string_view kDigits = "0123456789";
  if (char_is(source, end, ".") && char_is(source, end + 1, kDigits)) {
    end = digits_end(source, end + 1, 10);
  }
  if (char_is(source, end, "eE")) {
    const size_t power = end + (char_is(source, end + 1, "+-") ? 2 : 1);
    if (char_is(source, power, kDigits)) end = digits_end(source, power, 10);
  }
  return end;
}

std::string plain(std::string_view digits) {
  std::string out(digits);
  std::erase(out, '_');
  return out;
}

int base_of(std::string_view source, size_t at) {
  if (source[at] != '0') return 10;
  const int base = char_is(source, at + 1, "xX")   ? 16
                   : char_is(source, at + 1, "oO") ? 8
                   : char_is(source, at + 1, "bB") ? 2
                                                   : 10;
  return base != 10 && digits_end(source, at + 2, base) == at + 2 ? 10 : base;
}

// Python's escapes; an unknown one stays as it is written. Returns how many bytes it took.
Result<size_t> read_escape(std::string_view rest, int line, std::string& out) {
  const char c = rest[1];  // read_string never ends a body with a backslash
  constexpr std::string_view kNames = "\\'\"abfnrtv";
  constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  const size_t simple = kNames.find(c);
  if (simple != kNames.npos || c == '\n') {
    if (c != '\n') out += kMeanings[simple];
    return size_t{2};
  }
  if (c >= '0' && c <= '7') {
    int32_t code = 0;
    size_t n = 1;
    for (; n <= 3 && n < rest.size() && digit_of(rest[n]) < 8; ++n) {
      code = code * 8 + digit_of(rest[n]);
    }
    append_utf8(out, code);
    return n;
  }
  const size_t n_digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (n_digits == 0) {
    if (c == 'N') return syntax_error("\\N{...} in strings is not supported", line);
    out += rest.substr(0, 2);
    return size_t{2};
  }
  int64_t code = 0;
  for (size_t k = 0; k < n_digits; ++k) {
    const int digit = 2 + k < rest.size() ? digit_of(rest[2 + k]) : 99;
    if (digit >= 16) return syntax_error(fmt::format("a \\{} escape is cut short", c), line);
    code = code * 16 + digit;
  }
  if (code > 0x10FFFF) return syntax_error("an escape beyond Unicode", line);
  append_utf8(out, static_cast<int32_t>(code));
  return 2 + n_digits;
}

}  // namespace

std::optional<double> parse_double(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || text[0] == '-') return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) {
    const bool small = text.find("e-") != text.npos || text.find("E-") != text.npos;
    value = small ? 0.0 : std::numeric_limits<double>::infinity();
  } else if (error != std::errc()) {
    return std::nullopt;
  }
  return negative ? -value : value;
}

Result<Literal> read_number(std::string_view source, size_t at, int line) {
  const int base = base_of(source, at);
  const size_t begin = base == 10 ? at : at + 2;
  size_t end = digits_end(source, begin, base);
  Literal out;
  const bool after_dot = at > 0 && source[at - 1] == '.';  // "a.1.5" is two items, no fraction
  const size_t real = base == 10 && !after_dot ? real_end(source, end) : end;
  if (real > end) {
    out.token.kind = TokenKind::kFloat;
    out.token.text = plain(source.substr(at, real - at));
    out.token.real = parse_double(out.token.text).value_or(0);
    out.size = real - at;
    return out;
  }
  // Decimal numbers have no leading zeros: "007" is 00 and 7, which no expression allows.
  if (base == 10 && source[at] == '0') end = std::min(end, source.find_first_not_of("0_", at));
  out.token.kind = TokenKind::kInteger;
  out.token.text = plain(source.substr(begin, end - begin));
  out.size = end - at;
  const std::string& digits = out.token.text;
  const auto [ptr, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), out.token.integer, base);
  if (error == std::errc()) return out;
  return Error{ErrorCode::kUnsupported,
               fmt::format("{} is no 64 bit integer; chat template line {}; use another template",
                           digits.substr(0, 40), line)};
}

Result<Literal> read_string(std::string_view source, size_t at, int line) {
  const char quote = source[at];
  size_t end = at + 1;
  while (end < source.size() && source[end] != quote) end += source[end] == '\\' ? 2 : 1;
  if (end >= source.size()) return syntax_error("a string is never closed", line);
  const std::string_view body = source.substr(at + 1, end - at - 1);
  Literal out;
  out.token.kind = TokenKind::kString;
  out.size = end + 1 - at;
  for (size_t i = 0; i < body.size();) {
    if (body[i] == '\\') {
      i += TRY(read_escape(body.substr(i), line, out.token.text));
    } else {
      out.token.text += body[i++];
    }
  }
  return out;
}

}  // namespace overtake::jinja
