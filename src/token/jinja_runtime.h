// One rendering of one template: its variables, its output and what it may still spend.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "token/chat_template.h"
#include "token/jinja_ast.h"
#include "token/jinja_builtins.h"
#include "token/jinja_heap.h"
#include "token/jinja_print.h"
#include "token/jinja_value.h"

namespace overtake::jinja {

// Variables of one level. A macro that may still be called keeps the scopes around it.
struct Scope {
  Scope* parent = nullptr;
  bool captured = false;
  std::vector<Binding> bindings;

  Value* find(NameId name);
  void set(NameId name, const Value& value);
};

struct Macro {
  const Statement* statement = nullptr;
  Scope* scope = nullptr;  // where it was defined
};

class Runtime;

// Sets an attribute of a namespace; names that begin with an underscore are refused.
Status set_namespace(Runtime& rt, Namespace& ns, const Value& name, const Value& value);

// Used by one thread, for one rendering.
class Runtime {
 public:
  Runtime(const Program& program, const TemplateLimits& limits, std::optional<int64_t> now_s);

  // A request's JSON as a value, nothing in it trusted. It must outlive the rendering.
  Result<Value> convert(const Json& json);
  // Gives the template a variable; names it never reads are ignored.
  void set_global(std::string_view name, const Value& value);
  bool reads(std::string_view name) const { return program_.names.contains(name); }

  // Runs the whole template once.
  Result<MarkedText> render();

  // Services for builtins.
  Budget& budget() { return budget_; }
  Heap& heap() { return heap_; }
  std::optional<int64_t> now_s() const { return now_s_; }
  Result<Value> call(const Value& callee, CallArgs& args);
  Result<Value> call(const Builtin& builtin, CallArgs& args);
  Result<Value> get_attribute(const Value& object, std::string_view name);
  Result<Value> get_item(const Value& object, const Value& key);
  // The items that a for loop over `value` would see. Walks an iterator to its end.
  Result<std::span<Value>> iterate(const Value& value);
  Result<Value> to_text(const Value& value) { return to_string(heap_, budget_, value); }

 private:
  enum class Flow { kNext, kBreak, kContinue };
  class ScopeGuard;
  class Capture;

  // jinja_runtime.cc: statements
  Result<Flow> run_block(const Block& block);
  Result<Flow> run(const Statement& s);
  Result<Flow> run_if(const Statement& s);
  Result<Flow> run_for(const Statement& s);
  Result<Flow> run_loop(const Statement& s, std::span<Value> items, int depth);
  Result<std::vector<Value>> filter_items(const Statement& s, std::span<Value> items);
  Result<Flow> run_set(const Statement& s);
  Result<Flow> run_set_block(const Statement& s);
  Result<Flow> run_macro(const Statement& s);
  Result<Flow> run_call(const Statement& s);
  Result<Flow> run_filter(const Statement& s);
  Result<Flow> run_with(const Statement& s);
  Status assign(const Target& target, const Value& value);
  Status assign_attribute(const Target& target, const Value& value);
  Scope* new_scope(Scope* parent);
  void release(Scope* scope);
  Result<Value> make_macro(const Statement& s);
  Result<Value> call_macro(const Macro& macro, CallArgs& args);
  Status bind_parameters(const Macro& macro, CallArgs& args);
  Status bind_special(const Statement& s, CallArgs& args);
  Result<Value> call_loop(Loop& loop, CallArgs& args);

  // jinja_evaluate.cc: expressions
  Result<Value> evaluate(const Expression& e);
  Result<Value> evaluate_node(const Expression& e);
  Result<Value> evaluate_name(const Expression& e);
  Result<Value> evaluate_items(const Expression& e, SequenceKind kind);
  Result<Value> evaluate_dict(const Expression& e);
  Result<Value> evaluate_arithmetic(const Expression& e);
  Result<Value> evaluate_concat(const Expression& e);
  Result<Value> evaluate_compare(const Expression& e);
  Result<Value> evaluate_logic(const Expression& e);
  Result<Value> evaluate_conditional(const Expression& e);
  Result<Value> evaluate_item(const Expression& e);
  Result<Value> evaluate_call(const Expression& e);
  Result<Value> evaluate_filter(const Expression& e);
  Result<Value> evaluate_test(const Expression& e);
  Status evaluate_arguments(const Arguments& arguments, CallArgs& out);

  const Program& program_;
  Budget budget_;
  Heap heap_;
  std::optional<int64_t> now_s_;
  std::deque<Scope> scopes_;
  std::vector<Scope*> free_scopes_;
  Scope* scope_;
  TextBuilder* out_ = nullptr;
  TemplateLimits limits_;
  int line_ = 1;
  const Value* block_input_ = nullptr;  // of the filters of a block
  const Value* caller_ = nullptr;       // of the call that a call block makes
};

}  // namespace overtake::jinja
