// What ends with a block: its variables, and the string that its output goes into.
#pragma once

#include "token/jinja_runtime.h"

namespace overtake::jinja {

// A new scope for a block's variables, gone at its end.
class Runtime::ScopeGuard {
 public:
  ScopeGuard(Runtime& rt, Scope* parent) : rt_(rt), outer_(rt.scope_) {
    rt_.scope_ = rt_.new_scope(parent);
  }
  ~ScopeGuard() {
    rt_.release(rt_.scope_);
    rt_.scope_ = outer_;
  }
  ScopeGuard(const ScopeGuard&) = delete;
  ScopeGuard& operator=(const ScopeGuard&) = delete;

  // Empties the scope for the next turn of a loop, or leaves it to the macro that keeps it.
  void renew() {
    Scope* parent = rt_.scope_->parent;
    rt_.release(rt_.scope_);
    rt_.scope_ = rt_.new_scope(parent);
  }

 private:
  Runtime& rt_;
  Scope* outer_;
};

// What is printed meanwhile goes into a string.
class Runtime::Capture {
 public:
  explicit Capture(Runtime& rt) : rt_(rt), text_(rt.budget_), outer_(rt.out_) { rt_.out_ = &text_; }
  ~Capture() { rt_.out_ = outer_; }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  Result<Value> text() { return text_.finish(rt_.heap_); }

 private:
  Runtime& rt_;
  TextBuilder text_;
  TextBuilder* outer_;
};

}  // namespace overtake::jinja
