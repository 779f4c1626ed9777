// Recursive descent over a template's tokens, after the grammar that Jinja's documentation and its
// behaviour define. Nesting is counted, so that no source can exhaust the stack.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "token/chat_template.h"
#include "token/jinja_ast.h"
#include "token/jinja_lexer.h"

namespace overtake::jinja {

// kDamaged for syntax, kUnsupported for what this interpreter lacks, kExhausted for nesting beyond
// `limits`; each names its line.
Result<std::unique_ptr<Program>> parse_template(std::string_view source,
                                                const TemplateLimits& limits);

// One pass over the tokens; used by parse_template only.
class Parser {
 public:
  Parser(std::vector<Token> tokens, int max_depth, Program& program)
      : tokens_(std::move(tokens)), max_depth_(max_depth), program_(program) {}

  // Statements until the end of the template.
  Status parse_all();

 private:
  // What is known about the function (macro, call block) whose body is being parsed.
  struct FunctionBody {
    Statement* statement;
    int loops = 0;  // around the current statement, within this function
  };

  // jinja_parser.cc: statements
  Result<Block> parse_block(std::initializer_list<std::string_view> ends);
  Result<Block> parse_body(std::initializer_list<std::string_view> ends);
  Result<Statement*> parse_statement();
  Result<Statement*> parse_print_tag(bool block);
  Result<Statement*> parse_if();
  Result<Statement*> parse_for();
  Result<Statement*> parse_set();
  Result<Statement*> parse_macro();
  Result<Statement*> parse_call();
  Result<Statement*> parse_filter_block();
  Result<Statement*> parse_with();
  Result<Statement*> parse_generation();
  Result<Statement*> parse_loop_control(StatementKind kind);
  Status parse_function_body(Statement* s, std::string_view end);
  Status parse_signature(Statement* s);
  Result<Target> parse_target(bool allow_attribute);
  Result<Target> parse_target_item(bool allow_attribute);
  Result<Block> parse_end_body(std::string_view end);

  // jinja_parse_expression.cc
  struct TupleRules {
    bool conditional = true;
    bool in_brackets = false;   // "()" is a tuple
    std::string_view end = {};  // a name that ends the tuple
  };
  Result<Expression*> parse_tuple(TupleRules rules);
  Result<Expression*> parse_expression();
  Result<Expression*> parse_or();
  Result<Expression*> parse_and();
  Result<Expression*> parse_not();
  Result<Expression*> parse_compare();
  std::optional<Operator> take_comparison();
  Result<Expression*> parse_arithmetic(int level);
  Result<Expression*> parse_concat();
  Result<Expression*> parse_unary(bool with_filters);
  Result<Expression*> parse_primary();
  Result<Expression*> parse_name();
  Result<Expression*> parse_list();
  Result<Expression*> parse_dict();
  Result<Expression*> parse_postfix(Expression* e);
  Result<Expression*> parse_filters_and_tests(Expression* e);
  Result<Expression*> parse_attribute(Expression* e);
  Result<Expression*> parse_subscript(Expression* e);
  Result<Expression*> parse_subscript_item();
  Result<Expression*> parse_call_of(Expression* callee);
  Status parse_arguments(Arguments& out);
  Result<Expression*> parse_filter(Expression* input);
  Result<Expression*> parse_test(Expression* input);
  Result<std::string> parse_dotted_name();

  // nodes
  Expression* make(ExpressionKind kind);
  Expression* make(ExpressionKind kind, std::vector<Expression*> children);
  Result<Expression*> finish(Expression* e);  // counts its depth
  Statement* make_statement(StatementKind kind);
  NameId intern(std::string_view name);

  // tokens
  const Token& current() const { return tokens_[at_]; }
  const Token& ahead() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
  void skip() { at_ += at_ + 1 < tokens_.size() ? 1 : 0; }
  bool skip_name(std::string_view name);
  bool skip_operator(std::string_view op);
  Status expect_operator(std::string_view op);
  Status expect(TokenKind kind, std::string_view what);
  Result<std::string> expect_name();
  Error fail(std::string_view what) const;
  Error unexpected(std::string_view wanted) const;
  Status enter();
  void leave() { --depth_; }

  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int max_depth_;
  Program& program_;
  std::vector<FunctionBody> functions_{{nullptr, 0}};
};

// Calls Parser::leave when a level of nesting ends, however it ends.
template <typename Leave>
class OnExit {
 public:
  explicit OnExit(Leave leave) : leave_(leave) {}
  ~OnExit() { leave_(); }
  OnExit(const OnExit&) = delete;
  OnExit& operator=(const OnExit&) = delete;

 private:
  Leave leave_;
};

}  // namespace overtake::jinja
