// Global functions, and the methods of everything but strings.
#include <fmt/core.h>

#include <algorithm>
#include <ctime>

#include "token/jinja_arguments.h"
#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"

namespace overtake::jinja {
namespace {

constexpr int64_t kMaxRange = 100'000;  // as in Jinja's sandbox

Result<Value> range(Runtime& rt, CallArgs& a) {
  const bool one = !given(a, 1);
  const int64_t begin = one ? 0 : TRY(int_argument(a, 0, 0));
  const int64_t end = TRY(int_argument(a, one ? 0 : 1, 0));
  const int64_t step = TRY(int_argument(a, 2, 1));
  if (step == 0) return type_error("range() with step zero");
  int64_t distance = 0;
  if (__builtin_sub_overflow(end, begin, &distance)) distance = step > 0 ? INT64_MAX : INT64_MIN;
  int64_t n = 0;
  if (step > 0 && distance > 0) n = (distance - 1) / step + 1;
  if (step < 0 && distance < 0) n = (distance + 1) / step + 1;
  if (n > kMaxRange) {
    return Error{ErrorCode::kExhausted,
                 fmt::format("range() gives more than {} numbers", kMaxRange)};
  }
  if (!rt.budget().spend(n >> 3)) return rt.budget().error();
  const Value out = TRY(make_sequence(rt.heap(), SequenceKind::kRange, static_cast<size_t>(n)));
  for (int64_t i = 0; i < n; ++i) out.sequence->items[i] = int_value(begin + i * step);
  return out;
}

// Pairs and named arguments, as Python's dict() takes them.
Result<std::vector<Entry>> dict_arguments(Runtime& rt, CallArgs& a) {
  std::vector<Entry> entries;
  if (a.positional.size() > 1) return type_error("dict takes at most one positional argument");
  if (!a.positional.empty() && a.positional[0].is(Kind::kDict)) {
    const std::span<Entry> all = a.positional[0].dict->all();
    entries.assign(all.begin(), all.end());
  } else if (!a.positional.empty()) {
    for (const Value& pair : TRY(rt.iterate(a.positional[0]))) {
      const std::span<Value> two = TRY(rt.iterate(pair));
      if (two.size() != 2) return type_error("dict needs pairs");
      entries.push_back({two[0], two[1]});
    }
  }
  for (const NamedValue& named : a.named) {
    entries.push_back({string_value(named.name, true), named.value});
  }
  if (!rt.budget().spend(static_cast<int64_t>(entries.size()))) return rt.budget().error();
  return entries;
}

Result<Value> dict(Runtime& rt, CallArgs& a) {
  return make_dict(rt.heap(), rt.budget(), TRY(dict_arguments(rt, a)));
}

Result<Value> make_namespace(Runtime& rt, CallArgs& a) {
  auto* ns = rt.heap().make<Namespace>();
  if (ns == nullptr) return rt.budget().error();
  for (const Entry& entry : TRY(dict_arguments(rt, a))) {
    if (!entry.key.is_string()) return type_error("a namespace's names are strings");
    TRY(set_namespace(rt, *ns, entry.key, entry.value));
  }
  Value v;
  v.kind = Kind::kNamespace;
  v.ns = ns;
  return v;
}

Result<Value> raise_exception(Runtime& rt, CallArgs& a) {
  return type_error(std::string(TRY(rt.to_text(a.positional[0])).text()));
}

Result<Value> strftime_now(Runtime& rt, CallArgs& a) {
  const Value format = TRY(text_argument(a, 0));
  const std::string pattern(format.text());
  if (pattern.empty()) return format;
  const time_t now = rt.now_s() ? static_cast<time_t>(*rt.now_s()) : std::time(nullptr);
  std::tm date{};
  char text[1024];
  size_t n = 0;
  if (pattern.size() < sizeof(text) / 4 && gmtime_r(&now, &date) != nullptr) {
    n = std::strftime(text, sizeof(text), pattern.c_str(), &date);
  }
  if (n == 0) return type_error("strftime_now can not use this format");
  return rt.heap().text({text, n}, format.trust == nullptr && format.trusted);
}

Result<Value> cycler(Runtime& rt, CallArgs& a) {
  if (a.positional.empty() || !a.named.empty()) return type_error("cycler needs items");
  const Value items = TRY(make_sequence(rt.heap(), SequenceKind::kList, a.positional));
  auto* made = rt.heap().make<Cycler>();
  if (made == nullptr) return rt.budget().error();
  made->items = items.sequence->all();
  Value v;
  v.kind = Kind::kCycler;
  v.cycler = made;
  return v;
}

Result<Value> joiner(Runtime& rt, CallArgs& a) {
  auto* made = rt.heap().make<Joiner>();
  if (made == nullptr) return rt.budget().error();
  made->separator = TRY(optional_text(a, 0)).value_or(string_value(", ", true));
  Value v;
  v.kind = Kind::kJoiner;
  v.joiner = made;
  return v;
}

constexpr Builtin kFunctions[] = {
    {"cycler", "*", 0, cycler},
    {"dict", "*", 0, dict},
    {"joiner", "sep", 0, joiner},
    {"namespace", "*", 0, make_namespace},
    {"raise_exception", "message", 1, raise_exception},
    {"range", "start stop step", 1, range},
    {"strftime_now", "format", 1, strftime_now},
};
static_assert(is_sorted_by_name(kFunctions));

Result<Value> dict_get(Runtime& rt, CallArgs& a) {
  TRY(check_hashable(rt.budget(), a.positional[1]));
  const Value* found = TRY(dict_find(rt.budget(), *a.positional[0].dict, a.positional[1]));
  if (found != nullptr) return *found;
  return a.positional[2].is(Kind::kAbsent) ? none_value() : a.positional[2];
}

enum class View { kKeys, kValues, kItems };

template <View view>
Result<Value> dict_view(Runtime& rt, CallArgs& a) {
  const Dict& from = *a.positional[0].dict;
  const Value out = TRY(make_sequence(rt.heap(), SequenceKind::kView, from.size));
  out.sequence->trusted = from.trusted;
  for (size_t i = 0; i < from.size; ++i) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    Value& item = out.sequence->items[i];
    if (view == View::kKeys) item = from.entries[i].key;
    if (view == View::kValues) item = from.entries[i].value;
    if (view != View::kItems) continue;
    item = TRY(make_sequence(rt.heap(), SequenceKind::kTuple, 2));
    item.sequence->trusted = from.trusted;
    item.sequence->items[0] = from.entries[i].key;
    item.sequence->items[1] = from.entries[i].value;
  }
  return out;
}

Result<Value> copy(Runtime&, CallArgs& a) { return a.positional[0]; }  // nothing can change it

constexpr Builtin kDictMethods[] = {
    {"copy", "self", 1, copy},
    {"get", "self key default", 2, dict_get},
    {"items", "self", 1, dict_view<View::kItems>},
    {"keys", "self", 1, dict_view<View::kKeys>},
    {"values", "self", 1, dict_view<View::kValues>},
};
static_assert(is_sorted_by_name(kDictMethods));

Result<Value> count_item(Runtime& rt, CallArgs& a) {
  int64_t n = 0;
  for (const Value& item : a.positional[0].sequence->all()) {
    n += TRY(equal(rt.budget(), item, a.positional[1])) ? 1 : 0;
  }
  return int_value(n);
}

Result<Value> index_of_item(Runtime& rt, CallArgs& a) {
  int64_t i = 0;
  for (const Value& item : a.positional[0].sequence->all()) {
    if (TRY(equal(rt.budget(), item, a.positional[1]))) return int_value(i);
    ++i;
  }
  return type_error("the value is not in the list");
}

constexpr Builtin kSequenceMethods[] = {
    {"copy", "self", 1, copy},
    {"count", "self value", 2, count_item},
    {"index", "self value", 2, index_of_item},
};
static_assert(is_sorted_by_name(kSequenceMethods));

Result<Value> cycle(Runtime&, CallArgs& a) {
  const size_t n = a.positional.size() - 1;
  if (n == 0) return type_error("no items for cycling given");
  return a.positional[1 + a.positional[0].loop->index % n];
}

Result<Value> changed(Runtime& rt, CallArgs& a) {
  Loop& loop = *a.positional[0].loop;
  const std::vector<Value> values(a.positional.begin() + 1, a.positional.end());
  const Value now = TRY(make_sequence(rt.heap(), SequenceKind::kTuple, values));
  const bool same = TRY(equal(rt.budget(), loop.last_changed, now));
  loop.last_changed = now;
  return bool_value(!same);
}

constexpr Builtin kLoopMethods[] = {
    {"changed", "*", 1, changed},
    {"cycle", "*", 1, cycle},
};
static_assert(is_sorted_by_name(kLoopMethods));

Result<Value> next(Runtime&, CallArgs& a) {
  Cycler& cycler = *a.positional[0].cycler;
  const Value value = cycler.items[cycler.position];
  cycler.position = (cycler.position + 1) % cycler.items.size();
  return value;
}

Result<Value> reset(Runtime&, CallArgs& a) {
  a.positional[0].cycler->position = 0;
  return none_value();
}

constexpr Builtin kCyclerMethods[] = {
    {"next", "self", 1, next},
    {"reset", "self", 1, reset},
};
static_assert(is_sorted_by_name(kCyclerMethods));

}  // namespace

const Builtin* find_function(std::string_view name) { return find_builtin(kFunctions, name); }

const Builtin* find_method(const Value& self, std::string_view name) {
  switch (self.kind) {
    case Kind::kString:
      return find_builtin(string_methods(), name);
    case Kind::kDict:
      return find_builtin(kDictMethods, name);
    case Kind::kLoop:
      return find_builtin(kLoopMethods, name);
    case Kind::kCycler:
      return find_builtin(kCyclerMethods, name);
    case Kind::kSequence: {
      const SequenceKind kind = self.sequence->kind;
      if (kind == SequenceKind::kView || kind == SequenceKind::kIterator) return nullptr;
      if (name == "copy" && kind != SequenceKind::kList) return nullptr;
      return find_builtin(kSequenceMethods, name);
    }
    default:
      return nullptr;
  }
}

const Builtin* find_builtin(std::span<const Builtin> table, std::string_view name) {
  const auto at = std::lower_bound(
      table.begin(), table.end(), name,
      [](const Builtin& builtin, std::string_view wanted) { return builtin.name < wanted; });
  return at != table.end() && at->name == name ? &*at : nullptr;
}

Status set_namespace(Runtime& rt, Namespace& ns, const Value& name, const Value& value) {
  if (name.text().starts_with('_')) {
    return type_error(
        fmt::format("a namespace stores no names that begin with _: \"{}\"", name.text()));
  }
  if (!rt.budget().spend(static_cast<int64_t>(ns.size >> 4))) return rt.budget().error();
  if (Entry* entry = ns.find(name.text())) {
    entry->value = value;
    return {};
  }
  if (ns.size == ns.capacity) {
    const size_t capacity = std::max<size_t>(4, 2 * ns.capacity);
    auto* entries = rt.heap().make<Entry>(capacity);
    if (entries == nullptr) return rt.budget().error();
    std::copy_n(ns.entries, ns.size, entries);
    ns.entries = entries;
    ns.capacity = capacity;
  }
  ns.entries[ns.size++] = {name, value};
  return {};
}

}  // namespace overtake::jinja
