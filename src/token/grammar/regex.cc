#include "token/grammar/regex.h"

#include <fmt/core.h>

#include <optional>

#include "base/text.h"
#include "token/grammar/regex_class.h"

namespace overtake {
namespace {

class RegexParser {
 public:
  RegexParser(GrammarBuilder& builder, std::string_view source, const RegexOptions& options)
      : builder_(builder), reader_(source), options_(options) {}

  Result<ExprId> parse() {
    if (reader_.source().size() > builder_.limits().max_source_bytes) {
      return reader_.error("the expression is too long", "use a shorter one");
    }
    if (reader_.take("(?i)")) ignores_case_ = true;
    const ExprId out = TRY(parse_choice(0, true));
    if (!reader_.done()) return reader_.error("a ) without its (", "write \\) for the character");
    TRY(builder_.check());
    return out;
  }

 private:
  Result<ExprId> parse_choice(int depth, bool outermost) {
    if (depth > builder_.limits().max_depth) {
      return reader_.error("too many groups within groups", "use fewer");
    }
    std::vector<ExprId> branches;
    do {
      branches.push_back(TRY(parse_branch(depth, outermost)));
    } while (reader_.take("|"));
    return builder_.choice(branches);
  }

  // Anchors may stand at the ends of the whole or of its outermost branches, or of a group that is
  // all of one.
  Result<ExprId> parse_branch(int depth, bool outermost) {
    std::vector<ExprId> parts;
    bool from_start = false, to_end = false, whole_group = false;
    while (outermost && (reader_.take("^") || reader_.take("\\A"))) from_start = true;
    while (!reader_.done() && reader_.peek() != '|' && reader_.peek() != ')') {
      if (to_end) return reader_.error("$ within the expression", "put it at the end");
      if (outermost && (reader_.take("$") || reader_.take("\\z") || reader_.take("\\Z"))) {
        to_end = true;
        continue;
      }
      const size_t begin = reader_.position();
      const bool may_be_whole = outermost && parts.empty() && !from_start && is_whole_group();
      parts.push_back(TRY(parse_piece(depth, may_be_whole)));
      whole_group = may_be_whole && reader_.position() > begin;
    }
    if (outermost && options_.searches && !whole_group) {
      const ExprId any = builder_.repeat(chars(CodePointSet::all()), 0, -1);
      if (!from_start) parts.insert(parts.begin(), any);
      if (!to_end) parts.push_back(any);
    }
    return builder_.sequence(parts);
  }

  // Whether the group that begins here is the rest of the expression, with no count behind it.
  bool is_whole_group() const {
    const std::string_view rest = reader_.rest();
    if (!rest.starts_with('(')) return false;
    int open = 0;
    for (size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == '\\') {
        ++i;
      } else if (rest[i] == '[') {
        return false;  // a ) within a class is none: not worth telling
      } else if (rest[i] == '(') {
        ++open;
      } else if (rest[i] == ')' && --open == 0) {
        return i + 1 == rest.size();
      }
    }
    return false;
  }

  Result<ExprId> parse_piece(int depth, bool outermost) {
    ExprId piece = TRY(parse_atom(depth, outermost));
    for (bool counted = false;; counted = true) {
      const auto count = TRY(parse_count());
      if (!count) return piece;
      if (counted) return reader_.error("a count after a count", "put the first into a group");
      reader_.take("?");  // lazy or greedy: the texts are the same
      piece = builder_.repeat(piece, count->min, count->max);
      TRY(builder_.check());
    }
  }

  struct Count {
    int64_t min, max;
  };
  Result<std::optional<Count>> parse_count() {
    if (reader_.take("*")) return std::optional<Count>({0, -1});
    if (reader_.take("+")) return std::optional<Count>({1, -1});
    if (reader_.take("?")) return std::optional<Count>({0, 1});
    const size_t begin = reader_.position();
    if (!reader_.take("{")) return std::optional<Count>();
    Count out{0, -1};
    const auto min = reader_.number();
    if (!min) {
      reader_.rewind(begin);
      return std::optional<Count>();  // a brace as such, as in ECMAScript and Python
    }
    out.min = out.max = *min;
    if (reader_.take(",")) out.max = reader_.number().value_or(-1);
    if (!reader_.take("}")) {
      reader_.rewind(begin);
      return std::optional<Count>();
    }
    if (out.max >= 0 && out.max < out.min)
      return reader_.error("a count from more to less", "swap");
    if (std::max(out.min, out.max) > builder_.limits().max_repeat) {
      return reader_.error(fmt::format("a count above {}", builder_.limits().max_repeat),
                           "use a smaller one");
    }
    return std::optional(out);
  }

  Result<ExprId> parse_atom(int depth, bool outermost) {
    if (reader_.take("(")) return parse_group(depth, outermost);
    if (reader_.take("[")) return chars(TRY(read_regex_class(reader_)));
    if (reader_.take(".")) return chars(CodePointSet{{'\n', '\n'}, {'\r', '\r'}}.complement());
    const char c = reader_.peek();
    if (c == '*' || c == '+' || c == '?') {
      return reader_.error("a count with nothing before it", "write \\ before the character");
    }
    if (c == '^' || c == '$') {
      return reader_.error("^ or $ within the expression",
                           "put it at the ends, or write \\ before it");
    }
    return chars(TRY(read_regex_char(reader_)));
  }

  Result<ExprId> parse_group(int depth, bool outermost) {
    if (reader_.take("?")) {
      const bool named = reader_.rest().starts_with("P<") ||
                         (reader_.rest().starts_with("<") && !reader_.rest().starts_with("<=") &&
                          !reader_.rest().starts_with("<!"));
      if (named) {
        const size_t end = reader_.rest().find('>');
        if (end == std::string_view::npos) return reader_.error("a name without >", "close it");
        reader_.skip(end + 1);
      } else if (!reader_.take(":")) {
        return Error{ErrorCode::kUnsupported,
                     reader_
                         .error("looking around and flags within the expression are not held",
                                "use groups, (?:...) and a (?i) at the beginning")
                         .message};
      }
    }
    const ExprId out = TRY(parse_choice(depth + 1, outermost));
    if (!reader_.take(")"))
      return reader_.error("a ( without its )", "write \\( for the character");
    return out;
  }

  ExprId chars(CodePointSet set) {
    if (ignores_case_) {
      CodePointSet both = set;
      for (char32_t c = 'a'; c <= 'z'; ++c) {
        if (set.contains(c) || set.contains(c - 32)) {
          both.add(c, c);
          both.add(c - 32, c - 32);
        }
      }
      set = both;
    }
    if (set.empty()) return builder_.nothing();
    return options_.chars ? options_.chars(set) : builder_.chars(set);
  }

  GrammarBuilder& builder_;
  RegexReader reader_;
  const RegexOptions& options_;
  bool ignores_case_ = false;
};

}  // namespace

Result<ExprId> add_regex(GrammarBuilder& builder, std::string_view source,
                         const RegexOptions& options) {
  return RegexParser(builder, source, options).parse();
}

}  // namespace overtake
