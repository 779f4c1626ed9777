// Python's newer way of formatting: "{:>8}".format(x).
#include <algorithm>

#include "token/jinja_arguments.h"
#include "token/jinja_format.h"
#include "token/jinja_runtime.h"
#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

// [[fill]align][sign][#][0][width][,][.precision][type]
Result<FormatSpec> parse_spec(std::string_view text) {
  FormatSpec spec;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '^' || c == '='; };
  const size_t fill = text.empty() ? 0 : char_at(text, 0).size;
  if (fill < text.size() && is_align(text[fill])) {
    spec.fill = text.substr(0, fill);
    text.remove_prefix(fill);
  }
  Scanner scan(text);
  if (is_align(scan.peek())) spec.align = scan.take();
  if (scan.peek() == '+' || scan.peek() == '-' || scan.peek() == ' ') spec.sign = scan.take();
  spec.alternate = scan.skip('#');
  if (scan.skip('0') && spec.align == 0) {
    spec.fill = "0";
    spec.align = '=';
  }
  spec.width = scan.number();
  spec.comma = scan.skip(',');
  if (scan.skip('.')) spec.precision = scan.number();
  if (!scan.done()) spec.type = scan.take();
  TRY(check_size(spec));
  const bool known =
      spec.type == 0 || std::string_view("sdxXobeEfFgG%").find(spec.type) != std::string_view::npos;
  if (!scan.done() || !known) return bad_format("an unsupported specification");
  return spec;
}

// What a field's name stands for: "", "0", "name", "name.attribute", "0[item]".
Result<Value> field_value(Runtime& rt, const CallArgs& a, std::string_view name, size_t& next) {
  const size_t end = std::min(name.find_first_of(".["), name.size());
  const std::string_view head = name.substr(0, end);
  Value v;
  if (head.empty() || (head[0] >= '0' && head[0] <= '9')) {
    const size_t i = head.empty() ? next++ : static_cast<size_t>(Scanner(head).number());
    if (i + 1 >= a.positional.size()) return bad_format("a field beyond the arguments");
    v = a.positional[i + 1];
  } else {
    const auto found = std::find_if(a.named.begin(), a.named.end(),
                                    [&](const NamedValue& n) { return n.name == head; });
    if (found == a.named.end()) return bad_format("an unknown field");
    v = found->value;
  }
  std::string_view rest = name.substr(end);
  while (!rest.empty()) {
    const bool attribute = rest[0] == '.';
    rest.remove_prefix(1);
    const size_t stop =
        attribute ? std::min(rest.find_first_of(".["), rest.size()) : rest.find(']');
    if (stop == rest.npos || stop == 0) return bad_format("an unfinished field");
    const std::string_view key = rest.substr(0, stop);
    const bool number = key.find_first_not_of("0123456789") == key.npos;
    if (attribute) {
      v = TRY(rt.get_attribute(v, key));
    } else {
      v = TRY(rt.get_item(v, number ? int_value(Scanner(key).number()) : string_value(key, true)));
    }
    rest.remove_prefix(attribute ? stop : stop + 1);
  }
  return v;
}

Status add_field(Runtime& rt, TextBuilder& out, std::string_view field, Value v, bool trusted) {
  Scanner scan(field);
  const bool converted = scan.skip('!');
  const char conversion = converted ? scan.take() : '\0';
  if (conversion == 'r') v = TRY(repr_of(rt, v));
  if (conversion == 's') v = TRY(rt.to_text(v));
  if (converted && conversion != 'r' && conversion != 's') return bad_format("a conversion");
  const std::string_view spec_text = scan.skip(':') ? field.substr(scan.at()) : "";
  if (spec_text.empty() && !scan.done()) return bad_format("an unfinished field");
  const FormatSpec spec = TRY(parse_spec(spec_text));
  if (is_number(v) && !spec_text.empty()) return add_number(rt, out, v, spec, trusted);
  if (spec.type != 0 && spec.type != 's') return bad_format("a type that does not fit");
  if (!v.is_string() && !spec_text.empty()) return bad_format("a specification for this type");
  return add_text(rt, out, TRY(rt.to_text(v)), spec, trusted);
}

}  // namespace

Result<Value> format_braces(Runtime& rt, CallArgs& a) {
  const Value format = a.positional[0];
  const std::string_view text = format.text();
  if (!rt.budget().spend(format.size >> 3)) return rt.budget().error();
  TextBuilder out(rt.budget());
  size_t next = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t brace = std::min(text.find_first_of("{}", at), text.size());
    TRY(out.add(format.part(at, brace)));
    if (brace == text.size()) break;
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
      TRY(out.add(format.part(brace, brace + 1)));
      at = brace + 2;
      continue;
    }
    const size_t end = text.find('}', brace);
    if (text[brace] == '}' || end == text.npos) return bad_format("a single brace");
    const std::string_view field = text.substr(brace + 1, end - brace - 1);
    if (field.find('{') != field.npos) return bad_format("a nested field");
    const size_t name_end = std::min(field.find_first_of("!:"), field.size());
    const Value v = TRY(field_value(rt, a, field.substr(0, name_end), next));
    TRY(add_field(rt, out, field.substr(name_end), v, format.byte_trusted(brace)));
    at = end + 1;
  }
  return out.finish(rt.heap());
}

}  // namespace overtake::jinja
