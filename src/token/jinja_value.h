// The values of a template: Python's, as far as templates can see them. A value is 24 bytes, copied
// freely; what it points to lives in the Heap, the template or the request, and never changes
// (namespaces, loops, cyclers and joiners aside).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "token/jinja_heap.h"

namespace overtake::jinja {

enum class Kind : uint8_t {
  kAbsent,  // a parameter that was not given; no template ever holds one
  kUndefined,
  kNone,
  kBool,
  kInt,
  kFloat,
  kString,
  kSequence,
  kDict,
  kNamespace,
  kMethod,
  kFunction,
  kMacro,
  kLoop,
  kCycler,
  kJoiner,
};

struct Sequence;
struct Dict;
struct Namespace;
struct Method;
struct Builtin;
struct Macro;
struct Loop;
struct Cycler;
struct Joiner;

struct Value {
  Kind kind = Kind::kUndefined;
  // Whether the bytes that this value prints were written by the template; for strings only where
  // `trust` is null, which means the same for all bytes.
  bool trusted = true;
  bool markup = false;  // a string that passed `safe` or `escape`: + escapes what it is joined with
  uint32_t size = 0;    // of a string or of an undefined value's description, bytes
  union {
    bool boolean;
    int64_t integer;
    double real;
    const char* data = nullptr;
    Sequence* sequence;
    Dict* dict;
    Namespace* ns;
    Method* method;
    const Builtin* function;
    Macro* macro;
    Loop* loop;
    Cycler* cycler;
    Joiner* joiner;
  };
  const uint8_t* trust = nullptr;  // [size], 0 or 1; inside a Heap block

  bool is(Kind k) const { return kind == k; }
  bool is_string() const { return kind == Kind::kString; }
  std::string_view text() const { return {data, size}; }
  bool byte_trusted(size_t i) const { return trust == nullptr ? trusted : trust[i] != 0; }
  // bytes [begin, end) of a string, sharing them
  Value part(size_t begin, size_t end) const;
};

enum class SequenceKind : uint8_t { kList, kTuple, kView, kRange, kIterator };

// A list, a tuple, a dict's keys, values or items, a range, or what a lazy filter gives. An
// iterator can be walked once, has no length and no items by number.
struct Sequence {
  SequenceKind kind = SequenceKind::kList;
  bool trusted = true;  // whether the template wrote the brackets
  size_t size = 0;
  size_t walked = 0;  // iterators: the items before this one are used up
  Value* items = nullptr;

  std::span<Value> all() const { return {items, size}; }
};

struct Entry {
  Value key;
  Value value;
};

struct Dict {
  bool trusted = true;
  size_t size = 0;
  Entry* entries = nullptr;  // in order of arrival

  std::span<Entry> all() const { return {entries, size}; }
};

using NameId = uint32_t;

struct Binding {
  NameId name = 0;
  Value value;
};

struct Namespace {
  size_t size = 0;
  size_t capacity = 0;
  Entry* entries = nullptr;

  Entry* find(std::string_view name) const;
};

struct Method {
  const Builtin* builtin = nullptr;
  Value self;
};

struct Loop {
  std::span<Value> items;
  size_t index = 0;    // from 0
  int depth = 0;       // of recursive loops, from 0
  Value last_changed;  // what changed() saw last, a tuple
  const struct Statement* recursive = nullptr;
  struct Scope* scope = nullptr;  // around the loop
};

struct Cycler {
  std::span<Value> items;
  size_t position = 0;
};

struct Joiner {
  Value separator;
  bool used = false;
};

inline Value undefined_value(std::string_view why = {}) {
  Value v;
  v.data = why.data();
  v.size = static_cast<uint32_t>(why.size());
  return v;
}
inline Value none_value(bool trusted = true) {
  Value v;
  v.kind = Kind::kNone;
  v.trusted = trusted;
  return v;
}
inline Value absent_value() {
  Value v;
  v.kind = Kind::kAbsent;
  return v;
}
inline Value bool_value(bool b, bool trusted = true) {
  Value v;
  v.kind = Kind::kBool;
  v.trusted = trusted;
  v.boolean = b;
  return v;
}
inline Value int_value(int64_t i, bool trusted = true) {
  Value v;
  v.kind = Kind::kInt;
  v.trusted = trusted;
  v.integer = i;
  return v;
}
inline Value float_value(double d, bool trusted = true) {
  Value v;
  v.kind = Kind::kFloat;
  v.trusted = trusted;
  v.real = d;
  return v;
}
inline Value string_value(std::string_view bytes, bool trusted) {
  Value v;
  v.kind = Kind::kString;
  v.trusted = trusted;
  v.size = static_cast<uint32_t>(bytes.size());
  v.data = bytes.data();
  return v;
}
inline Value string_value(std::string_view bytes, const uint8_t* trust) {
  Value v = string_value(bytes, false);
  v.trust = trust;
  return v;
}
inline Value sequence_value(Sequence* sequence) {
  Value v;
  v.kind = Kind::kSequence;
  v.sequence = sequence;
  return v;
}
inline Value dict_value(Dict* dict) {
  Value v;
  v.kind = Kind::kDict;
  v.dict = dict;
  return v;
}
inline Value function_value(const Builtin* function) {
  Value v;
  v.kind = Kind::kFunction;
  v.function = function;
  return v;
}

// A new sequence of `n` undefined items.
Result<Value> make_sequence(Heap& heap, SequenceKind kind, size_t n);
Result<Value> make_sequence(Heap& heap, SequenceKind kind, const std::vector<Value>& items);
// A dict of `entries`; of equal keys the last value counts, at the first one's place. An unhashable
// key is an error.
Result<Value> make_dict(Heap& heap, Budget& budget, const std::vector<Entry>& entries);

bool is_number(const Value& v);  // bool, int or float, as in Python
bool is_sequence(const Value& v, SequenceKind kind);
bool truthy(const Value& v);
// Python's name of the value's type: "str", "dict".
std::string_view type_name(const Value& v);
// The whole number that an int or a bool is.
std::optional<int64_t> as_int(const Value& v);
double as_double(const Value& v);  // of a number

Result<bool> equal(Budget& budget, const Value& a, const Value& b);
// Negative, zero or positive as Python orders them; an error for types that have no order.
Result<int> compare(Budget& budget, const Value& a, const Value& b);
// The value under `key`, or null.
Result<const Value*> dict_find(Budget& budget, const Dict& dict, const Value& key);
// Whether Python could hash it (strings, numbers, none, tuples of such).
Status check_hashable(Budget& budget, const Value& v);

Error type_error(std::string message);
// Using an undefined value for anything but printing and testing.
Error undefined_error(const Value& v);

}  // namespace overtake::jinja
