// What follows an expression: .name, [item], (arguments), | filter, is test.
#include <fmt/core.h>

#include "token/jinja_builtins.h"
#include "token/jinja_parser.h"

namespace overtake::jinja {

Result<Expression*> Parser::parse_postfix(Expression* e) {
  while (true) {
    if (current().is_operator(".")) {
      e = TRY(parse_attribute(e));
    } else if (current().is_operator("[")) {
      e = TRY(parse_subscript(e));
    } else if (current().is_operator("(")) {
      e = TRY(parse_call_of(e));
    } else {
      return e;
    }
  }
}

Result<Expression*> Parser::parse_filters_and_tests(Expression* e) {
  while (true) {
    if (skip_operator("|")) {
      e = TRY(parse_filter(e));
    } else if (current().is_name("is")) {
      e = TRY(parse_test(e));
    } else if (current().is_operator("(")) {
      e = TRY(parse_call_of(e));
    } else {
      return e;
    }
  }
}

Result<Expression*> Parser::parse_attribute(Expression* e) {
  skip();
  if (current().kind == TokenKind::kInteger) {
    Expression* index = make(ExpressionKind::kConstant);
    index->constant = int_value(current().integer);
    skip();
    return finish(make(ExpressionKind::kItem, {e, index}));
  }
  Expression* attribute = make(ExpressionKind::kAttribute, {e});
  attribute->name = program_.keep(TRY(expect_name()));
  return finish(attribute);
}

Result<Expression*> Parser::parse_subscript(Expression* e) {
  skip();
  std::vector<Expression*> items;
  while (!current().is_operator("]")) {
    if (!items.empty()) TRY(expect_operator(","));
    items.push_back(TRY(parse_subscript_item()));
  }
  skip();
  Expression* index =
      items.size() == 1 ? items[0] : TRY(finish(make(ExpressionKind::kTuple, std::move(items))));
  return finish(make(ExpressionKind::kItem, {e, index}));
}

// An index, or a slice with up to three parts.
Result<Expression*> Parser::parse_subscript_item() {
  Expression* begin = current().is_operator(":") ? nullptr : TRY(parse_expression());
  if (!skip_operator(":")) return begin;
  Expression* slice = make(ExpressionKind::kSlice, {begin, nullptr, nullptr});
  for (int part = 1; part <= 2; ++part) {
    const bool given =
        !current().is_operator(":") && !current().is_operator("]") && !current().is_operator(",");
    if (given) slice->children[part] = TRY(parse_expression());
    if (part == 1 && !skip_operator(":")) break;
  }
  return finish(slice);
}

Result<Expression*> Parser::parse_call_of(Expression* callee) {
  Expression* call = make(ExpressionKind::kCall, {callee});
  TRY(parse_arguments(call->arguments));
  return finish(call);
}

Status Parser::parse_arguments(Arguments& out) {
  TRY(expect_operator("("));
  bool first = true;
  while (!current().is_operator(")")) {
    if (!first) TRY(expect_operator(","));
    first = false;
    if (current().is_operator(")")) break;
    const bool dynamic = out.more_positional != nullptr || out.more_named != nullptr;
    if (skip_operator("*")) {
      if (dynamic) return fail("a second *arguments");
      out.more_positional = TRY(parse_expression());
    } else if (skip_operator("**")) {
      if (out.more_named != nullptr) return fail("a second **arguments");
      out.more_named = TRY(parse_expression());
    } else if (current().kind == TokenKind::kName && ahead().is_operator("=")) {
      if (out.more_named != nullptr) return fail("a named argument after **arguments");
      const std::string_view name = program_.keep(current().text);
      skip();
      skip();
      out.named.push_back({name, TRY(parse_expression())});
    } else {
      if (dynamic || !out.named.empty()) return fail("a positional argument after a named one");
      out.positional.push_back(TRY(parse_expression()));
    }
  }
  skip();
  return {};
}

Result<std::string> Parser::parse_dotted_name() {
  std::string name = TRY(expect_name());
  while (skip_operator(".")) name += "." + TRY(expect_name());
  return name;
}

Result<Expression*> Parser::parse_filter(Expression* input) {
  Expression* filter = make(ExpressionKind::kFilter, {input});
  filter->name = program_.keep(TRY(parse_dotted_name()));
  filter->builtin = find_filter(filter->name);
  if (current().is_operator("(")) TRY(parse_arguments(filter->arguments));
  return finish(filter);
}

Result<Expression*> Parser::parse_test(Expression* input) {
  skip();
  const bool negated = skip_name("not");
  Expression* test = make(ExpressionKind::kTest, {input});
  test->name = program_.keep(TRY(parse_dotted_name()));
  test->builtin = find_test(test->name);
  const Token& next = current();
  const bool takes_one = next.kind == TokenKind::kString || next.kind == TokenKind::kInteger ||
                         next.kind == TokenKind::kFloat || next.is_operator("[") ||
                         next.is_operator("{") ||
                         (next.kind == TokenKind::kName && next.text != "else" &&
                          next.text != "or" && next.text != "and");
  if (next.is_operator("(")) {
    TRY(parse_arguments(test->arguments));
  } else if (takes_one) {
    if (next.text == "is" && next.kind == TokenKind::kName) {
      return fail("tests can not be chained with is");
    }
    TRY(enter());
    const OnExit exit([this] { leave(); });
    test->arguments.positional.push_back(TRY(parse_postfix(TRY(parse_primary()))));
  }
  Expression* out = TRY(finish(test));
  return negated ? TRY(finish(make(ExpressionKind::kNot, {out}))) : out;
}

}  // namespace overtake::jinja
