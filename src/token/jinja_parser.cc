#include "token/jinja_parser.h"

#include <fmt/core.h>

#include "token/jinja_builtins.h"

namespace overtake::jinja {
namespace {

constexpr size_t kMaxSourceBytes = 1 << 20;

Error unsupported(std::string_view what, int line) {
  return Error{ErrorCode::kUnsupported,
               fmt::format("{} is not supported; chat template line {}; use a template without it",
                           what, line)};
}

}  // namespace

Result<std::unique_ptr<Program>> parse_template(std::string_view source,
                                                const TemplateLimits& limits) {
  if (source.size() > kMaxSourceBytes) {
    return Error{ErrorCode::kExhausted,
                 fmt::format("the chat template has {} bytes, {} are allowed; use a shorter one",
                             source.size(), kMaxSourceBytes)};
  }
  auto program = std::make_unique<Program>();
  Parser parser(TRY(tokenize(source)), limits.max_depth, *program);
  TRY(parser.parse_all());
  const auto loop = program->names.find("loop");
  if (loop != program->names.end()) program->loop_name = loop->second;
  return program;
}

Status Parser::parse_all() {
  program_.body = TRY(parse_block({}));
  if (current().kind != TokenKind::kEnd) return unexpected("the end of the template");
  return {};
}

// Statements up to a tag that is one of `ends`, whose name is left as the current token.
Result<Block> Parser::parse_block(std::initializer_list<std::string_view> ends) {
  TRY(enter());
  const OnExit exit([this] { leave(); });
  Block block;
  while (current().kind != TokenKind::kEnd) {
    if (current().kind == TokenKind::kData) {
      Statement* text = make_statement(StatementKind::kText);
      text->text = string_value(program_.keep(current().text), true);
      block.push_back(text);
      skip();
      continue;
    }
    const bool print = current().kind == TokenKind::kPrintBegin;
    skip();
    if (print) {
      block.push_back(TRY(parse_print_tag(false)));
      TRY(expect(TokenKind::kPrintEnd, "}}"));
      continue;
    }
    for (const std::string_view end : ends) {
      if (current().is_name(end)) return block;
    }
    block.push_back(TRY(parse_statement()));
    TRY(expect(TokenKind::kBlockEnd, "%}"));
  }
  if (ends.size() == 0) return block;
  return fail(fmt::format("the template ends before {{% {} %}}", *(ends.end() - 1)));
}

// The same after the rest of an opening tag.
Result<Block> Parser::parse_body(std::initializer_list<std::string_view> ends) {
  skip_operator(":");
  TRY(expect(TokenKind::kBlockEnd, "%}"));
  return parse_block(ends);
}

Result<Block> Parser::parse_end_body(std::string_view end) {
  Block body = TRY(parse_body({end}));
  skip();
  return body;
}

Result<Statement*> Parser::parse_statement() {
  if (current().kind != TokenKind::kName) return unexpected("the name of a tag");
  const std::string name = current().text;
  if (name == "if") return parse_if();
  if (name == "for") return parse_for();
  if (name == "set") return parse_set();
  if (name == "macro") return parse_macro();
  if (name == "call") return parse_call();
  if (name == "filter") return parse_filter_block();
  if (name == "with") return parse_with();
  if (name == "generation") return parse_generation();
  if (name == "break") return parse_loop_control(StatementKind::kBreak);
  if (name == "continue") return parse_loop_control(StatementKind::kContinue);
  if (name == "print") {
    skip();
    return parse_print_tag(true);
  }
  constexpr std::string_view kUnsupported[] = {"include", "import", "from",
                                               "extends", "block",  "autoescape"};
  if (std::find(std::begin(kUnsupported), std::end(kUnsupported), name) != std::end(kUnsupported)) {
    return unsupported(fmt::format("{{% {} %}}", name), current().line);
  }
  return fail(fmt::format("unknown tag \"{}\"", name));
}

// {{ a }}, which prints one expression or tuple, and {% print a, b %}, which prints several.
Result<Statement*> Parser::parse_print_tag(bool block) {
  Statement* s = make_statement(StatementKind::kPrint);
  if (!block) {
    s->expression = TRY(parse_tuple({}));
    return s;
  }
  Statement* all = make_statement(StatementKind::kIf);
  Branch always;
  while (current().kind != TokenKind::kBlockEnd) {
    if (!always.body.empty()) TRY(expect_operator(","));
    Statement* one = make_statement(StatementKind::kPrint);
    one->expression = TRY(parse_expression());
    always.body.push_back(one);
  }
  all->otherwise = std::move(always.body);
  return all;
}

Result<Statement*> Parser::parse_if() {
  Statement* s = make_statement(StatementKind::kIf);
  while (current().is_name("if") || current().is_name("elif")) {
    skip();
    Branch branch;
    branch.condition = TRY(parse_tuple({.conditional = false}));
    branch.body = TRY(parse_body({"elif", "else", "endif"}));
    s->branches.push_back(std::move(branch));
  }
  if (skip_name("else")) {
    s->otherwise = TRY(parse_end_body("endif"));
  } else {
    skip();
  }
  return s;
}

Result<Statement*> Parser::parse_for() {
  Statement* s = make_statement(StatementKind::kFor);
  skip();
  s->target = TRY(parse_target(false));
  if (!skip_name("in")) return unexpected("in");
  s->expression = TRY(parse_tuple({.conditional = false, .end = "recursive"}));
  if (skip_name("if")) s->condition = TRY(parse_expression());
  s->recursive = skip_name("recursive");
  ++functions_.back().loops;
  s->body = TRY(parse_body({"endfor", "else"}));
  --functions_.back().loops;
  if (skip_name("else")) {
    s->otherwise = TRY(parse_end_body("endfor"));
  } else {
    skip();
  }
  return s;
}

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

Statement* Parser::make_statement(StatementKind kind) {
  Statement& s = program_.statements.emplace_back();
  s.kind = kind;
  s.line = current().line;
  return &s;
}

NameId Parser::intern(std::string_view name) {
  const auto found = program_.names.find(name);
  if (found != program_.names.end()) return found->second;
  const auto id = static_cast<NameId>(program_.names.size());
  program_.names.emplace(program_.keep(std::string(name)), id);
  return id;
}

bool Parser::skip_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  skip();
  return true;
}

bool Parser::skip_operator(std::string_view op) {
  if (!current().is_operator(op)) return false;
  skip();
  return true;
}

Status Parser::expect_operator(std::string_view op) {
  if (skip_operator(op)) return {};
  return unexpected(op);
}

Status Parser::expect(TokenKind kind, std::string_view what) {
  if (current().kind != kind) return unexpected(what);
  skip();
  return {};
}

Result<std::string> Parser::expect_name() {
  if (current().kind != TokenKind::kName) return unexpected("a name");
  std::string name = current().text;
  skip();
  return name;
}

Error Parser::fail(std::string_view what) const { return syntax_error(what, current().line); }

Error Parser::unexpected(std::string_view wanted) const {
  const Token& token = current();
  std::string_view got = token.text;
  if (token.kind == TokenKind::kEnd) got = "the end of the template";
  if (token.kind == TokenKind::kBlockEnd) got = "%}";
  if (token.kind == TokenKind::kPrintEnd) got = "}}";
  return fail(fmt::format("expected {}, got \"{}\"", wanted, got.substr(0, 40)));
}

Status Parser::enter() {
  if (++depth_ <= max_depth_) return {};
  return Error{ErrorCode::kExhausted,
               fmt::format("the chat template nests deeper than {} levels; chat template line {}; "
                           "use a simpler template",
                           max_depth_, current().line)};
}

}  // namespace overtake::jinja
