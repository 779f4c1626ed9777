// container[begin:end:step], with Python's rules for what is missing, negative or past the end.
#include <fmt/core.h>

#include <algorithm>

#include "token/jinja_operators.h"
#include "token/jinja_runtime.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

// Python's slice arithmetic: where to start and how many items follow.
struct Walk {
  int64_t begin;
  int64_t step;
  int64_t n;
};

Result<Walk> plan_slice(const Value (&parts)[3], int64_t size) {
  std::optional<int64_t> given[3];
  for (int i = 0; i < 3; ++i) {
    if (parts[i].is(Kind::kNone)) continue;
    given[i] = as_int(parts[i]);
    if (parts[i].is(Kind::kUndefined)) return undefined_error(parts[i]);
    if (!given[i]) return type_error("slice indices must be whole numbers or none");
  }
  const int64_t step = given[2].value_or(1);
  if (step == 0) return type_error("slice step cannot be zero");
  const int64_t low = step > 0 ? 0 : -1;
  const int64_t high = step > 0 ? size : size - 1;
  const auto place = [&](std::optional<int64_t> at, int64_t otherwise) {
    if (!at) return otherwise;
    const int64_t from_start = *at < 0 ? std::max(*at, -size - 1) + size : *at;
    return std::clamp(from_start, low, high);
  };
  const int64_t begin = place(given[0], step > 0 ? low : high);
  const int64_t end = place(given[1], step > 0 ? high : low);
  int64_t n = 0;
  if (step > 0 && begin < end) n = (end - begin - 1) / step + 1;
  if (step < 0 && begin > end) n = (begin - end - 1) / (step == INT64_MIN ? INT64_MAX : -step) + 1;
  return Walk{begin, step, n};
}

Result<Value> slice_text(Runtime& rt, const Value& text, const Value (&parts)[3]) {
  if (!rt.budget().spend_bytes(text.size)) return rt.budget().error();
  const Walk walk = TRY(plan_slice(parts, static_cast<int64_t>(count_chars(text.text()))));
  if (walk.n == 0) return text.part(0, 0);
  if (walk.step == 1) {
    const size_t begin = byte_of_char(text.text(), static_cast<size_t>(walk.begin));
    const size_t bytes = byte_of_char(text.text().substr(begin), static_cast<size_t>(walk.n));
    return text.part(begin, begin + bytes);
  }
  if (!rt.budget().take_memory(sizeof(size_t) * (text.size + size_t{1})))
    return rt.budget().error();
  std::vector<size_t> starts;  // of the characters, and the end
  starts.reserve(text.size + size_t{1});
  for (size_t at = 0; at < text.size; at += char_at(text.text(), at).size) starts.push_back(at);
  starts.push_back(text.size);
  TextBuilder out(rt.budget());
  for (int64_t i = 0, at = walk.begin; i < walk.n; ++i, at += walk.step) {
    if (!rt.budget().spend(1)) return rt.budget().error();
    TRY(out.add(text.part(starts[at], starts[at + 1])));
    if (i + 1 == walk.n) break;  // the next step might overflow
  }
  return out.finish(rt.heap());
}

}  // namespace

Result<Value> slice(Runtime& rt, const Value& container, const Value (&parts)[3]) {
  if (container.is(Kind::kUndefined)) return undefined_error(container);
  if (container.is_string()) return slice_text(rt, container, parts);
  const bool sliceable = container.is(Kind::kSequence) &&
                         container.sequence->kind != SequenceKind::kIterator &&
                         container.sequence->kind != SequenceKind::kView;
  if (!sliceable) return type_error(fmt::format("{} can not be sliced", type_name(container)));
  const Sequence& from = *container.sequence;
  const Walk walk = TRY(plan_slice(parts, static_cast<int64_t>(from.size)));
  if (!rt.budget().spend(walk.n >> 3)) return rt.budget().error();
  Value out = TRY(make_sequence(rt.heap(), from.kind, static_cast<size_t>(walk.n)));
  out.sequence->trusted = from.trusted;
  for (int64_t i = 0; i < walk.n; ++i) {
    out.sequence->items[i] = from.items[walk.begin + i * walk.step];
  }
  return out;
}

}  // namespace overtake::jinja
