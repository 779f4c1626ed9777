// Filters over the items of a value.
#include <fmt/core.h>

#include <algorithm>

#include "token/jinja_arguments.h"
#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"
#include "token/jinja_sort.h"
#include "token/jinja_text.h"

namespace overtake::jinja {

// What sorting and comparing filters look at: the item's attribute, in lower case unless asked.
struct SortKey {
  Runtime& rt;
  Value path = absent_value();
  bool case_sensitive = false;

  Result<Value> of(const Value& item) const {
    Value key = TRY(get_path(rt, item, path));
    if (!case_sensitive && key.is_string()) key = TRY(map_case(rt, key, CaseMapping::kLower));
    return key;
  }
};

namespace {

bool container_trusted(const Value& v) {
  if (v.is(Kind::kSequence)) return v.sequence->trusted;
  if (v.is(Kind::kDict)) return v.dict->trusted;
  return v.trusted && v.trust == nullptr;
}

// A new sequence of items that came from `source`.
Result<Value> derived(Runtime& rt, const Value& source, SequenceKind kind,
                      const std::vector<Value>& items) {
  if (!rt.budget().spend(static_cast<int64_t>(items.size() >> 3))) return rt.budget().error();
  Value out = TRY(make_sequence(rt.heap(), kind, items));
  out.sequence->trusted = container_trusted(source);
  return out;
}

Result<std::vector<Value>> items_of(Runtime& rt, const Value& v) {
  const std::span<Value> items = TRY(rt.iterate(v));
  if (!rt.budget().spend(static_cast<int64_t>(items.size() >> 3))) return rt.budget().error();
  return std::vector<Value>(items.begin(), items.end());
}

Result<Value> first(Runtime& rt, CallArgs& a) {
  const Value& v = a.positional[0];
  if (is_sequence(v, SequenceKind::kIterator)) {  // takes one and leaves the rest
    Sequence& s = *v.sequence;
    return s.walked < s.size ? s.items[s.walked++] : undefined_value("the first of no items");
  }
  if (v.is_string()) return rt.get_item(v, int_value(0));
  const std::span<Value> items = TRY(rt.iterate(v));
  return items.empty() ? undefined_value("the first of no items") : items.front();
}

Result<Value> last(Runtime& rt, CallArgs& a) {
  const Value& v = a.positional[0];
  if (is_sequence(v, SequenceKind::kIterator)) return type_error("an iterator has no last item");
  if (v.is_string()) return rt.get_item(v, int_value(-1));
  const std::span<Value> items = TRY(rt.iterate(v));
  return items.empty() ? undefined_value("the last of no items") : items.back();
}

Result<Value> list_filter(Runtime& rt, CallArgs& a) {
  return derived(rt, a.positional[0], SequenceKind::kList, TRY(items_of(rt, a.positional[0])));
}

Result<Value> reverse(Runtime& rt, CallArgs& a) {
  if (a.positional[0].is_string()) return reverse_text(rt, a.positional[0]);
  std::vector<Value> items = TRY(items_of(rt, a.positional[0]));
  std::reverse(items.begin(), items.end());
  return derived(rt, a.positional[0], SequenceKind::kIterator, items);
}

Result<Value> items_filter(Runtime& rt, CallArgs& a) {
  const Value& v = a.positional[0];
  if (v.is(Kind::kUndefined)) return make_sequence(rt.heap(), SequenceKind::kIterator, size_t{0});
  if (!v.is(Kind::kDict)) return type_error("Can only get item pairs from a mapping.");
  CallArgs self;
  self.positional = {v};
  Value out = TRY(rt.call(*find_method(v, "items"), self));
  out.sequence->kind = SequenceKind::kIterator;
  return out;
}

struct Keyed {
  Value key;
  Value item;
};

Result<std::vector<Keyed>> with_keys(const SortKey& key, std::span<const Value> items) {
  std::vector<Keyed> out;
  for (const Value& item : items) {
    if (!key.rt.budget().spend(1)) return key.rt.budget().error();
    out.push_back({TRY(key.of(item)), item});
  }
  return out;
}

// Stable in both directions, as Python's sorted(reverse=True) is.
Status sort_keyed(Runtime& rt, std::vector<Keyed>& items, bool descending) {
  return sort_stable(items, [&](const Keyed& a, const Keyed& b) {
    return descending ? compare_values(rt, Operator::kLess, b.key, a.key)
                      : compare_values(rt, Operator::kLess, a.key, b.key);
  });
}

Result<Value> unkeyed(Runtime& rt, const Value& source, SequenceKind kind,
                      const std::vector<Keyed>& items) {
  std::vector<Value> out;
  for (const Keyed& keyed : items) out.push_back(keyed.item);
  return derived(rt, source, kind, out);
}

Result<Value> sort(Runtime& rt, CallArgs& a) {
  std::vector<Value> items = TRY(items_of(rt, a.positional[0]));
  SortKey key{rt, a.positional[3], truthy_argument(a, 2, false)};
  std::vector<Keyed> keyed;
  // "a,b" sorts by a, then by b: from the last one, each stable.
  std::vector<Value> paths = {key.path};
  if (key.path.is_string()) {
    const Value comma = string_value(",", true);
    const Value split_paths = TRY(split(rt, key.path, &comma, -1, false));
    const std::span<Value> all = split_paths.sequence->all();
    paths.assign(all.rbegin(), all.rend());
  }
  for (const Value& path : paths) {
    key.path = path;
    keyed = TRY(with_keys(key, items));
    TRY(sort_keyed(rt, keyed, truthy_argument(a, 1, false)));
    std::transform(keyed.begin(), keyed.end(), items.begin(),
                   [](const Keyed& k) { return k.item; });
  }
  return unkeyed(rt, a.positional[0], SequenceKind::kList, keyed);
}

Result<Value> unique(Runtime& rt, CallArgs& a) {
  const SortKey key{rt, a.positional[2], truthy_argument(a, 1, false)};
  std::vector<Keyed> seen;
  for (const Value& item : TRY(items_of(rt, a.positional[0]))) {
    const Value k = TRY(key.of(item));
    TRY(check_hashable(rt.budget(), k));
    bool known = false;
    for (const Keyed& other : seen) known = known || TRY(equal(rt.budget(), other.key, k));
    if (!known) seen.push_back({k, item});
  }
  return unkeyed(rt, a.positional[0], SequenceKind::kIterator, seen);
}

template <Operator better>
Result<Value> extreme(Runtime& rt, CallArgs& a) {
  const SortKey key{rt, a.positional[2], truthy_argument(a, 1, false)};
  const std::vector<Keyed> items = TRY(with_keys(key, TRY(items_of(rt, a.positional[0]))));
  if (items.empty()) return undefined_value("an extreme of no items");
  const Keyed* best = &items[0];
  for (const Keyed& candidate : items) {
    if (TRY(compare_values(rt, better, candidate.key, best->key))) best = &candidate;
  }
  return best->item;
}

Result<Value> sum(Runtime& rt, CallArgs& a) {
  Value total = a.positional[2].is(Kind::kAbsent) ? int_value(0) : a.positional[2];
  if (total.is_string()) return type_error("sum() can't sum strings [use ''.join(seq) instead]");
  for (const Value& item : TRY(items_of(rt, a.positional[0]))) {
    total = TRY(arithmetic(rt, Operator::kAdd, total, TRY(get_path(rt, item, a.positional[1]))));
  }
  return total;
}

Result<Value> dictsort(Runtime& rt, CallArgs& a) {
  if (!a.positional[0].is(Kind::kDict)) return type_error("dictsort needs a dict");
  const std::string_view by = given(a, 2) ? TRY(text_argument(a, 2)).text() : "key";
  if (by != "key" && by != "value") {
    return type_error("You can only sort by either \"key\" or \"value\"");
  }
  CallArgs self;
  self.positional = {a.positional[0]};
  const Value pairs = TRY(rt.call(*find_method(a.positional[0], "items"), self));
  const SortKey key{rt, int_value(by == "key" ? 0 : 1), truthy_argument(a, 1, false)};
  std::vector<Keyed> keyed = TRY(with_keys(key, pairs.sequence->all()));
  TRY(sort_keyed(rt, keyed, truthy_argument(a, 3, false)));
  return unkeyed(rt, a.positional[0], SequenceKind::kList, keyed);
}

Result<Value> batch(Runtime& rt, CallArgs& a) {
  const int64_t n = TRY(int_argument(a, 1, 0));
  std::vector<Value> rows;
  std::vector<Value> row;
  const auto flush = [&]() -> Status {
    rows.push_back(TRY(derived(rt, a.positional[0], SequenceKind::kList, row)));
    row.clear();
    return {};
  };
  for (const Value& item : TRY(items_of(rt, a.positional[0]))) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    if (static_cast<int64_t>(row.size()) == n) TRY(flush());
    row.push_back(item);
  }
  while (!row.empty() && given(a, 2) && static_cast<int64_t>(row.size()) < n) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    row.push_back(a.positional[2]);
  }
  if (!row.empty()) TRY(flush());
  return derived(rt, a.positional[0], SequenceKind::kIterator, rows);
}

Result<Value> slice_filter(Runtime& rt, CallArgs& a) {
  const std::vector<Value> items = TRY(items_of(rt, a.positional[0]));
  const int64_t n = TRY(int_argument(a, 1, 0));
  const auto size = static_cast<int64_t>(items.size());
  if (n == 0) return type_error("slice into zero parts");
  std::vector<Value> parts;
  int64_t at = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    const bool extra = i < size % n;
    const int64_t end = at + size / n + (extra ? 1 : 0);
    std::vector<Value> part(items.begin() + at, items.begin() + end);
    if (given(a, 2) && !extra) part.push_back(a.positional[2]);
    parts.push_back(TRY(derived(rt, a.positional[0], SequenceKind::kList, part)));
    at = end;
  }
  return derived(rt, a.positional[0], SequenceKind::kIterator, parts);
}

// A list of (key, items) in order of the keys.
Result<Value> groupby(Runtime& rt, CallArgs& a) {
  const SortKey key{rt, a.positional[1], truthy_argument(a, 3, false)};
  std::vector<Keyed> keyed = TRY(with_keys(key, TRY(items_of(rt, a.positional[0]))));
  for (Keyed& k : keyed) {
    if (k.key.is(Kind::kUndefined) && given(a, 2)) k.key = a.positional[2];
  }
  TRY(sort_keyed(rt, keyed, false));
  std::vector<Value> groups;
  for (size_t begin = 0; begin < keyed.size();) {
    std::vector<Value> group;
    size_t end = begin;
    for (; end < keyed.size(); ++end) {
      if (!TRY(equal(rt.budget(), keyed[end].key, keyed[begin].key))) break;
      group.push_back(keyed[end].item);
    }
    Value name = TRY(get_path(rt, group[0], a.positional[1]));
    if (name.is(Kind::kUndefined)) name = keyed[begin].key;
    groups.push_back(
        TRY(derived(rt, a.positional[0], SequenceKind::kTuple,
                    {name, TRY(derived(rt, a.positional[0], SequenceKind::kList, group))})));
    begin = end;
  }
  return derived(rt, a.positional[0], SequenceKind::kList, groups);
}

constexpr Builtin kListFilters[] = {
    {"batch", "value linecount fill_with", 2, batch},
    {"dictsort", "value case_sensitive by reverse", 1, dictsort},
    {"first", "seq", 1, first},
    {"groupby", "value attribute default case_sensitive", 2, groupby},
    {"items", "value", 1, items_filter},
    {"last", "seq", 1, last},
    {"list", "value", 1, list_filter},
    {"max", "value case_sensitive attribute", 1, extreme<Operator::kGreater>},
    {"min", "value case_sensitive attribute", 1, extreme<Operator::kLess>},
    {"reverse", "value", 1, reverse},
    {"slice", "value slices fill_with", 2, slice_filter},
    {"sort", "value reverse case_sensitive attribute", 1, sort},
    {"sum", "iterable attribute start", 1, sum},
    {"unique", "value case_sensitive attribute", 1, unique},
};
static_assert(is_sorted_by_name(kListFilters));

}  // namespace

std::span<const Builtin> list_filters() { return kListFilters; }

}  // namespace overtake::jinja
