#include "token/jinja_print.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "token/jinja_unicode.h"

namespace overtake::jinja {
namespace {

void append_escape(std::string& out, int32_t code) {
  if (code < 0x100) {
    out += fmt::format("\\x{:02x}", code);
  } else if (code < 0x10000) {
    out += fmt::format("\\u{:04x}", code);
  } else {
    out += fmt::format("\\U{:08x}", code);
  }
}

Status print_string_repr(TextBuilder& out, const Value& v) {
  const std::string_view text = v.text();
  const bool single = text.find('\'') == text.npos || text.find('"') != text.npos;
  const char quote = single ? '\'' : '"';
  // The quotes belong to whoever wrote the string: a user's text must not lend them trust.
  const bool trusted = v.trust == nullptr && v.trusted;
  TRY(out.add({&quote, 1}, trusted));
  for (size_t at = 0; at < text.size();) {
    const Char c = char_at(text, at);
    std::string escaped;
    if (c.code == '\\' || c.code == quote) {
      escaped = {'\\', static_cast<char>(c.code)};
    } else if (c.code == '\n') {
      escaped = "\\n";
    } else if (c.code == '\r') {
      escaped = "\\r";
    } else if (c.code == '\t') {
      escaped = "\\t";
    } else if (!is_printable(c.code)) {
      append_escape(escaped, c.code < 0 ? static_cast<unsigned char>(text[at]) : c.code);
    }
    if (escaped.empty()) {
      TRY(out.add(v.part(at, at + c.size)));
    } else {
      TRY(out.add(escaped, v.byte_trusted(at)));
    }
    at += c.size;
  }
  return out.add({&quote, 1}, trusted);
}

Status print_sequence(TextBuilder& out, const Sequence& sequence) {
  if (sequence.kind == SequenceKind::kIterator) return out.add("<generator object>", false);
  if (sequence.kind == SequenceKind::kRange) {
    const auto all = sequence.all();
    const int64_t first = all.empty() ? 0 : all[0].integer;
    const int64_t step = all.size() < 2 ? 1 : all[1].integer - first;
    const int64_t end = all.empty() ? 0 : all.back().integer + step;
    return out.add(step == 1 ? fmt::format("range({}, {})", first, end)
                             : fmt::format("range({}, {}, {})", first, end, step),
                   sequence.trusted);
  }
  const bool tuple = sequence.kind == SequenceKind::kTuple;
  const bool view = sequence.kind == SequenceKind::kView;
  TRY(out.add(view ? "dict_view([" : tuple ? "(" : "[", sequence.trusted));
  bool first = true;
  for (const Value& item : sequence.all()) {
    if (!first) TRY(out.add(", ", sequence.trusted));
    first = false;
    TRY(print_repr(out, item));
  }
  if (tuple && sequence.size == 1) TRY(out.add(",", sequence.trusted));
  return out.add(view ? "])" : tuple ? ")" : "]", sequence.trusted);
}

Status print_dict(TextBuilder& out, const Dict& dict) {
  TRY(out.add("{", dict.trusted));
  bool first = true;
  for (const Entry& entry : dict.all()) {
    if (!first) TRY(out.add(", ", dict.trusted));
    first = false;
    TRY(print_repr(out, entry.key));
    TRY(out.add(": ", dict.trusted));
    TRY(print_repr(out, entry.value));
  }
  return out.add("}", dict.trusted);
}

Status print_namespace(TextBuilder& out, const Namespace& ns) {
  TRY(out.add("<Namespace {", false));
  for (size_t i = 0; i < ns.size; ++i) {
    if (i > 0) TRY(out.add(", ", false));
    TRY(print_repr(out, ns.entries[i].key));
    TRY(out.add(": ", false));
    TRY(print_repr(out, ns.entries[i].value));
  }
  return out.add("}>", false);
}

}  // namespace

Status TextBuilder::reserve(size_t n) {
  if (!budget_.spend_bytes(n)) return budget_.error();
  const size_t needed = bytes_.size() + n;
  if (needed > max_bytes_) {
    return Error{ErrorCode::kExhausted,
                 fmt::format("the chat template prints more than {} bytes", max_bytes_)};
  }
  if (needed > paid_) {
    const size_t more = std::max(needed, 2 * paid_) - paid_;
    if (!budget_.take_memory(2 * more)) return budget_.error();
    paid_ += more;
  }
  return {};
}

Status TextBuilder::add(const Value& string) {
  TRY(reserve(string.size));
  bytes_.append(string.text());
  if (string.trust == nullptr) {
    trust_.append(string.size, string.trusted ? 1 : 0);
  } else {
    trust_.append(reinterpret_cast<const char*>(string.trust), string.size);
  }
  return {};
}

Status TextBuilder::add(std::string_view bytes, bool trusted) {
  return add(string_value(bytes, trusted));
}

Result<Value> TextBuilder::finish(Heap& heap) {
  Value out = TRY(heap.text(bytes_, trust_));
  bytes_.clear();
  trust_.clear();
  return out;
}

MarkedText TextBuilder::take() {
  MarkedText out;
  out.trusted.resize(bytes_.size());
  for (size_t at = 0; at < trust_.size();) {
    const size_t end = std::min(trust_.find(static_cast<char>(1 - trust_[at]), at), trust_.size());
    if (trust_[at] != 0) std::fill(out.trusted.begin() + at, out.trusted.begin() + end, true);
    at = end;
  }
  out.text = std::move(bytes_);
  return out;
}

Status print_value(TextBuilder& out, const Value& value) {
  if (value.is_string()) return out.add(value);
  if (value.is(Kind::kUndefined)) return {};
  return print_repr(out, value);
}

Result<Value> to_string(Heap& heap, Budget& budget, const Value& value) {
  if (value.is_string()) return value;
  TextBuilder out(budget);
  TRY(print_value(out, value));
  return out.finish(heap);
}

Status print_repr(TextBuilder& out, const Value& value) {
  const Nesting nesting(out.budget());
  if (!nesting.ok() || !out.budget().spend(1)) return out.budget().error();
  switch (value.kind) {
    case Kind::kAbsent:
    case Kind::kUndefined:
      return out.add("Undefined", value.trusted);
    case Kind::kNone:
      return out.add("None", value.trusted);
    case Kind::kBool:
      return out.add(value.boolean ? "True" : "False", value.trusted);
    case Kind::kInt:
      return out.add(fmt::format("{}", value.integer), value.trusted);
    case Kind::kFloat:
      return out.add(float_repr(value.real), value.trusted);
    case Kind::kString:
      return print_string_repr(out, value);
    case Kind::kSequence:
      return print_sequence(out, *value.sequence);
    case Kind::kDict:
      return print_dict(out, *value.dict);
    case Kind::kNamespace:
      return print_namespace(out, *value.ns);
    default:
      return out.add(fmt::format("<{}>", type_name(value)), false);
  }
}

std::string float_repr(double d) {
  if (std::isnan(d)) return "nan";
  if (std::isinf(d)) return d > 0 ? "inf" : "-inf";
  char buffer[32];
  const auto result =
      std::to_chars(buffer, buffer + sizeof(buffer), d, std::chars_format::scientific);
  std::string_view text(buffer, static_cast<size_t>(result.ptr - buffer));
  std::string out;
  if (text[0] == '-') {
    out += '-';
    text.remove_prefix(1);
  }
  const size_t e = text.find('e');
  std::string digits(text.substr(0, 1));
  if (e > 2) digits += text.substr(2, e - 2);
  int exponent = 0;
  const std::string_view power = text.substr(text[e + 1] == '+' ? e + 2 : e + 1);
  std::from_chars(power.data(), power.data() + power.size(), exponent);
  const int n = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (n > 1) out += '.' + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(-exponent - 1, '0') + digits;
  if (n <= exponent + 1) return out + digits + std::string(exponent + 1 - n, '0') + ".0";
  return out + digits.substr(0, exponent + 1) + '.' + digits.substr(exponent + 1);
}

}  // namespace overtake::jinja
