// Expressions: from nodes to values.
#include <fmt/core.h>

#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"

namespace overtake::jinja {

Result<Value> Runtime::evaluate(const Expression& e) {
  if (e.kind == ExpressionKind::kConstant) return e.constant;
  const Nesting nesting(budget_);
  if (!nesting.ok() || !budget_.spend(1)) return budget_.error();
  line_ = e.line;
  return evaluate_node(e);
}

Result<Value> Runtime::evaluate_node(const Expression& e) {
  switch (e.kind) {
    case ExpressionKind::kConstant:
      return e.constant;
    case ExpressionKind::kName:
      return evaluate_name(e);
    case ExpressionKind::kList:
      return evaluate_items(e, SequenceKind::kList);
    case ExpressionKind::kTuple:
      return evaluate_items(e, SequenceKind::kTuple);
    case ExpressionKind::kDict:
      return evaluate_dict(e);
    case ExpressionKind::kAttribute:
      return get_attribute(TRY(evaluate(*e.children[0])), e.name);
    case ExpressionKind::kItem:
      return evaluate_item(e);
    case ExpressionKind::kSlice:
      return type_error("a slice can not be part of a tuple");
    case ExpressionKind::kCall:
      return evaluate_call(e);
    case ExpressionKind::kFilter:
      return evaluate_filter(e);
    case ExpressionKind::kTest:
      return evaluate_test(e);
    case ExpressionKind::kNot: {
      const Value v = TRY(evaluate(*e.children[0]));
      return bool_value(!truthy(v), v.trusted);
    }
    case ExpressionKind::kNegative:
      return negate(TRY(evaluate(*e.children[0])));
    case ExpressionKind::kPositive:
      return arithmetic(*this, Operator::kAdd, int_value(0), TRY(evaluate(*e.children[0])));
    case ExpressionKind::kArithmetic:
      return evaluate_arithmetic(e);
    case ExpressionKind::kConcat:
      return evaluate_concat(e);
    case ExpressionKind::kCompare:
      return evaluate_compare(e);
    case ExpressionKind::kAnd:
    case ExpressionKind::kOr:
      return evaluate_logic(e);
    case ExpressionKind::kConditional:
      return evaluate_conditional(e);
  }
  return Error{ErrorCode::kInternal, "an expression of no kind"};
}

Result<Value> Runtime::evaluate_name(const Expression& e) {
  for (Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    if (const Value* value = scope->find(e.name_id)) return *value;
  }
  if (e.builtin != nullptr) return function_value(e.builtin);
  return undefined_value(e.name);
}

Result<Value> Runtime::evaluate_items(const Expression& e, SequenceKind kind) {
  Value out = TRY(make_sequence(heap_, kind, e.children.size()));
  for (size_t i = 0; i < e.children.size(); ++i) {
    out.sequence->items[i] = TRY(evaluate(*e.children[i]));
  }
  return out;
}

Result<Value> Runtime::evaluate_dict(const Expression& e) {
  std::vector<Entry> entries;
  entries.reserve(e.children.size() / 2);
  for (size_t i = 0; i + 1 < e.children.size(); i += 2) {
    Entry entry;
    entry.key = TRY(evaluate(*e.children[i]));
    entry.value = TRY(evaluate(*e.children[i + 1]));
    entries.push_back(entry);
  }
  return make_dict(heap_, budget_, entries);
}

Result<Value> Runtime::evaluate_arithmetic(const Expression& e) {
  Value left = TRY(evaluate(*e.children[0]));
  for (size_t i = 0; i < e.operators.size(); ++i) {
    const Value right = TRY(evaluate(*e.children[i + 1]));
    left = TRY(arithmetic(*this, e.operators[i], left, right));
  }
  return left;
}

Result<Value> Runtime::evaluate_concat(const Expression& e) {
  Value out = string_value({}, true);
  for (const Expression* child : e.children) {
    const Value piece = TRY(to_text(TRY(evaluate(*child))));
    out = out.size == 0 ? piece : TRY(heap_.concat(out, piece));
  }
  out.markup = false;
  return out;
}

// a < b < c: each side is evaluated once, and not at all once the answer is known.
Result<Value> Runtime::evaluate_compare(const Expression& e) {
  Value left = TRY(evaluate(*e.children[0]));
  bool trusted = left.trusted;
  for (size_t i = 0; i < e.operators.size(); ++i) {
    const Value right = TRY(evaluate(*e.children[i + 1]));
    trusted = trusted && right.trusted;
    if (!TRY(compare_values(*this, e.operators[i], left, right))) return bool_value(false, trusted);
    left = right;
  }
  return bool_value(true, trusted);
}

Result<Value> Runtime::evaluate_logic(const Expression& e) {
  Value value;
  for (const Expression* child : e.children) {
    value = TRY(evaluate(*child));
    if (truthy(value) == (e.kind == ExpressionKind::kOr)) break;
  }
  return value;
}

Result<Value> Runtime::evaluate_conditional(const Expression& e) {
  if (truthy(TRY(evaluate(*e.children[0])))) return evaluate(*e.children[1]);
  if (e.children[2] != nullptr) return evaluate(*e.children[2]);
  return undefined_value("the value of an if without else");
}

Result<Value> Runtime::evaluate_item(const Expression& e) {
  const Value object = TRY(evaluate(*e.children[0]));
  const Expression& index = *e.children[1];
  if (index.kind != ExpressionKind::kSlice) return get_item(object, TRY(evaluate(index)));
  Value parts[3];
  for (int i = 0; i < 3; ++i) {
    parts[i] = index.children[i] == nullptr ? none_value() : TRY(evaluate(*index.children[i]));
  }
  return slice(*this, object, parts);
}

Status Runtime::evaluate_arguments(const Arguments& arguments, CallArgs& out) {
  for (const Expression* argument : arguments.positional) {
    out.positional.push_back(TRY(evaluate(*argument)));
  }
  for (const Keyword& keyword : arguments.named) {
    out.named.push_back({keyword.name, TRY(evaluate(*keyword.value))});
  }
  if (arguments.more_positional != nullptr) {
    const std::span<Value> more = TRY(iterate(TRY(evaluate(*arguments.more_positional))));
    if (!budget_.spend(static_cast<int64_t>(more.size()))) return budget_.error();
    out.positional.insert(out.positional.end(), more.begin(), more.end());
  }
  if (arguments.more_named != nullptr) {
    const Value more = TRY(evaluate(*arguments.more_named));
    if (!more.is(Kind::kDict)) return type_error("** needs a dict");
    if (!budget_.spend(static_cast<int64_t>(more.dict->size))) return budget_.error();
    for (const Entry& entry : more.dict->all()) {
      if (!entry.key.is_string()) return type_error("** needs a dict with strings as keys");
      out.named.push_back({entry.key.text(), entry.value});
    }
  }
  return {};
}

Result<Value> Runtime::evaluate_call(const Expression& e) {
  const Value* caller =
      std::exchange(caller_, nullptr);  // meant for this call, not for its arguments
  const Value callee = TRY(evaluate(*e.children[0]));
  CallArgs args;
  TRY(evaluate_arguments(e.arguments, args));
  if (caller != nullptr) args.named.push_back({"caller", *caller});
  line_ = e.line;
  return call(callee, args);
}

Result<Value> Runtime::evaluate_filter(const Expression& e) {
  CallArgs args;
  args.positional.push_back(e.children[0] == nullptr ? *block_input_
                                                     : TRY(evaluate(*e.children[0])));
  if (e.builtin == nullptr) {
    return Error{ErrorCode::kUnsupported, fmt::format("no filter is called \"{}\"", e.name)};
  }
  TRY(evaluate_arguments(e.arguments, args));
  line_ = e.line;
  return call(*e.builtin, args);
}

Result<Value> Runtime::evaluate_test(const Expression& e) {
  CallArgs args;
  args.positional.push_back(TRY(evaluate(*e.children[0])));
  if (e.builtin == nullptr) {
    return Error{ErrorCode::kUnsupported, fmt::format("no test is called \"{}\"", e.name)};
  }
  TRY(evaluate_arguments(e.arguments, args));
  line_ = e.line;
  return call(*e.builtin, args);
}

}  // namespace overtake::jinja
