#include "token/jinja_lexer.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <optional>

#include "token/jinja_literal.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

constexpr size_t kMaxTokens = 1 << 16;

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
        TRY(read_literal(read_number(source_, at_, line_)));
      } else if (is_name_start(c)) {
        read_name();
      } else if (c == '\'' || c == '"') {
        TRY(read_literal(read_string(source_, at_, line_)));
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

  // A literal: its token, and on to what follows.
  Status read_literal(Result<Literal> literal) {
    if (!literal.ok()) return std::move(literal).error();
    literal->token.line = line_;
    tokens_.push_back(std::move(literal->token));
    advance(literal->size);
    return {};
  }

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

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
