#include "token/grammar/gbnf.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/text.h"
#include "token/unicode_form.h"
#include "token/utf8.h"

namespace overtake {
namespace {

class GbnfParser {
 public:
  GbnfParser(GrammarBuilder& builder, std::string_view source)
      : builder_(builder), source_(source) {}

  Result<RuleId> parse() {
    if (source_.size() > builder_.limits().max_source_bytes) return error("too long", "shorten it");
    for (skip_space(true); !done(); skip_space(true)) {
      const std::string name = read_name();
      if (name.empty()) return error("no name of a rule", "begin a line with name ::=");
      skip_space(false);
      if (!take("::=")) return error("no ::= behind the rule's name", "write name ::= ...");
      skip_space(true);
      const RuleId rule = rule_of(name);
      if (builder_.rules()[static_cast<size_t>(rule)].body >= 0) {
        return error(fmt::format("rule {} is defined twice", name), "join both with |");
      }
      builder_.define(rule, TRY(parse_choice(0)));
      if (!done() && peek() != '\n' && peek() != '\r') {
        return error("something that ends no rule", "close groups, quote literals");
      }
      TRY(builder_.check());
    }
    const auto root = rules_.find("root");
    if (root == rules_.end()) return error("no rule root", "name the first rule root");
    return root->second;
  }

 private:
  Result<ExprId> parse_choice(int depth) {
    if (depth > builder_.limits().max_depth) return error("groups too deep", "use rules");
    std::vector<ExprId> branches;
    do {
      skip_space(true);
      branches.push_back(TRY(parse_sequence(depth)));
    } while (take("|"));
    return builder_.choice(branches);
  }

  Result<ExprId> parse_sequence(int depth) {
    std::vector<ExprId> parts;
    for (;; skip_space(depth > 0)) {
      if (done() || peek() == '|' || peek() == ')' || peek() == '\n' || peek() == '\r') break;
      if (is_count()) {
        if (parts.empty()) return error("a count with nothing before it", "put it behind a part");
        parts.back() = TRY(parse_count(parts.back()));
      } else {
        parts.push_back(TRY(parse_part(depth)));
      }
      TRY(builder_.check());
    }
    return builder_.sequence(parts);
  }

  Result<ExprId> parse_part(int depth) {
    if (take("\"")) return parse_literal();
    if (take("[")) return parse_class();
    if (take(".")) return builder_.chars(CodePointSet::all());
    if (take("(")) {
      const ExprId out = TRY(parse_choice(depth + 1));
      skip_space(true);
      if (!take(")")) return error("a ( without its )", "close it");
      return out;
    }
    if (peek() == '<' || peek() == '!') {
      return Error{ErrorCode::kUnsupported,
                   error("tokens by name or number are not held", "write their text").message};
    }
    const std::string name = read_name();
    if (name.empty()) return error("a character that means nothing here", "quote it");
    return builder_.rule(rule_of(name));
  }

  Result<ExprId> parse_literal() {
    std::string text;
    while (!take("\"")) {
      if (done() || peek() == '\n') return error("a \" without its end", "close the literal");
      append_utf8(TRY(read_char()), text);
    }
    return builder_.literal(text);
  }

  Result<ExprId> parse_class() {
    const bool inverted = take("^");
    CodePointSet set;
    while (!take("]")) {
      if (done()) return error("a [ without its ]", "close the class");
      const char32_t first = TRY(read_char());
      char32_t last = first;
      if (peek_is('-') && at_ + 1 < source_.size() && source_[at_ + 1] != ']') {
        ++at_;
        last = TRY(read_char());
      }
      if (last < first) return error("a range from more to less", "write the smaller one first");
      set.add(first, last);
    }
    if (inverted) set = set.complement();
    return set.empty() ? builder_.nothing() : builder_.chars(set);
  }

  Result<char32_t> read_char() {
    if (done()) return error("the grammar ends within a character", "finish it");
    if (!take("\\")) {
      const Utf8Char c = decode_utf8(source_.substr(at_));
      if (c.kind != Utf8Char::Kind::kValid) return error("bytes that are not UTF-8", "mend them");
      at_ += c.length;
      return c.code;
    }
    if (done()) return error("a \\ at the end", "write what it escapes");
    const char c = source_[at_++];
    constexpr std::string_view kNames = "xuUtrn\\\"[]-^";
    switch (kNames.find(c)) {
      case 0:
        return read_hex(2);
      case 1:
        return read_hex(4);
      case 2:
        return read_hex(8);
      case 3:
        return U'\t';
      case 4:
        return U'\r';
      case 5:
        return U'\n';
      case std::string_view::npos:
        --at_;
        return error("an unknown escape",
                     "use \\n, \\r, \\t, \\\\, \\\", \\[, \\], \\xHH, \\uHHHH");
      default:
        return static_cast<char32_t>(c);
    }
  }

  Result<char32_t> read_hex(size_t n_digits) {
    uint64_t code = 0;
    for (size_t i = 0; i < n_digits; ++i) {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const char c = done() ? ' ' : source_[at_];
      const size_t digit = kDigits.find(c >= 'A' && c <= 'F' ? static_cast<char>(c | 0x20) : c);
      if (digit == std::string_view::npos)
        return error("an escape with too few digits", "add them");
      code = code * 16 + digit;
      ++at_;
    }
    if (code > kLastChar || (code >= 0xd800 && code <= 0xdfff)) {
      return error("an escape that names no character", "use one up to 10FFFF");
    }
    return static_cast<char32_t>(code);
  }

  bool is_count() const { return peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{'; }

  Result<ExprId> parse_count(ExprId part) {
    if (take("*")) return builder_.repeat(part, 0, -1);
    if (take("+")) return builder_.repeat(part, 1, -1);
    if (take("?")) return builder_.repeat(part, 0, 1);
    ++at_;
    skip_space(false);
    const auto min = read_number();
    if (!min) return error("a { without a number", "write {m}, {m,} or {m,n}");
    int64_t max = *min;
    skip_space(false);
    if (take(",")) {
      skip_space(false);
      max = read_number().value_or(-1);
      skip_space(false);
    }
    if (!take("}")) return error("a { without its }", "close it");
    if (max >= 0 && max < *min) return error("a count from more to less", "swap both");
    if (std::max(*min, max) > builder_.limits().max_repeat) {
      return error(fmt::format("a count above {}", builder_.limits().max_repeat),
                   "use a smaller one");
    }
    return builder_.repeat(part, *min, max);
  }

  std::optional<int64_t> read_number() {
    std::optional<int64_t> out;
    for (; !done() && peek() >= '0' && peek() <= '9'; ++at_) {
      out = std::min<int64_t>(out.value_or(0) * 10 + (peek() - '0'), 1'000'000'000);
    }
    return out;
  }

  std::string read_name() {
    const size_t begin = at_;
    const auto fits = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_';
    };
    while (!done() && fits(peek())) ++at_;
    return std::string(source_.substr(begin, at_ - begin));
  }

  RuleId rule_of(const std::string& name) {
    const auto [at, is_new] = rules_.try_emplace(name, 0);
    if (is_new) at->second = builder_.new_rule(name);
    return at->second;
  }

  void skip_space(bool newlines) {
    while (!done()) {
      const char c = peek();
      if (c == '#') {
        while (!done() && peek() != '\n' && peek() != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        break;
      }
    }
  }

  bool done() const { return at_ >= source_.size(); }
  char peek() const { return source_[at_]; }
  bool peek_is(char c) const { return !done() && peek() == c; }
  bool take(std::string_view text) {
    if (!source_.substr(at_).starts_with(text)) return false;
    at_ += text.size();
    return true;
  }

  Error error(std::string_view what, std::string_view remedy) const {
    const size_t at = std::min(at_, source_.size());
    const auto line =
        1 + std::count(source_.begin(), source_.begin() + static_cast<ptrdiff_t>(at), '\n');
    return {ErrorCode::kInvalidArgument,
            fmt::format("{}; line {} of the grammar, before {}; {}", what, line,
                        escaped(source_.substr(at, 24)), remedy)};
  }

  GrammarBuilder& builder_;
  std::string_view source_;
  size_t at_ = 0;
  std::map<std::string, RuleId> rules_;
};

}  // namespace

Result<RuleId> add_gbnf(GrammarBuilder& builder, std::string_view source) {
  return GbnfParser(builder, source).parse();
}

Result<RuleId> add_choices(GrammarBuilder& builder, std::span<const std::string> choices) {
  if (choices.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "there is nothing to choose from; the list of choices; give it a text"};
  }
  std::vector<ExprId> all;
  for (const std::string& choice : choices) all.push_back(builder.literal(choice));
  const RuleId rule = builder.new_rule("choice");
  builder.define(rule, builder.choice(all));
  TRY(builder.check());
  return rule;
}

}  // namespace overtake
