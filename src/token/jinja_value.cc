#include "token/jinja_value.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

namespace overtake::jinja {
namespace {

// Python compares an int and a float by their exact values; the conversion of a big int to double
// rounds, so the float is taken apart instead.
int compare_int_float(int64_t i, double d) {
  if (d >= 9223372036854775808.0) return -1;
  if (d < -9223372036854775808.0) return 1;
  const double whole = std::floor(d);
  const auto w = static_cast<int64_t>(whole);
  if (i != w) return i < w ? -1 : 1;
  return d > whole ? -1 : 0;
}

// Of two numbers, none of them NaN.
int compare_numbers(const Value& a, const Value& b) {
  if (a.is(Kind::kFloat) && b.is(Kind::kFloat)) return a.real < b.real ? -1 : a.real > b.real;
  if (a.is(Kind::kFloat)) return -compare_int_float(*as_int(b), a.real);
  if (b.is(Kind::kFloat)) return compare_int_float(*as_int(a), b.real);
  const int64_t x = *as_int(a);
  const int64_t y = *as_int(b);
  return x < y ? -1 : x > y;
}

bool is_nan(const Value& v) { return v.is(Kind::kFloat) && std::isnan(v.real); }

bool same_sequence_type(SequenceKind a, SequenceKind b) {
  return a == b && a != SequenceKind::kIterator;
}

Result<bool> equal_dicts(Budget& budget, const Dict& a, const Dict& b) {
  if (a.size != b.size) return false;
  for (const Entry& entry : a.all()) {
    const Value* other = TRY(dict_find(budget, b, entry.key));
    if (other == nullptr || !TRY(equal(budget, entry.value, *other))) return false;
  }
  return true;
}

}  // namespace

Value Value::part(size_t begin, size_t end) const {
  Value v = *this;
  v.data += begin;
  v.size = static_cast<uint32_t>(end - begin);
  if (v.trust != nullptr) v.trust += begin;
  return v;
}

Entry* Namespace::find(std::string_view name) const {
  for (size_t i = 0; i < size; ++i) {
    if (entries[i].key.text() == name) return &entries[i];
  }
  return nullptr;
}

Result<Value> make_sequence(Heap& heap, SequenceKind kind, size_t n) {
  auto* sequence = heap.make<Sequence>();
  Value* items = sequence == nullptr ? nullptr : heap.make<Value>(n);
  if (items == nullptr) return heap.error();
  sequence->kind = kind;
  sequence->size = n;
  sequence->items = items;
  return sequence_value(sequence);
}

Result<Value> make_sequence(Heap& heap, SequenceKind kind, const std::vector<Value>& items) {
  Value out = TRY(make_sequence(heap, kind, items.size()));
  std::copy(items.begin(), items.end(), out.sequence->items);
  return out;
}

Result<Value> make_dict(Heap& heap, Budget& budget, const std::vector<Entry>& entries) {
  auto* dict = heap.make<Dict>();
  Entry* room = dict == nullptr ? nullptr : heap.make<Entry>(entries.size());
  if (room == nullptr) return heap.error();
  dict->entries = room;
  for (const Entry& entry : entries) {
    TRY(check_hashable(budget, entry.key));
    const Value* old = TRY(dict_find(budget, *dict, entry.key));
    if (old != nullptr) {
      *const_cast<Value*>(old) = entry.value;
    } else {
      room[dict->size++] = entry;
    }
  }
  return dict_value(dict);
}

bool is_number(const Value& v) {
  return v.is(Kind::kInt) || v.is(Kind::kFloat) || v.is(Kind::kBool);
}

bool is_sequence(const Value& v, SequenceKind kind) {
  return v.is(Kind::kSequence) && v.sequence->kind == kind;
}

bool truthy(const Value& v) {
  switch (v.kind) {
    case Kind::kAbsent:
    case Kind::kUndefined:
    case Kind::kNone:
      return false;
    case Kind::kBool:
      return v.boolean;
    case Kind::kInt:
      return v.integer != 0;
    case Kind::kFloat:
      return v.real != 0;
    case Kind::kString:
      return v.size != 0;
    case Kind::kSequence:
      return v.sequence->kind == SequenceKind::kIterator || v.sequence->size != 0;
    case Kind::kDict:
      return v.dict->size != 0;
    default:
      return true;
  }
}

std::string_view type_name(const Value& v) {
  switch (v.kind) {
    case Kind::kAbsent:
    case Kind::kUndefined:
      return "Undefined";
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kSequence: {
      constexpr std::string_view kNames[] = {"list", "tuple", "dict view", "range", "iterator"};
      return kNames[static_cast<int>(v.sequence->kind)];
    }
    case Kind::kDict:
      return "dict";
    case Kind::kNamespace:
      return "Namespace";
    case Kind::kMethod:
      return "method";
    case Kind::kFunction:
      return "function";
    case Kind::kMacro:
      return "Macro";
    case Kind::kLoop:
      return "LoopContext";
    case Kind::kCycler:
      return "Cycler";
    case Kind::kJoiner:
      return "Joiner";
  }
  return "object";
}

std::optional<int64_t> as_int(const Value& v) {
  if (v.is(Kind::kInt)) return v.integer;
  if (v.is(Kind::kBool)) return v.boolean ? 1 : 0;
  return std::nullopt;
}

double as_double(const Value& v) {
  return v.is(Kind::kFloat) ? v.real : static_cast<double>(*as_int(v));
}

Result<bool> equal(Budget& budget, const Value& a, const Value& b) {
  const Nesting nesting(budget);
  if (!nesting.ok() || !budget.spend(1)) return budget.error();
  if (is_number(a) && is_number(b)) {
    return !is_nan(a) && !is_nan(b) && compare_numbers(a, b) == 0;
  }
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case Kind::kUndefined:
    case Kind::kNone:
      return true;
    case Kind::kString:
      if (!budget.spend_bytes(std::min(a.size, b.size))) return budget.error();
      return a.text() == b.text();
    case Kind::kSequence: {
      if (a.sequence == b.sequence) return true;
      if (!same_sequence_type(a.sequence->kind, b.sequence->kind)) return false;
      if (a.sequence->size != b.sequence->size) return false;
      for (size_t i = 0; i < a.sequence->size; ++i) {
        if (!TRY(equal(budget, a.sequence->items[i], b.sequence->items[i]))) return false;
      }
      return true;
    }
    case Kind::kDict:
      return a.dict == b.dict || TRY(equal_dicts(budget, *a.dict, *b.dict));
    case Kind::kMethod:
      return a.method->builtin == b.method->builtin &&
             TRY(equal(budget, a.method->self, b.method->self));
    default:
      return a.data == b.data;  // the same object
  }
}

Result<int> compare(Budget& budget, const Value& a, const Value& b) {
  const Nesting nesting(budget);
  if (!nesting.ok() || !budget.spend(1)) return budget.error();
  if (is_number(a) && is_number(b)) {
    // A NaN is neither less nor greater; callers that can meet one ask is_nan first.
    return is_nan(a) || is_nan(b) ? 0 : compare_numbers(a, b);
  }
  if (a.is_string() && b.is_string()) {
    // UTF-8 keeps the order of code points.
    if (!budget.spend_bytes(std::min(a.size, b.size))) return budget.error();
    return a.text().compare(b.text());
  }
  if (a.is(Kind::kSequence) && b.is(Kind::kSequence) && a.sequence->kind == b.sequence->kind &&
      (a.sequence->kind == SequenceKind::kList || a.sequence->kind == SequenceKind::kTuple)) {
    const size_t n = std::min(a.sequence->size, b.sequence->size);
    for (size_t i = 0; i < n; ++i) {
      if (TRY(equal(budget, a.sequence->items[i], b.sequence->items[i]))) continue;
      return compare(budget, a.sequence->items[i], b.sequence->items[i]);
    }
    return a.sequence->size < b.sequence->size ? -1 : a.sequence->size > b.sequence->size;
  }
  if (a.is(Kind::kUndefined)) return undefined_error(a);
  if (b.is(Kind::kUndefined)) return undefined_error(b);
  return type_error(fmt::format("'{}' and '{}' have no order", type_name(a), type_name(b)));
}

Result<const Value*> dict_find(Budget& budget, const Dict& dict, const Value& key) {
  if (!budget.spend(static_cast<int64_t>(dict.size >> 4))) return budget.error();
  for (const Entry& entry : dict.all()) {
    if (key.is_string()) {
      if (entry.key.is_string() && entry.key.text() == key.text()) return &entry.value;
    } else if (TRY(equal(budget, entry.key, key))) {
      return &entry.value;
    }
  }
  return nullptr;
}

Status check_hashable(Budget& budget, const Value& v) {
  const Nesting nesting(budget);
  if (!nesting.ok() || !budget.spend(1)) return budget.error();
  const bool is_tuple = is_sequence(v, SequenceKind::kTuple);
  if (v.is(Kind::kDict) || is_sequence(v, SequenceKind::kList) ||
      is_sequence(v, SequenceKind::kView)) {
    return type_error(fmt::format("unhashable type: '{}'", type_name(v)));
  }
  if (is_tuple) {
    for (const Value& item : v.sequence->all()) TRY(check_hashable(budget, item));
  }
  return {};
}

Error type_error(std::string message) {
  return Error{ErrorCode::kInvalidArgument, std::move(message)};
}

Error undefined_error(const Value& v) {
  if (v.size == 0) return type_error("an undefined value is used");
  return type_error(fmt::format("\"{}\" is undefined", v.text()));
}

}  // namespace overtake::jinja
