// Filters, tests, functions and methods: tables of native functions by name. A new one is one line
// in its table and its function.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "token/jinja_value.h"

namespace overtake::jinja {

class Runtime;

struct NamedValue {
  std::string_view name;
  Value value;
};

struct CallArgs {
  std::vector<Value> positional;
  std::vector<NamedValue> named;
};

struct Builtin {
  std::string_view name;
  // The parameters' names with spaces between, the input of a filter, test or method first. run()
  // then finds exactly that many positional values, kAbsent where none was given. "*": run() gets
  // the arguments as they came, the input first.
  std::string_view parameters;
  int required;  // how many must be given
  Result<Value> (*run)(Runtime&, CallArgs&);
};

template <size_t n>
constexpr bool is_sorted_by_name(const Builtin (&table)[n]) {
  for (size_t i = 1; i < n; ++i) {
    if (!(table[i - 1].name < table[i].name)) return false;
  }
  return true;
}

// The entry called `name`, or null. Tables are sorted by name.
const Builtin* find_filter(std::string_view name);
const Builtin* find_test(std::string_view name);
const Builtin* find_function(std::string_view name);
const Builtin* find_method(const Value& self, std::string_view name);

const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name);
std::span<const Builtin> text_filters();
std::span<const Builtin> list_filters();
std::span<const Builtin> select_filters();
std::span<const Builtin> number_filters();
std::span<const Builtin> string_methods();

}  // namespace overtake::jinja
