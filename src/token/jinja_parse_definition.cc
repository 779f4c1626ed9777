// Statements that define something: set, macro, call, filter, with; and what can be assigned to.
#include "token/jinja_parser.h"

namespace overtake::jinja {

Result<Statement*> Parser::parse_set() {
  Statement* s = make_statement(StatementKind::kSet);
  skip();
  s->target = TRY(parse_target(true));
  if (skip_operator("=")) {
    s->expression = TRY(parse_tuple({}));
    return s;
  }
  s->kind = StatementKind::kSetBlock;
  while (skip_operator("|")) s->expression = TRY(parse_filter(s->expression));
  s->body = TRY(parse_end_body("endset"));
  return s;
}

Result<Statement*> Parser::parse_macro() {
  Statement* s = make_statement(StatementKind::kMacro);
  skip();
  s->name = program_.keep(TRY(expect_name()));
  s->name_id = intern(s->name);
  TRY(parse_signature(s));
  TRY(parse_function_body(s, "endmacro"));
  return s;
}

Result<Statement*> Parser::parse_call() {
  Statement* s = make_statement(StatementKind::kCall);
  skip();
  s->name = "caller";
  if (current().is_operator("(")) TRY(parse_signature(s));
  s->expression = TRY(parse_expression());
  if (s->expression->kind != ExpressionKind::kCall) return fail("{% call %} needs a call");
  TRY(parse_function_body(s, "endcall"));
  return s;
}

// The body of a macro or call block: break and continue do not reach loops around it.
Status Parser::parse_function_body(Statement* s, std::string_view end) {
  functions_.push_back({s, 0});
  const OnExit exit([this] { functions_.pop_back(); });
  s->body = TRY(parse_end_body(end));
  return {};
}

Status Parser::parse_signature(Statement* s) {
  TRY(expect_operator("("));
  while (!current().is_operator(")")) {
    if (!s->parameters.empty()) TRY(expect_operator(","));
    Parameter parameter;
    parameter.name = program_.keep(TRY(expect_name()));
    parameter.name_id = intern(parameter.name);
    if (skip_operator("=")) {
      parameter.value = TRY(parse_expression());
    } else if (!s->parameters.empty() && s->parameters.back().value != nullptr) {
      return fail("a parameter without default follows one with a default");
    }
    s->parameters.push_back(parameter);
  }
  skip();
  return {};
}

Result<Statement*> Parser::parse_filter_block() {
  Statement* s = make_statement(StatementKind::kFilter);
  skip();
  s->expression = TRY(parse_filter(nullptr));
  while (skip_operator("|")) s->expression = TRY(parse_filter(s->expression));
  s->body = TRY(parse_end_body("endfilter"));
  return s;
}

Result<Statement*> Parser::parse_with() {
  Statement* s = make_statement(StatementKind::kWith);
  skip();
  while (current().kind != TokenKind::kBlockEnd) {
    if (!s->targets.empty()) TRY(expect_operator(","));
    s->targets.push_back(TRY(parse_target(false)));
    TRY(expect_operator("="));
    Parameter value;
    value.value = TRY(parse_expression());
    s->parameters.push_back(value);
  }
  s->body = TRY(parse_end_body("endwith"));
  return s;
}

// {% generation %} marks the assistant's words for training; rendering prints its body.
Result<Statement*> Parser::parse_generation() {
  Statement* s = make_statement(StatementKind::kScope);
  skip();
  functions_.push_back({nullptr, 0});
  const OnExit exit([this] { functions_.pop_back(); });
  s->body = TRY(parse_end_body("endgeneration"));
  return s;
}

Result<Statement*> Parser::parse_loop_control(StatementKind kind) {
  if (functions_.back().loops == 0) return fail("break and continue stand outside of a loop");
  Statement* s = make_statement(kind);
  skip();
  return s;
}

// a | a, b | (a, b), c | and, where allowed, namespace.attribute
Result<Target> Parser::parse_target(bool allow_attribute) {
  Target first = TRY(parse_target_item(allow_attribute));
  if (!current().is_operator(",")) return first;
  Target tuple;
  tuple.is_tuple = true;
  tuple.items.push_back(std::move(first));
  while (skip_operator(",")) {
    const bool ends = current().kind == TokenKind::kBlockEnd || current().is_operator("=") ||
                      current().is_operator(")");
    if (ends) break;
    tuple.items.push_back(TRY(parse_target_item(allow_attribute)));
  }
  return tuple;
}

Result<Target> Parser::parse_target_item(bool allow_attribute) {
  TRY(enter());
  const OnExit exit([this] { leave(); });
  if (skip_operator("(")) {
    Target inner = TRY(parse_target(false));
    TRY(expect_operator(")"));
    return inner;
  }
  Target target;
  target.name = program_.keep(TRY(expect_name()));
  for (const std::string_view literal : {"true", "True", "false", "False", "none", "None"}) {
    if (target.name == literal) return fail("a literal can not be assigned to");
  }
  target.name_id = intern(target.name);
  if (allow_attribute && skip_operator(".")) target.attribute = program_.keep(TRY(expect_name()));
  return target;
}

}  // namespace overtake::jinja
