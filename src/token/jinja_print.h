// How values become text: Python's str() and repr(), and json.dumps.
#pragma once

#include <string>
#include <string_view>

#include "token/jinja_heap.h"
#include "token/jinja_value.h"

namespace overtake::jinja {

// Text under construction, with its trust bytes; what it holds is paid from the budget's memory.
class TextBuilder {
 public:
  explicit TextBuilder(Budget& budget, size_t max_bytes = SIZE_MAX)
      : budget_(budget), max_bytes_(max_bytes) {}

  Status add(const Value& string);
  Status add(std::string_view bytes, bool trusted);
  // Hands the text to the heap, leaving this empty.
  Result<Value> finish(Heap& heap);

  Budget& budget() { return budget_; }
  MarkedText take();

 private:
  Status reserve(size_t n);

  Budget& budget_;
  std::string bytes_;
  std::string trust_;  // [bytes_.size()], 0 or 1
  size_t paid_ = 0;
  size_t max_bytes_;
};

// str(value), as a template prints it.
Status print_value(TextBuilder& out, const Value& value);
// The same as a string value; a string is returned as it is.
Result<Value> to_string(Heap& heap, Budget& budget, const Value& value);
// repr(value), as it stands within a printed list.
Status print_repr(TextBuilder& out, const Value& value);
// Python's repr of a double: the shortest digits that read back the same.
std::string float_repr(double d);

struct JsonStyle {
  bool ensure_ascii = false;
  bool sort_keys = false;
  bool indented = false;
  std::string indent;  // one level of it
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
Status print_json(TextBuilder& out, const Value& value, const JsonStyle& style);

}  // namespace overtake::jinja
