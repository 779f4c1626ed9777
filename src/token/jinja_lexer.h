// Template source to tokens, with Jinja's whitespace control as transformers sets it: trim_blocks,
// lstrip_blocks, no kept newline at the end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake::jinja {

enum class TokenKind : uint8_t {
  kData,  // template text, as it is printed
  kPrintBegin,
  kPrintEnd,
  kBlockBegin,
  kBlockEnd,
  kName,
  kString,  // text: the value, escapes resolved
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 1;
  std::string text;
  int64_t integer = 0;
  double real = 0;

  bool is(TokenKind k, std::string_view t) const { return kind == k && text == t; }
  bool is_operator(std::string_view t) const { return is(TokenKind::kOperator, t); }
  bool is_name(std::string_view t) const { return is(TokenKind::kName, t); }
};

// The tokens, the last one kEnd. kDamaged names the line of what can not be read.
Result<std::vector<Token>> tokenize(std::string_view source);

// "WHAT; chat template line N; ..." for a template that can not be read.
Error syntax_error(std::string_view what, int line);

}  // namespace overtake::jinja
