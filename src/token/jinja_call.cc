// Calls: native functions, macros, call blocks, recursive loops.
#include <fmt/core.h>

#include <algorithm>

#include "token/jinja_runtime.h"
#include "token/jinja_scope.h"

namespace overtake::jinja {
namespace {

// Spreads arguments over the parameters of a native function.
Status bind(const Builtin& builtin, CallArgs& args) {
  std::vector<std::string_view> names;
  for (std::string_view rest = builtin.parameters; !rest.empty();) {
    const size_t end = std::min(rest.find(' '), rest.size());
    names.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (args.positional.size() > names.size()) {
    return type_error(fmt::format("{} takes at most {} arguments", builtin.name, names.size()));
  }
  args.positional.resize(names.size(), absent_value());
  for (const NamedValue& named : args.named) {
    const auto at = std::find(names.begin(), names.end(), named.name);
    if (at == names.end()) {
      return type_error(fmt::format("{} has no parameter \"{}\"", builtin.name, named.name));
    }
    Value& place = args.positional[static_cast<size_t>(at - names.begin())];
    if (!place.is(Kind::kAbsent)) {
      return type_error(fmt::format("{} gets \"{}\" twice", builtin.name, named.name));
    }
    place = named.value;
  }
  for (int i = 0; i < builtin.required; ++i) {
    if (args.positional[static_cast<size_t>(i)].is(Kind::kAbsent)) {
      return type_error(fmt::format("{} needs \"{}\"", builtin.name, names[i]));
    }
  }
  return {};
}

}  // namespace

Result<Value> Runtime::call(const Builtin& builtin, CallArgs& args) {
  const Nesting nesting(budget_);
  if (!nesting.ok() || !budget_.spend(1)) return budget_.error();
  if (builtin.parameters != "*") TRY(bind(builtin, args));
  return builtin.run(*this, args);
}

Result<Value> Runtime::call(const Value& callee, CallArgs& args) {
  switch (callee.kind) {
    case Kind::kFunction:
      return call(*callee.function, args);
    case Kind::kMethod:
      args.positional.insert(args.positional.begin(), callee.method->self);
      return call(*callee.method->builtin, args);
    case Kind::kMacro:
      return call_macro(*callee.macro, args);
    case Kind::kLoop:
      return call_loop(*callee.loop, args);
    case Kind::kJoiner: {
      Joiner& joiner = *callee.joiner;
      if (!joiner.used) {
        joiner.used = true;
        return string_value({}, true);
      }
      return joiner.separator;
    }
    case Kind::kUndefined:
      return undefined_error(callee);
    default:
      return type_error(fmt::format("{} can not be called", type_name(callee)));
  }
}

// The scopes around a macro live as long as it may be called.
Result<Value> Runtime::make_macro(const Statement& s) {
  auto* macro = heap_.make<Macro>();
  if (macro == nullptr) return budget_.error();
  macro->statement = &s;
  macro->scope = scope_;
  for (Scope* scope = scope_; scope != nullptr && !scope->captured; scope = scope->parent) {
    scope->captured = true;
  }
  Value v;
  v.kind = Kind::kMacro;
  v.macro = macro;
  return v;
}

Result<Runtime::Flow> Runtime::run_macro(const Statement& s) {
  scope_->set(s.name_id, TRY(make_macro(s)));
  return Flow::kNext;
}

Result<Runtime::Flow> Runtime::run_call(const Statement& s) {
  const Value body = TRY(make_macro(s));
  caller_ = &body;
  const auto result = evaluate(*s.expression);
  caller_ = nullptr;
  if (!result.ok()) return result.error();
  TRY(print_value(*out_, result.value()));
  return Flow::kNext;
}

Result<Value> Runtime::call_macro(const Macro& macro, CallArgs& args) {
  const Nesting nesting(budget_);
  if (!nesting.ok() || !budget_.spend(1)) return budget_.error();
  Capture capture(*this);
  const ScopeGuard guard(*this, macro.scope);
  TRY(bind_parameters(macro, args));
  const int line = line_;
  TRY(run_block(macro.statement->body));
  line_ = line;
  return capture.text();
}

Status Runtime::bind_parameters(const Macro& macro, CallArgs& args) {
  const Statement& s = *macro.statement;
  std::vector<Value> given(s.parameters.size(), absent_value());
  for (size_t i = 0; i < s.parameters.size(); ++i) {
    if (i < args.positional.size()) {
      given[i] = args.positional[i];
      continue;
    }
    const auto named = std::find_if(args.named.begin(), args.named.end(), [&](const NamedValue& n) {
      return n.name == s.parameters[i].name;
    });
    if (named == args.named.end()) continue;
    given[i] = named->value;
    args.named.erase(named);
  }
  for (size_t i = 0; i < given.size(); ++i) {
    const Parameter& parameter = s.parameters[i];
    Value value = given[i];
    if (value.is(Kind::kAbsent)) {
      // Defaults see the parameters before them.
      value = parameter.value == nullptr ? undefined_value(parameter.name)
                                         : TRY(evaluate(*parameter.value));
    }
    scope_->set(parameter.name_id, value);
  }
  return bind_special(s, args);
}

// What is left over: caller, varargs and kwargs, for a body that reads them; else it is an error.
Status Runtime::bind_special(const Statement& s, CallArgs& args) {
  const auto set = [&](std::string_view name, const Value& value) {
    scope_->set(program_.names.find(name)->second, value);
  };
  const bool caller_is_parameter =
      std::any_of(s.parameters.begin(), s.parameters.end(),
                  [](const Parameter& p) { return p.name == "caller"; });
  if (s.wants_caller && !caller_is_parameter) {
    const auto caller = std::find_if(args.named.begin(), args.named.end(),
                                     [](const NamedValue& n) { return n.name == "caller"; });
    set("caller", caller == args.named.end() ? undefined_value("caller") : caller->value);
    if (caller != args.named.end()) args.named.erase(caller);
  }
  if (s.wants_kwargs) {
    std::vector<Entry> entries;
    for (const NamedValue& n : args.named) entries.push_back({string_value(n.name, true), n.value});
    set("kwargs", TRY(make_dict(heap_, budget_, entries)));
  } else if (!args.named.empty()) {
    return type_error(
        fmt::format("macro \"{}\" takes no keyword argument \"{}\"", s.name, args.named[0].name));
  }
  const size_t n = std::min(s.parameters.size(), args.positional.size());
  const std::vector<Value> rest(args.positional.begin() + n, args.positional.end());
  if (s.wants_varargs) {
    set("varargs", TRY(make_sequence(heap_, SequenceKind::kTuple, rest)));
  } else if (!rest.empty()) {
    return type_error(fmt::format("macro \"{}\" takes not more than {} argument(s)", s.name,
                                  s.parameters.size()));
  }
  return {};
}

// {{ loop(items) }} in a loop marked as recursive: the loop once more, as a string.
Result<Value> Runtime::call_loop(Loop& loop, CallArgs& args) {
  const Nesting nesting(budget_);
  if (!nesting.ok()) return budget_.error();
  if (loop.recursive == nullptr) return type_error("the loop is not marked as recursive");
  if (args.positional.size() != 1 || !args.named.empty()) {
    return type_error("a loop is called with one argument");
  }
  const std::span<Value> items = TRY(iterate(args.positional[0]));
  Capture capture(*this);
  const ScopeGuard guard(*this, loop.scope);
  TRY(run_loop(*loop.recursive, items, loop.depth + 1));
  return capture.text();
}

}  // namespace overtake::jinja
