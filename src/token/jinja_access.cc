// Attributes and items: what `a.b` and `a["b"]` mean for each kind of value. Only what is listed
// here and in the method tables can be reached; there is no reflection.
#include <fmt/core.h>

#include <algorithm>

#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

Value loop_neighbour(const Loop& loop, bool exists, size_t at, std::string_view name) {
  return exists ? loop.items[at] : undefined_value(name);
}

Result<Value> loop_attribute(Runtime& rt, const Value& self, std::string_view name) {
  const Loop& loop = *self.loop;
  const auto index = static_cast<int64_t>(loop.index);
  const auto n = static_cast<int64_t>(loop.items.size());
  if (name == "index") return int_value(index + 1);
  if (name == "index0") return int_value(index);
  if (name == "revindex") return int_value(n - index);
  if (name == "revindex0") return int_value(n - index - 1);
  if (name == "first") return bool_value(index == 0);
  if (name == "last") return bool_value(index + 1 == n);
  if (name == "length") return int_value(n);
  if (name == "depth") return int_value(loop.depth + 1);
  if (name == "depth0") return int_value(loop.depth);
  if (name == "previtem") return loop_neighbour(loop, index > 0, loop.index - 1, "loop.previtem");
  if (name == "nextitem")
    return loop_neighbour(loop, index + 1 < n, loop.index + 1, "loop.nextitem");
  return undefined_value(name);
}

Result<Value> bound_method(Runtime& rt, const Value& self, const Builtin* builtin) {
  auto* method = rt.heap().make<Method>();
  if (method == nullptr) return rt.budget().error();
  method->builtin = builtin;
  method->self = self;
  Value v;
  v.kind = Kind::kMethod;
  v.method = method;
  return v;
}

// Python's attributes that change a value or reach into the interpreter: never there, and using
// them is an error, as in Jinja's immutable sandbox.
bool is_forbidden(const Value& object, std::string_view name) {
  if (name.starts_with("__") && name.ends_with("__")) return true;
  constexpr std::string_view kDict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  constexpr std::string_view kList[] = {"append", "clear",  "extend",  "insert",
                                        "pop",    "remove", "reverse", "sort"};
  const auto has = [&](const auto& names) {
    return std::find(std::begin(names), std::end(names), name) != std::end(names);
  };
  return (object.is(Kind::kDict) && has(kDict)) ||
         (is_sequence(object, SequenceKind::kList) && has(kList));
}

Result<Value> item_by_number(Runtime& rt, const Value& object, int64_t index) {
  if (object.is_string()) {
    const std::string_view text = object.text();
    if (!rt.budget().spend_bytes(text.size())) return rt.budget().error();
    if (index < 0) index += static_cast<int64_t>(count_chars(text));
    const size_t at = index < 0 ? text.size() : byte_of_char(text, static_cast<size_t>(index));
    if (at >= text.size()) return undefined_value("a character past the end");
    return object.part(at, at + char_at(text, at).size);
  }
  const Sequence& sequence = *object.sequence;
  if (sequence.kind == SequenceKind::kView || sequence.kind == SequenceKind::kIterator) {
    return undefined_value("an item by number");
  }
  if (index < 0) index += static_cast<int64_t>(sequence.size);
  if (index < 0 || index >= static_cast<int64_t>(sequence.size)) {
    return undefined_value("an item past the end");
  }
  return sequence.items[index];
}

}  // namespace

Result<Value> Runtime::get_attribute(const Value& object, std::string_view name) {
  switch (object.kind) {
    case Kind::kUndefined:
      return undefined_error(object);
    case Kind::kLoop:
      if (find_method(object, name) == nullptr) return loop_attribute(*this, object, name);
      break;
    case Kind::kNamespace:
      if (const Entry* entry = object.ns->find(name)) return entry->value;
      return undefined_value(name);
    case Kind::kMacro:
      if (name == "name") return string_value(object.macro->statement->name, true);
      return undefined_value(name);
    case Kind::kCycler:
      if (name == "current") return object.cycler->items[object.cycler->position];
      break;
    default:
      break;
  }
  if (is_forbidden(object, name)) return undefined_value(name);
  if (const Builtin* builtin = find_method(object, name)) {
    return bound_method(*this, object, builtin);
  }
  if (object.is(Kind::kDict)) {
    const Value* found = TRY(dict_find(budget_, *object.dict, string_value(name, true)));
    if (found != nullptr) return *found;
  }
  return undefined_value(name);
}

Result<Value> Runtime::get_item(const Value& object, const Value& key) {
  if (object.is(Kind::kUndefined)) return undefined_error(object);
  if (object.is(Kind::kDict)) {
    const Value* found = TRY(dict_find(budget_, *object.dict, key));
    if (found != nullptr) return *found;
    if (!key.is_string()) return undefined_value("an item of a dict");
    // Only methods are left; get_attribute would look for the key again.
    const Builtin* builtin =
        is_forbidden(object, key.text()) ? nullptr : find_method(object, key.text());
    if (builtin == nullptr) return undefined_value(key.text());
    return bound_method(*this, object, builtin);
  }
  const std::optional<int64_t> index = as_int(key);
  if (index && (object.is_string() || object.is(Kind::kSequence))) {
    return item_by_number(*this, object, *index);
  }
  if (key.is_string()) return get_attribute(object, key.text());
  return undefined_value("an item");
}

Result<std::span<Value>> Runtime::iterate(const Value& value) {
  switch (value.kind) {
    case Kind::kUndefined:
      return std::span<Value>();
    case Kind::kSequence: {
      Sequence& sequence = *value.sequence;
      if (sequence.kind != SequenceKind::kIterator) return sequence.all();
      const std::span<Value> rest = sequence.all().subspan(sequence.walked);
      sequence.walked = sequence.size;
      return rest;
    }
    case Kind::kDict: {
      const Value keys = TRY(make_sequence(heap_, SequenceKind::kList, value.dict->size));
      if (!budget_.spend(static_cast<int64_t>(value.dict->size >> 3))) return budget_.error();
      for (size_t i = 0; i < value.dict->size; ++i) {
        keys.sequence->items[i] = value.dict->entries[i].key;
      }
      return keys.sequence->all();
    }
    case Kind::kString: {
      const size_t n = count_chars(value.text());
      if (!budget_.spend(static_cast<int64_t>(n >> 3))) return budget_.error();
      const Value chars = TRY(make_sequence(heap_, SequenceKind::kList, n));
      size_t at = 0;
      for (Value& item : chars.sequence->all()) {
        const size_t size = char_at(value.text(), at).size;
        item = value.part(at, at + size);
        at += size;
      }
      return chars.sequence->all();
    }
    default:
      return type_error(fmt::format("{} can not be iterated over", type_name(value)));
  }
}

}  // namespace overtake::jinja
