#include "token/jinja_arguments.h"

#include <fmt/core.h>

#include "token/jinja_runtime.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {

bool given(const CallArgs& args, size_t i) {
  return i < args.positional.size() && !args.positional[i].is(Kind::kAbsent) &&
         !args.positional[i].is(Kind::kNone);
}

Result<int64_t> int_argument(const CallArgs& args, size_t i, int64_t otherwise) {
  if (!given(args, i)) return otherwise;
  const std::optional<int64_t> number = as_int(args.positional[i]);
  if (!number) {
    return type_error(
        fmt::format("a whole number is needed, not {}", type_name(args.positional[i])));
  }
  return *number;
}

bool truthy_argument(const CallArgs& args, size_t i, bool otherwise) {
  if (i >= args.positional.size() || args.positional[i].is(Kind::kAbsent)) return otherwise;
  return truthy(args.positional[i]);
}

Result<std::optional<Value>> optional_text(const CallArgs& args, size_t i) {
  if (!given(args, i)) return std::optional<Value>();
  return std::optional<Value>(TRY(text_argument(args, i)));
}

Result<Value> text_argument(const CallArgs& args, size_t i) {
  const Value& v = args.positional[i];
  if (v.is(Kind::kUndefined)) return undefined_error(v);
  if (!v.is_string()) return type_error(fmt::format("a str is needed, not {}", type_name(v)));
  return v;
}

Result<bool> text_has_case(Runtime& rt, const Value& text, bool upper) {
  if (!rt.budget().spend_bytes(text.size)) return rt.budget().error();
  bool cased = false;
  for (size_t at = 0; at < text.size;) {
    const Char c = char_at(text.text(), at);
    if (upper ? is_lower(c.code) || is_title(c.code) : is_upper(c.code) || is_title(c.code)) {
      return false;
    }
    cased = cased || is_cased(c.code);
    at += c.size;
  }
  return cased;
}

}  // namespace overtake::jinja
