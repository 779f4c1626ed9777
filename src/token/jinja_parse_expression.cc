// Expressions: Jinja's precedence, from "a if b else c" down to names and literals.
#include <fmt/core.h>

#include <algorithm>

#include "token/jinja_builtins.h"
#include "token/jinja_parser.h"

namespace overtake::jinja {

Expression* Parser::make(ExpressionKind kind) {
  Expression& e = program_.expressions.emplace_back();
  e.kind = kind;
  e.line = current().line;
  return &e;
}

Expression* Parser::make(ExpressionKind kind, std::vector<Expression*> children) {
  Expression* e = make(kind);
  e->children = std::move(children);
  return e;
}

// Chains of postfixes nest without recursion of the parser; the evaluator would recurse, so their
// depth is bounded here.
Result<Expression*> Parser::finish(Expression* e) {
  int below = 0;
  const auto look = [&](const Expression* child) {
    if (child != nullptr) below = std::max(below, child->depth);
  };
  for (const Expression* child : e->children) look(child);
  for (const Expression* child : e->arguments.positional) look(child);
  for (const Keyword& keyword : e->arguments.named) look(keyword.value);
  look(e->arguments.more_positional);
  look(e->arguments.more_named);
  e->depth = below + 1;
  if (e->depth <= max_depth_) return e;
  return Error{ErrorCode::kExhausted,
               fmt::format("an expression nests deeper than {} levels; chat template line {}; use "
                           "a simpler template",
                           max_depth_, e->line)};
}

Result<Expression*> Parser::parse_tuple(TupleRules rules) {
  std::vector<Expression*> items;
  bool is_tuple = false;
  while (true) {
    const bool ends = current().kind == TokenKind::kPrintEnd ||
                      current().kind == TokenKind::kBlockEnd || current().is_operator(")") ||
                      (!rules.end.empty() && current().is_name(rules.end));
    if (ends) break;
    items.push_back(rules.conditional ? TRY(parse_expression()) : TRY(parse_or()));
    if (!skip_operator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return items[0];
  if (!is_tuple && !rules.in_brackets) return unexpected("an expression");
  return finish(make(ExpressionKind::kTuple, std::move(items)));
}

Result<Expression*> Parser::parse_expression() {
  TRY(enter());
  const OnExit exit([this] { leave(); });
  Expression* value = TRY(parse_or());
  while (skip_name("if")) {
    Expression* condition = TRY(parse_or());
    Expression* otherwise = skip_name("else") ? TRY(parse_expression()) : nullptr;
    value = TRY(finish(make(ExpressionKind::kConditional, {condition, value, otherwise})));
  }
  return value;
}

Result<Expression*> Parser::parse_or() {
  std::vector<Expression*> items = {TRY(parse_and())};
  while (skip_name("or")) items.push_back(TRY(parse_and()));
  if (items.size() == 1) return items[0];
  return finish(make(ExpressionKind::kOr, std::move(items)));
}

Result<Expression*> Parser::parse_and() {
  std::vector<Expression*> items = {TRY(parse_not())};
  while (skip_name("and")) items.push_back(TRY(parse_not()));
  if (items.size() == 1) return items[0];
  return finish(make(ExpressionKind::kAnd, std::move(items)));
}

Result<Expression*> Parser::parse_not() {
  int n = 0;
  while (skip_name("not")) ++n;
  Expression* e = TRY(parse_compare());
  for (; n > 0; --n) e = TRY(finish(make(ExpressionKind::kNot, {e})));
  return e;
}

Result<Expression*> Parser::parse_compare() {
  Expression* first = TRY(parse_arithmetic(0));
  Expression* chain = nullptr;
  while (const std::optional<Operator> op = take_comparison()) {
    if (chain == nullptr) chain = make(ExpressionKind::kCompare, {first});
    chain->operators.push_back(*op);
    chain->children.push_back(TRY(parse_arithmetic(0)));
  }
  if (chain == nullptr) return first;
  return finish(chain);
}

std::optional<Operator> Parser::take_comparison() {
  constexpr std::pair<std::string_view, Operator> kOperators[] = {
      {"==", Operator::kEqual},     {"!=", Operator::kNotEqual}, {"<", Operator::kLess},
      {"<=", Operator::kLessEqual}, {">", Operator::kGreater},   {">=", Operator::kGreaterEqual}};
  for (const auto& [text, op] : kOperators) {
    if (skip_operator(text)) return op;
  }
  if (skip_name("in")) return Operator::kIn;
  if (!current().is_name("not") || !ahead().is_name("in")) return std::nullopt;
  skip();
  skip();
  return Operator::kNotIn;
}

// Level 0 is + and -, 1 is * / // %, 2 is **; all from the left, as in Jinja.
Result<Expression*> Parser::parse_arithmetic(int level) {
  constexpr std::pair<std::string_view, Operator> kOperators[3][4] = {
      {{"+", Operator::kAdd}, {"-", Operator::kSubtract}},
      {{"*", Operator::kMultiply},
       {"/", Operator::kDivide},
       {"//", Operator::kFloorDivide},
       {"%", Operator::kModulo}},
      {{"**", Operator::kPower}}};
  const auto operand = [&]() -> Result<Expression*> {
    return level == 0 ? parse_concat() : level == 1 ? parse_arithmetic(2) : parse_unary(true);
  };
  Expression* first = TRY(operand());
  Expression* chain = nullptr;
  while (current().kind == TokenKind::kOperator) {
    const auto* found = std::find_if(
        std::begin(kOperators[level]), std::end(kOperators[level]),
        [&](const auto& entry) { return !entry.first.empty() && entry.first == current().text; });
    if (found == std::end(kOperators[level])) break;
    if (chain == nullptr) chain = make(ExpressionKind::kArithmetic, {first});
    skip();
    chain->operators.push_back(found->second);
    chain->children.push_back(TRY(operand()));
  }
  if (chain == nullptr) return first;
  return finish(chain);
}

Result<Expression*> Parser::parse_concat() {
  std::vector<Expression*> items = {TRY(parse_arithmetic(1))};
  while (skip_operator("~")) items.push_back(TRY(parse_arithmetic(1)));
  if (items.size() == 1) return items[0];
  return finish(make(ExpressionKind::kConcat, std::move(items)));
}

Result<Expression*> Parser::parse_unary(bool with_filters) {
  TRY(enter());
  const OnExit exit([this] { leave(); });
  Expression* e = nullptr;
  if (current().is_operator("-") || current().is_operator("+")) {
    e = make(current().text == "-" ? ExpressionKind::kNegative : ExpressionKind::kPositive);
    skip();
    e->children = {TRY(parse_unary(false))};
    e = TRY(finish(e));
  } else {
    e = TRY(parse_primary());
  }
  e = TRY(parse_postfix(e));
  if (with_filters) e = TRY(parse_filters_and_tests(e));
  return e;
}

Result<Expression*> Parser::parse_primary() {
  const Token& token = current();
  if (token.kind == TokenKind::kName) return parse_name();
  if (token.is_operator("[")) return parse_list();
  if (token.is_operator("{")) return parse_dict();
  if (token.is_operator("(")) {
    skip();
    Expression* e = TRY(parse_tuple({.in_brackets = true}));
    TRY(expect_operator(")"));
    return e;
  }
  Expression* e = make(ExpressionKind::kConstant);
  if (token.kind == TokenKind::kString) {
    std::string text;
    for (; current().kind == TokenKind::kString; skip()) text += current().text;
    e->constant = string_value(program_.keep(std::move(text)), true);
    return e;
  }
  if (token.kind == TokenKind::kInteger) {
    e->constant = int_value(token.integer);
  } else if (token.kind == TokenKind::kFloat) {
    e->constant = float_value(token.real);
  } else {
    return unexpected("an expression");
  }
  skip();
  return e;
}

Result<Expression*> Parser::parse_name() {
  const std::string& name = current().text;
  Expression* e = make(ExpressionKind::kConstant);
  if (name == "true" || name == "True" || name == "false" || name == "False") {
    e->constant = bool_value(name[0] == 't' || name[0] == 'T');
  } else if (name == "none" || name == "None") {
    e->constant = none_value();
  } else {
    e->kind = ExpressionKind::kName;
    e->name_id = intern(name);
    e->name = program_.keep(name);
    e->builtin = find_function(name);
    for (FunctionBody& function : functions_) {
      if (function.statement == nullptr) continue;
      function.statement->wants_varargs |= name == "varargs";
      function.statement->wants_kwargs |= name == "kwargs";
      function.statement->wants_caller |= name == "caller";
    }
  }
  skip();
  return e;
}

Result<Expression*> Parser::parse_list() {
  Expression* e = make(ExpressionKind::kList);
  TRY(expect_operator("["));
  while (!current().is_operator("]")) {
    if (!e->children.empty()) TRY(expect_operator(","));
    if (current().is_operator("]")) break;
    e->children.push_back(TRY(parse_expression()));
  }
  skip();
  return finish(e);
}

Result<Expression*> Parser::parse_dict() {
  Expression* e = make(ExpressionKind::kDict);
  TRY(expect_operator("{"));
  while (!current().is_operator("}")) {
    if (!e->children.empty()) TRY(expect_operator(","));
    if (current().is_operator("}")) break;
    e->children.push_back(TRY(parse_expression()));
    TRY(expect_operator(":"));
    e->children.push_back(TRY(parse_expression()));
  }
  skip();
  return finish(e);
}

}  // namespace overtake::jinja
