#include "token/jinja_runtime.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "token/jinja_operators.h"
#include "token/jinja_scope.h"

namespace overtake::jinja {

Value* Scope::find(NameId name) {
  for (Binding& binding : bindings) {
    if (binding.name == name) return &binding.value;
  }
  return nullptr;
}

void Scope::set(NameId name, const Value& value) {
  if (Value* old = find(name)) {
    *old = value;
  } else {
    bindings.push_back({name, value});
  }
}

Runtime::Runtime(const Program& program, const TemplateLimits& limits, std::optional<int64_t> now_s)
    : program_(program), budget_(limits), heap_(budget_), now_s_(now_s), limits_(limits) {
  scope_ = &scopes_.emplace_back();
}

void Runtime::set_global(std::string_view name, const Value& value) {
  const auto found = program_.names.find(name);
  if (found != program_.names.end()) scope_->set(found->second, value);
}

// Strings are not copied: the request outlives the rendering.
Result<Value> Runtime::convert(const Json& json) {
  const Nesting nesting(budget_);
  if (!nesting.ok() || !budget_.spend(1)) return budget_.error();
  switch (json.type()) {
    case Json::value_t::boolean:
      return bool_value(json.get<bool>(), false);
    case Json::value_t::number_integer:
      return int_value(json.get<int64_t>(), false);
    case Json::value_t::number_unsigned: {
      const auto number = json.get<uint64_t>();
      if (number > INT64_MAX) return float_value(static_cast<double>(number), false);
      return int_value(static_cast<int64_t>(number), false);
    }
    case Json::value_t::number_float:
      return float_value(json.get<double>(), false);
    case Json::value_t::string: {
      const auto& text = json.get_ref<const std::string&>();
      if (text.size() > UINT32_MAX) return budget_.error();
      return string_value(text, false);
    }
    case Json::value_t::array: {
      const Value out = TRY(make_sequence(heap_, SequenceKind::kList, json.size()));
      out.sequence->trusted = false;
      for (size_t i = 0; i < json.size(); ++i) out.sequence->items[i] = TRY(convert(json[i]));
      return out;
    }
    case Json::value_t::object: {
      auto* dict = heap_.make<Dict>();
      Entry* entries = dict == nullptr ? nullptr : heap_.make<Entry>(json.size());
      if (entries == nullptr) return budget_.error();
      dict->trusted = false;
      dict->entries = entries;
      for (const auto& [key, value] : json.items()) {
        entries[dict->size].key = string_value(key, false);
        entries[dict->size].value = TRY(convert(value));
        ++dict->size;
      }
      return dict_value(dict);
    }
    default:
      return none_value(false);
  }
}

Result<MarkedText> Runtime::render() {
  TextBuilder out(budget_, limits_.max_output_bytes);
  out_ = &out;
  Scope* globals = scope_;
  scope_ = new_scope(globals);
  const auto flow = run_block(program_.body);
  out_ = nullptr;
  if (!flow.ok()) {
    Error error = flow.error();
    const char* advice = error.code == ErrorCode::kInvalidArgument
                             ? "change the messages to what this model's template expects"
                         : error.code == ErrorCode::kExhausted
                             ? "shorten the conversation or use another template"
                             : "use another template";
    error.message = fmt::format("{}; chat template line {}; {}", error.message, line_, advice);
    return error;
  }
  return out.take();
}

Result<Runtime::Flow> Runtime::run_block(const Block& block) {
  for (const Statement* s : block) {
    const Flow flow = TRY(run(*s));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Runtime::Flow> Runtime::run(const Statement& s) {
  if (!budget_.spend(1)) return budget_.error();
  if (s.kind == StatementKind::kText) {
    TRY(out_->add(s.text));
    return Flow::kNext;
  }
  const Nesting nesting(budget_);
  if (!nesting.ok()) return budget_.error();
  line_ = s.line;
  switch (s.kind) {
    case StatementKind::kText:
      break;
    case StatementKind::kPrint:
      TRY(print_value(*out_, TRY(evaluate(*s.expression))));
      break;
    case StatementKind::kIf:
      return run_if(s);
    case StatementKind::kFor:
      return run_for(s);
    case StatementKind::kSet:
      return run_set(s);
    case StatementKind::kSetBlock:
      return run_set_block(s);
    case StatementKind::kMacro:
      return run_macro(s);
    case StatementKind::kCall:
      return run_call(s);
    case StatementKind::kFilter:
      return run_filter(s);
    case StatementKind::kWith:
      return run_with(s);
    case StatementKind::kScope: {
      const ScopeGuard guard(*this, scope_);
      return run_block(s.body);
    }
    case StatementKind::kBreak:
      return Flow::kBreak;
    case StatementKind::kContinue:
      return Flow::kContinue;
  }
  return Flow::kNext;
}

Result<Runtime::Flow> Runtime::run_if(const Statement& s) {
  for (const Branch& branch : s.branches) {
    if (truthy(TRY(evaluate(*branch.condition)))) return run_block(branch.body);
  }
  return run_block(s.otherwise);
}

Result<Runtime::Flow> Runtime::run_for(const Statement& s) {
  const std::span<Value> items = TRY(iterate(TRY(evaluate(*s.expression))));
  return run_loop(s, items, 0);
}

Result<std::vector<Value>> Runtime::filter_items(const Statement& s, std::span<Value> items) {
  std::vector<Value> kept;
  ScopeGuard guard(*this, scope_);
  for (const Value& item : items) {
    if (!budget_.spend(1)) return budget_.error();
    guard.renew();
    TRY(assign(s.target, item));
    if (truthy(TRY(evaluate(*s.condition)))) kept.push_back(item);
  }
  return kept;
}

Result<Runtime::Flow> Runtime::run_loop(const Statement& s, std::span<Value> items, int depth) {
  auto* loop = heap_.make<Loop>();
  if (loop == nullptr) return budget_.error();
  if (s.condition != nullptr) {
    const std::vector<Value> kept = TRY(filter_items(s, items));
    items = TRY(make_sequence(heap_, SequenceKind::kList, kept)).sequence->all();
  }
  if (items.empty()) {
    const ScopeGuard guard(*this, scope_);
    return run_block(s.otherwise);
  }
  loop->items = items;
  loop->depth = depth;
  loop->recursive = s.recursive ? &s : nullptr;
  loop->scope = scope_;
  Value loop_value;
  loop_value.kind = Kind::kLoop;
  loop_value.loop = loop;
  ScopeGuard guard(*this, scope_);
  for (; loop->index < items.size(); ++loop->index) {
    if (!budget_.spend(1)) return budget_.error();
    if (loop->index > 0) guard.renew();
    TRY(assign(s.target, items[loop->index]));
    if (program_.loop_name) scope_->set(*program_.loop_name, loop_value);
    if (TRY(run_block(s.body)) == Flow::kBreak) break;
  }
  return Flow::kNext;
}

Result<Runtime::Flow> Runtime::run_set(const Statement& s) {
  TRY(assign(s.target, TRY(evaluate(*s.expression))));
  return Flow::kNext;
}

Result<Runtime::Flow> Runtime::run_set_block(const Statement& s) {
  Capture capture(*this);
  Flow flow = Flow::kNext;
  {
    const ScopeGuard guard(*this, scope_);
    flow = TRY(run_block(s.body));
  }
  if (flow != Flow::kNext) return flow;
  Value text = TRY(capture.text());
  if (s.expression != nullptr) {
    const Value* outer = std::exchange(block_input_, &text);
    auto filtered = evaluate(*s.expression);
    block_input_ = outer;
    text = TRY(std::move(filtered));
  }
  TRY(assign(s.target, text));
  return Flow::kNext;
}

Result<Runtime::Flow> Runtime::run_filter(const Statement& s) {
  Value text;
  {
    Capture capture(*this);
    const ScopeGuard guard(*this, scope_);
    const Flow flow = TRY(run_block(s.body));
    if (flow != Flow::kNext) return flow;
    text = TRY(capture.text());
  }
  const Value* outer = std::exchange(block_input_, &text);
  const auto filtered = evaluate(*s.expression);
  block_input_ = outer;
  if (!filtered.ok()) return filtered.error();
  TRY(print_value(*out_, filtered.value()));
  return Flow::kNext;
}

// The values are evaluated outside of the new scope.
Result<Runtime::Flow> Runtime::run_with(const Statement& s) {
  std::vector<Value> values;
  for (const Parameter& parameter : s.parameters) {
    values.push_back(TRY(evaluate(*parameter.value)));
  }
  const ScopeGuard guard(*this, scope_);
  for (size_t i = 0; i < values.size(); ++i) TRY(assign(s.targets[i], values[i]));
  return run_block(s.body);
}

Status Runtime::assign(const Target& target, const Value& value) {
  if (!budget_.spend(1)) return budget_.error();
  if (!target.is_tuple) {
    if (!target.attribute.empty()) return assign_attribute(target, value);
    scope_->set(target.name_id, value);
    return {};
  }
  const std::span<Value> items = TRY(iterate(value));
  if (items.size() != target.items.size()) {
    return type_error(fmt::format("{} values can not be unpacked into {} names", items.size(),
                                  target.items.size()));
  }
  for (size_t i = 0; i < items.size(); ++i) TRY(assign(target.items[i], items[i]));
  return {};
}

Status Runtime::assign_attribute(const Target& target, const Value& value) {
  Value object;
  for (Scope* scope = scope_; scope != nullptr && object.is(Kind::kUndefined);
       scope = scope->parent) {
    if (const Value* found = scope->find(target.name_id)) object = *found;
  }
  if (!object.is(Kind::kNamespace)) {
    return type_error(
        fmt::format("cannot assign attribute on non-namespace object \"{}\"", target.name));
  }
  return set_namespace(*this, *object.ns, string_value(target.attribute, true), value);
}

Scope* Runtime::new_scope(Scope* parent) {
  if (free_scopes_.empty()) {
    free_scopes_.push_back(&scopes_.emplace_back());
    // A failure shows at the next step that is paid.
    (void)budget_.take_memory(sizeof(Scope) + 4 * sizeof(Binding));
  }
  Scope* scope = free_scopes_.back();
  free_scopes_.pop_back();
  scope->parent = parent;
  return scope;
}

void Runtime::release(Scope* scope) {
  if (scope->captured) return;
  scope->bindings.clear();
  free_scopes_.push_back(scope);
}

}  // namespace overtake::jinja
