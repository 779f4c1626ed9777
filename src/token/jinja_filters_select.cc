// map, select, reject and their kind: a filter, test or attribute over all items.
#include <fmt/core.h>

#include <charconv>

#include "token/jinja_arguments.h"
#include "token/jinja_runtime.h"
#include "token/jinja_text.h"

namespace overtake::jinja {

Result<Value> get_path(Runtime& rt, const Value& item, const Value& path) {
  if (path.is(Kind::kAbsent) || path.is(Kind::kNone)) return item;
  if (!path.is_string()) return rt.get_item(item, path);
  Value at = item;
  std::string_view rest = path.text();
  while (true) {
    const size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view name = rest.substr(0, dot);
    int64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    const bool is_number =
        error == std::errc() && end == name.data() + name.size() && name.find('-') == name.npos;
    at = TRY(rt.get_item(at, is_number ? int_value(number) : string_value(name, true)));
    if (dot == rest.size()) return at;
    rest.remove_prefix(dot + 1);
  }
}

namespace {

Result<Value> lazy(Runtime& rt, const std::vector<Value>& items) {
  Value out = TRY(make_sequence(rt.heap(), SequenceKind::kIterator, items));
  out.sequence->trusted = false;
  return out;
}

Result<Value> map_attribute(Runtime& rt, CallArgs& a) {
  Value path = absent_value();
  Value otherwise = none_value();
  for (const NamedValue& named : a.named) {
    if (named.name == "attribute") {
      path = named.value;
    } else if (named.name == "default") {
      otherwise = named.value;
    } else {
      return type_error(fmt::format("map has no parameter \"{}\"", named.name));
    }
  }
  if (path.is(Kind::kAbsent)) return type_error("map requires a filter argument");
  std::vector<Value> out;
  for (const Value& item : TRY(rt.iterate(a.positional[0]))) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    Value value = TRY(get_path(rt, item, path));
    if (value.is(Kind::kUndefined) && !otherwise.is(Kind::kNone)) value = otherwise;
    out.push_back(value);
  }
  return lazy(rt, out);
}

Result<Value> map(Runtime& rt, CallArgs& a) {
  if (!truthy(a.positional[0])) return lazy(rt, {});
  if (a.positional.size() < 2) return map_attribute(rt, a);
  const Value name = TRY(text_argument(a, 1));
  const Builtin* filter = find_filter(name.text());
  if (filter == nullptr) {
    return Error{ErrorCode::kUnsupported, fmt::format("no filter is called \"{}\"", name.text())};
  }
  std::vector<Value> out;
  for (const Value& item : TRY(rt.iterate(a.positional[0]))) {
    CallArgs args;
    args.positional.push_back(item);
    args.positional.insert(args.positional.end(), a.positional.begin() + 2, a.positional.end());
    args.named = a.named;
    out.push_back(TRY(rt.call(*filter, args)));
  }
  return lazy(rt, out);
}

// Whether `value` passes the test named in a.positional[at], or is true where none is named.
Result<bool> passes(Runtime& rt, const CallArgs& a, size_t at, const Value& value) {
  if (at >= a.positional.size()) return truthy(value);
  const Value name = TRY(text_argument(a, at));
  const Builtin* test = find_test(name.text());
  if (test == nullptr) {
    return Error{ErrorCode::kUnsupported, fmt::format("no test is called \"{}\"", name.text())};
  }
  CallArgs args;
  args.positional.push_back(value);
  args.positional.insert(args.positional.end(), a.positional.begin() + at + 1, a.positional.end());
  args.named = a.named;
  return truthy(TRY(rt.call(*test, args)));
}

template <bool wanted, bool by_attribute>
Result<Value> choose(Runtime& rt, CallArgs& a) {
  if (!truthy(a.positional[0])) return lazy(rt, {});
  if (by_attribute && a.positional.size() < 2) {
    return type_error("Missing parameter for attribute name");
  }
  std::vector<Value> out;
  for (const Value& item : TRY(rt.iterate(a.positional[0]))) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    const Value value = by_attribute ? TRY(get_path(rt, item, a.positional[1])) : item;
    if (TRY(passes(rt, a, by_attribute ? 2 : 1, value)) == wanted) out.push_back(item);
  }
  return lazy(rt, out);
}

constexpr Builtin kSelectFilters[] = {
    {"map", "*", 1, map},
    {"reject", "*", 1, choose<false, false>},
    {"rejectattr", "*", 1, choose<false, true>},
    {"select", "*", 1, choose<true, false>},
    {"selectattr", "*", 1, choose<true, true>},
};
static_assert(is_sorted_by_name(kSelectFilters));

}  // namespace

std::span<const Builtin> select_filters() { return kSelectFilters; }

}  // namespace overtake::jinja
