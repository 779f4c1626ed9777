#include "token/jinja_lexer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <optional>

#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

constexpr size_t kMaxTokens = 1 << 18;

// "\r\n" and "\r" become "\n", and one newline at the very end goes.
std::string normalize(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
    } else {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) != 0;
}
bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

int digit_of(char c) {
  if (is_ascii_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  Result<std::vector<Token>> run() {
    while (at_ < source_.size()) TRY(read_root());
    push(TokenKind::kEnd, {});
    return std::move(tokens_);
  }

 private:
  enum class Tag { kNone, kBlock, kPrint, kComment };

  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool next_is(std::string_view text) const { return rest().starts_with(text); }

  void push(TokenKind kind, std::string text) {
    Token token;
    token.kind = kind;
    token.line = line_;
    token.text = std::move(text);
    tokens_.push_back(std::move(token));
  }

  void advance(size_t n) {
    line_ += static_cast<int>(std::count(source_.begin() + at_, source_.begin() + at_ + n, '\n'));
    at_ += n;
  }

  size_t spaces_at(size_t from) const {
    size_t at = from;
    while (at < source_.size()) {
      const Char c = char_at(source_, at);
      if (!is_space(c.code)) break;
      at += c.size;
    }
    return at - from;
  }

  // Text up to the next tag, then that tag.
  Status read_root() {
    size_t begin = at_;
    Tag tag = Tag::kNone;
    for (; begin + 1 < source_.size(); ++begin) {
      if (source_[begin] != '{') continue;
      const char c = source_[begin + 1];
      tag = c == '%' ? Tag::kBlock : c == '{' ? Tag::kPrint : c == '#' ? Tag::kComment : Tag::kNone;
      if (tag != Tag::kNone) break;
    }
    if (tag == Tag::kNone) begin = source_.size();
    const char sign = begin + 2 < source_.size() ? source_[begin + 2] : ' ';
    push_data(at_, begin, sign, tag == Tag::kBlock || tag == Tag::kComment);
    advance(begin - at_);
    if (tag == Tag::kNone) return {};
    const bool signed_tag = sign == '-' || sign == '+';
    if (tag == Tag::kBlock && TRY(read_raw(signed_tag))) return {};
    push_tag_begin(tag);
    advance(signed_tag ? 3 : 2);
    if (tag == Tag::kComment) return read_comment();
    return read_tag(tag == Tag::kPrint);
  }

  void push_tag_begin(Tag tag) {
    if (tag == Tag::kBlock) push(TokenKind::kBlockBegin, {});
    if (tag == Tag::kPrint) push(TokenKind::kPrintBegin, {});
  }

  // Template text [begin, end), cut as the tag after it says.
  void push_data(size_t begin, size_t end, char sign, bool may_lstrip) {
    std::string_view text = std::string_view(source_).substr(begin, end - begin);
    if (end == source_.size()) {
      // no tag follows
    } else if (sign == '-') {
      while (!text.empty()) {
        const Char c = char_before(text, text.size());
        if (!is_space(c.code)) break;
        text.remove_suffix(c.size);
      }
    } else if (sign != '+' && may_lstrip) {
      const size_t line = text.rfind('\n') + 1;  // npos + 1 is 0
      if ((line > 0 || line_starting_) && begin + line + spaces_at(begin + line) >= end) {
        text = text.substr(0, line);
      }
    }
    if (!text.empty()) push(TokenKind::kData, std::string(text));
  }

  // {% raw %} ... {% endraw %}: true if one stood here and was read.
  Result<bool> read_raw(bool signed_tag) {
    size_t at = at_ + (signed_tag ? 3 : 2);
    at += spaces_at(at);
    if (std::string_view(source_).substr(at, 3) != "raw") return false;
    at += 3;
    at += spaces_at(at);
    const bool strip = std::string_view(source_).substr(at).starts_with("-%}");
    if (!strip && !std::string_view(source_).substr(at).starts_with("%}")) return false;
    at += strip ? 3 : 2;
    if (strip) at += spaces_at(at);
    const int line = line_;
    finish_tag(at);
    for (size_t begin = source_.find("{%", at_); begin != std::string::npos;
         begin = source_.find("{%", begin + 2)) {
      const char sign = begin + 2 < source_.size() ? source_[begin + 2] : ' ';
      size_t end = begin + (sign == '-' || sign == '+' ? 3 : 2);
      end += spaces_at(end);
      if (std::string_view(source_).substr(end, 6) != "endraw") continue;
      end += 6;
      end += spaces_at(end);
      const std::optional<size_t> close = block_close(end);
      if (!close) continue;
      push_data(at_, begin, sign, true);
      finish_tag(end + *close);
      return true;
    }
    return syntax_error("{% raw %} is never closed", line);
  }

  // Bytes of "%}" with its signs and what they strip, if one stands at `at`.
  std::optional<size_t> block_close(size_t at) const {
    const std::string_view text = std::string_view(source_).substr(at);
    if (text.starts_with("+%}")) return 3;
    if (text.starts_with("-%}")) return 3 + spaces_at(at + 3);
    if (text.starts_with("%}")) return text.substr(2).starts_with('\n') ? 3 : 2;
    return std::nullopt;
  }

  void finish_tag(size_t end) {
    advance(end - at_);
    line_starting_ = at_ > 0 && source_[at_ - 1] == '\n';
  }

  Status read_comment() {
    if (at_ == source_.size()) return {};  // Jinja lets a bare "{#" at the very end pass
    const size_t end = source_.find("#}", at_);
    if (end == std::string::npos) return syntax_error("{# is never closed", line_);
    const char sign = end > at_ ? source_[end - 1] : ' ';
    size_t after = end + 2;
    if (sign == '-') {
      after += spaces_at(after);
    } else if (sign != '+' && after < source_.size() && source_[after] == '\n') {
      ++after;
    }
    finish_tag(after);
    return {};
  }

  // Tokens up to and with "}}" or "%}"; neither closes a tag while a bracket is open.
  Status read_tag(bool print) {
    std::string open;
    while (true) {
      if (tokens_.size() > kMaxTokens) {
        return Error{
            ErrorCode::kExhausted,
            fmt::format("the chat template has more than {} tokens; chat template line {}; "
                        "use a shorter template",
                        kMaxTokens, line_)};
      }
      advance(spaces_at(at_));
      if (at_ >= source_.size()) return syntax_error("a tag is never closed", line_);
      if (open.empty() && read_tag_end(print)) return {};
      const char c = source_[at_];
      if (is_ascii_digit(c)) {
        TRY(read_number());
      } else if (is_name_start(c)) {
        read_name();
      } else if (c == '\'' || c == '"') {
        TRY(read_string(c));
      } else {
        TRY(read_operator(open));
      }
    }
  }

  bool read_tag_end(bool print) {
    if (print) {
      const bool strip = next_is("-}}");
      if (!strip && !next_is("}}")) return false;
      push(TokenKind::kPrintEnd, {});
      const size_t end = at_ + (strip ? 3 : 2);
      finish_tag(strip ? end + spaces_at(end) : end);
      return true;
    }
    const std::optional<size_t> close = block_close(at_);
    if (!close) return false;
    push(TokenKind::kBlockEnd, {});
    finish_tag(at_ + *close);
    return true;
  }

  void read_name() {
    size_t n = 1;
    while (n < rest().size() && (is_name_start(rest()[n]) || is_ascii_digit(rest()[n]))) ++n;
    push(TokenKind::kName, std::string(rest().substr(0, n)));
    at_ += n;
  }

  Status read_operator(std::string& open) {
    constexpr std::array<std::string_view, 6> kLong = {"//", "**", "==", "!=", ">=", "<="};
    for (const std::string_view op : kLong) {
      if (!next_is(op)) continue;
      push(TokenKind::kOperator, std::string(op));
      at_ += 2;
      return {};
    }
    const char c = source_[at_];
    if (std::string_view("+-*/%~[](){}><=.:|,;").find(c) == std::string_view::npos) {
      return syntax_error(fmt::format("unexpected character '{}'", rest().substr(0, 1)), line_);
    }
    if (c == '(') open += ')';
    if (c == '[') open += ']';
    if (c == '{') open += '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c) {
        return syntax_error(fmt::format("unexpected '{}'", c), line_);
      }
      open.pop_back();
    }
    push(TokenKind::kOperator, std::string(1, c));
    ++at_;
    return {};
  }

  // Digits of `base` with single underscores between them, from `at`; where they end.
  size_t digits_end(size_t at, int base) const {
    while (at < source_.size()) {
      const size_t digit = source_[at] == '_' ? at + 1 : at;
      if (digit >= source_.size() || digit_of(source_[digit]) >= base) break;
      at = digit + 1;
    }
    return at;
  }

  Status read_number();
  Status read_string(char quote);
  Status read_escape(std::string_view body, size_t& i, std::string& out) const;

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

Status Lexer::read_number() {
  int base = 10;
  if (next_is("0x") || next_is("0X")) base = 16;
  if (next_is("0o") || next_is("0O")) base = 8;
  if (next_is("0b") || next_is("0B")) base = 2;
  size_t begin = at_;
  size_t end = 0;
  if (base != 10 && digits_end(at_ + 2, base) > at_ + 2) {
    begin += 2;
    end = digits_end(begin, base);
  } else {
    base = 10;
    end = digits_end(at_, 10);
    size_t real_end = end;
    const auto char_is = [&](size_t i, std::string_view set) {
      return i < source_.size() && set.find(source_[i]) != set.npos;
    };
    if (char_is(real_end, ".") && char_is(real_end + 1, "0123456789")) {
      real_end = digits_end(real_end + 1, 10);
    }
    if (char_is(real_end, "eE")) {
      const size_t power = real_end + (char_is(real_end + 1, "+-") ? 2 : 1);
      if (char_is(power, "0123456789")) real_end = digits_end(power, 10);
    }
    const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
    if (real_end > end && !after_dot) {
      std::string digits = source_.substr(at_, real_end - at_);
      std::erase(digits, '_');
      push(TokenKind::kFloat, digits);
      tokens_.back().real = std::strtod(digits.c_str(), nullptr);
      at_ = real_end;
      return {};
    }
    // Decimal numbers have no leading zeros: "007" is 00 and 7, which no expression allows.
    if (source_[at_] == '0') end = std::min(end, source_.find_first_not_of("0_", at_));
  }
  std::string digits = source_.substr(begin, end - begin);
  std::erase(digits, '_');
  push(TokenKind::kInteger, digits);
  const auto [ptr, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), tokens_.back().integer, base);
  at_ = end;
  if (error == std::errc()) return {};
  return Error{ErrorCode::kUnsupported,
               fmt::format("{} is no 64 bit integer; chat template line {}; use a smaller number",
                           digits, line_)};
}

Status Lexer::read_string(char quote) {
  size_t end = at_ + 1;
  while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
  if (end >= source_.size()) return syntax_error("a string is never closed", line_);
  const std::string_view body = std::string_view(source_).substr(at_ + 1, end - at_ - 1);
  std::string out;
  for (size_t i = 0; i < body.size();) {
    if (body[i] == '\\') {
      TRY(read_escape(body, i, out));
    } else {
      out += body[i++];
    }
  }
  push(TokenKind::kString, std::move(out));
  advance(end + 1 - at_);
  return {};
}

// Python's escapes; an unknown one stays as it is written.
Status Lexer::read_escape(std::string_view body, size_t& i, std::string& out) const {
  const char c = body[i + 1];  // read_string never ends a body with a backslash
  constexpr std::string_view kNames = "\\'\"abfnrtv";
  constexpr std::string_view kMeanings = "\\'\"\a\b\f\n\r\t\v";
  const size_t simple = kNames.find(c);
  if (simple != kNames.npos || c == '\n') {
    if (c != '\n') out += kMeanings[simple];
    i += 2;
    return {};
  }
  if (c >= '0' && c <= '7') {
    int32_t code = 0;
    size_t n = 1;
    for (; n <= 3 && i + n < body.size() && digit_of(body[i + n]) < 8; ++n) {
      code = code * 8 + digit_of(body[i + n]);
    }
    append_utf8(out, code);
    i += n;
    return {};
  }
  const size_t n_digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (n_digits == 0) {
    if (c == 'N') return syntax_error("\\N{...} in strings is not supported", line_);
    out += body.substr(i, 2);
    i += 2;
    return {};
  }
  int64_t code = 0;
  for (size_t k = 0; k < n_digits; ++k) {
    const int digit = i + 2 + k < body.size() ? digit_of(body[i + 2 + k]) : 99;
    if (digit >= 16) return syntax_error(fmt::format("a \\{} escape is cut short", c), line_);
    code = code * 16 + digit;
  }
  if (code > 0x10FFFF) return syntax_error("an escape beyond Unicode", line_);
  append_utf8(out, static_cast<int32_t>(code));
  i += 2 + n_digits;
  return {};
}

}  // namespace

Result<std::vector<Token>> tokenize(std::string_view source) {
  return Lexer(normalize(source)).run();
}

Error syntax_error(std::string_view what, int line) {
  return Error{ErrorCode::kDamaged,
               fmt::format("{}; chat template line {}; the template is damaged, use another one",
                           what, line)};
}

}  // namespace overtake::jinja
