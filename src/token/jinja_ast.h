// What the parser makes of a template and the evaluator runs.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "token/jinja_value.h"

namespace overtake::jinja {

struct Builtin;

enum class ExpressionKind : uint8_t {
  kConstant,
  kName,
  kList,
  kTuple,
  kDict,       // children: key, value, key, value ...
  kAttribute,  // children[0].name
  kItem,       // children[0][children[1]]
  kSlice,      // begin, end, step; any may be null
  kCall,       // children[0](arguments)
  kFilter,     // children[0] | name(arguments); children[0] is null in filter blocks
  kTest,       // children[0] is name(arguments)
  kNot,
  kNegative,
  kPositive,
  kArithmetic,  // children[0] operators[0] children[1] operators[1] ..., from the left
  kConcat,
  kCompare,
  kAnd,  // two or more children
  kOr,
  kConditional,  // condition, value, else (may be null)
};

enum class Operator : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
};

struct Expression;

struct Keyword {
  std::string_view name;
  Expression* value = nullptr;
};

struct Arguments {
  std::vector<Expression*> positional;
  std::vector<Keyword> named;
  Expression* more_positional = nullptr;  // *args
  Expression* more_named = nullptr;       // **kwargs
};

struct Expression {
  ExpressionKind kind = ExpressionKind::kConstant;
  int line = 1;
  int depth = 1;  // levels below and with this one
  NameId name_id = 0;
  std::string_view name;
  Value constant;
  const Builtin* builtin = nullptr;  // the filter, test or global function called `name`, if any
  std::vector<Expression*> children;
  std::vector<Operator> operators;
  Arguments arguments;
};

// What can stand left of "=": a name, a namespace's attribute, or a tuple of targets.
struct Target {
  NameId name_id = 0;
  std::string_view name;
  std::string_view attribute;  // not empty: name.attribute
  bool is_tuple = false;
  std::vector<Target> items;
};

enum class StatementKind : uint8_t {
  kText,
  kPrint,
  kIf,
  kFor,
  kSet,
  kSetBlock,
  kMacro,
  kCall,
  kFilter,
  kWith,
  kScope,
  kBreak,
  kContinue,
};

struct Statement;
using Block = std::vector<Statement*>;

struct Parameter {
  NameId name_id = 0;
  std::string_view name;
  Expression* value = nullptr;  // its default, or null
};

struct Branch {
  Expression* condition = nullptr;
  Block body;
};

struct Statement {
  StatementKind kind = StatementKind::kText;
  int line = 1;
  Value text;  // kText
  Expression* expression =
      nullptr;  // printed, iterated, assigned, called, or the filters of a block
  Expression* condition = nullptr;  // for ... if
  bool recursive = false;           // for
  Target target;
  std::vector<Branch> branches;  // if, elif
  Block body;
  Block otherwise;        // else
  std::string_view name;  // macro
  NameId name_id = 0;
  std::vector<Parameter> parameters;  // macro, call; with: targets and values
  std::vector<Target> targets;        // with
  bool wants_varargs = false;         // macro and call bodies: which special names they read
  bool wants_kwargs = false;
  bool wants_caller = false;
};

// A parsed template: owner of all nodes and strings, none of which refers to its owner, so it dies
// without recursion.
struct Program {
  std::deque<Expression> expressions;
  std::deque<Statement> statements;
  std::deque<std::string> strings;
  std::unordered_map<std::string_view, NameId> names;  // of variables
  std::optional<NameId> loop_name;                     // of "loop", where the template reads it
  Block body;

  std::string_view keep(std::string text) { return strings.emplace_back(std::move(text)); }
};

}  // namespace overtake::jinja
