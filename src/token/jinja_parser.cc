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
