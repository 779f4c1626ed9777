// What a JSON schema says of numbers, strings and arrays, and what tells schemas apart.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "token/grammar/json_number.h"
#include "token/grammar/json_schema_writer.h"
#include "token/grammar/regex.h"

namespace overtake {
namespace {

constexpr int64_t kMostInteger = 999'999'999'999'999;

// The number that a keyword has, if it is there.
Result<std::optional<double>> number_at(const Json& part, const char* keyword,
                                        const std::string& path) {
  const auto at = part.find(keyword);
  if (at == part.end()) return std::optional<double>();
  if (!at->is_number()) {
    return schema_error(ErrorCode::kInvalidArgument, fmt::format("{} is no number", keyword), path,
                        "write one");
  }
  return std::optional(at->get<double>());
}

struct Bound {
  double value;
  bool excluded;
};

// The narrowest of all bounds on one side; `sign` 1: from below.
Result<std::optional<Bound>> bound_of(const SchemaParts& parts, int sign, const std::string& path) {
  const char* inclusive = sign > 0 ? "minimum" : "maximum";
  const char* exclusive = sign > 0 ? "exclusiveMinimum" : "exclusiveMaximum";
  std::optional<Bound> out;
  const auto narrow = [&](double value, bool excluded) {
    if (!out || value * sign > out->value * sign || (value == out->value && excluded)) {
      out = Bound{value, excluded};
    }
  };
  for (const Json& part : parts) {
    const auto bound = TRY(number_at(part, inclusive, path));
    const auto at = part.find(exclusive);
    // Draft 4 has a flag there.
    const bool is_flag = at != part.end() && at->is_boolean();
    if (bound) narrow(*bound, is_flag && at->get<bool>());
    if (is_flag) continue;
    if (const auto other = TRY(number_at(part, exclusive, path))) narrow(*other, true);
  }
  return out;
}

int64_t whole_bound(const std::optional<Bound>& bound, int sign) {
  if (!bound) return -sign * kMostInteger;
  const double rounded = sign > 0 ? std::ceil(bound->value) : std::floor(bound->value);
  if (std::fabs(rounded) > static_cast<double>(kMostInteger)) {
    return rounded > 0 ? kMostInteger + (sign > 0) : -kMostInteger - (sign < 0);
  }
  const auto whole = static_cast<int64_t>(rounded);
  return bound->excluded && rounded == bound->value ? whole + sign : whole;
}

}  // namespace

std::string_view format_pattern(std::string_view format) {
#define OVERTAKE_DATE                                                                     \
  "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-"           \
  "(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|" \
  "[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
#define OVERTAKE_TIME                                                     \
  "(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-]" \
  "(?:[01][0-9]|2[0-3]):[0-5][0-9])"
#define OVERTAKE_LABEL "[A-Za-z0-9](?:-?[A-Za-z0-9]){0,29}"
#define OVERTAKE_IPV4                                       \
  "(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}" \
  "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
#define OVERTAKE_H16 "[0-9A-Fa-f]{1,4}"
  static constexpr struct {
    std::string_view name, pattern;
  } kFormats[] = {
      {"date", "^" OVERTAKE_DATE "$"},
      {"time", "^" OVERTAKE_TIME "$"},
      {"date-time", "^" OVERTAKE_DATE "T" OVERTAKE_TIME "$"},
      {"duration",
       "^P(?:[0-9]{1,9}W|(?:[0-9]{1,9}D|[0-9]{1,9}M(?:[0-9]{1,9}D)?|[0-9]{1,9}Y(?:[0-9]{1,9}M"
       "(?:[0-9]{1,9}D)?)?)(?:T(?:[0-9]{1,9}H(?:[0-9]{1,9}M(?:[0-9]{1,9}S)?)?|[0-9]{1,9}M"
       "(?:[0-9]{1,9}S)?|[0-9]{1,9}S))?|T(?:[0-9]{1,9}H(?:[0-9]{1,9}M(?:[0-9]{1,9}S)?)?|"
       "[0-9]{1,9}M(?:[0-9]{1,9}S)?|[0-9]{1,9}S))$"},
      {"email", "^[A-Za-z0-9_%+-]{1,30}(?:\\.[A-Za-z0-9_%+-]{1,15}){0,2}@" OVERTAKE_LABEL
                "(?:\\." OVERTAKE_LABEL "){1,2}$"},
      {"hostname", "^" OVERTAKE_LABEL "(?:\\." OVERTAKE_LABEL "){0,3}$"},
      {"ipv4", "^" OVERTAKE_IPV4 "$"},
      {"ipv6", "^(?:(?:" OVERTAKE_H16 ":){7}" OVERTAKE_H16 "|::(?:" OVERTAKE_H16 "(?::" OVERTAKE_H16
               "){0,6})?|" OVERTAKE_H16 "::(?:" OVERTAKE_H16 "(?::" OVERTAKE_H16 "){0,5})?)$"},
      {"uuid", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"},
      {"uri", "^[A-Za-z][A-Za-z0-9+.-]{0,15}://" OVERTAKE_LABEL "(?:\\." OVERTAKE_LABEL
              "){0,3}(?::[0-9]{1,4})?(?:/[A-Za-z0-9_.~-]*)*(?:\\?[A-Za-z0-9_.~=&+-]*)?"
              "(?:#[A-Za-z0-9_.~=&+-]*)?$"},
  };
#undef OVERTAKE_DATE
#undef OVERTAKE_TIME
#undef OVERTAKE_LABEL
#undef OVERTAKE_IPV4
#undef OVERTAKE_H16
  for (const auto& known : kFormats) {
    if (known.name == format) return known.pattern;
  }
  return {};
}

Result<SchemaWriter::Counts> SchemaWriter::counts_of(const SchemaParts& parts, const char* min,
                                                     const char* max,
                                                     const std::string& path) const {
  Counts out;
  for (const Json& part : parts) {
    for (const char* keyword : {min, max}) {
      const auto count = TRY(number_at(part, keyword, path));
      if (!count) continue;
      if (*count < 0 || *count != std::floor(*count)) {
        return schema_error(ErrorCode::kInvalidArgument, fmt::format("{} is no count", keyword),
                            path, "use 0, 1, 2 ...");
      }
      if (keyword == min) {
        if (*count > static_cast<double>(builder_.limits().max_repeat)) {
          return schema_error(ErrorCode::kInvalidArgument,
                              fmt::format("{} is above {}", keyword, builder_.limits().max_repeat),
                              path, "use a smaller one");
        }
        out.min = std::max(out.min, static_cast<int64_t>(*count));
      } else if (*count <= static_cast<double>(builder_.limits().max_repeat)) {
        // A larger one is never reached: an answer ends before.
        const auto most = static_cast<int64_t>(*count);
        out.max = out.max < 0 ? most : std::min(out.max, most);
      } else if (out.max < 0) {
        out.max = builder_.limits().max_repeat;
      }
    }
  }
  return out;
}

Result<ExprId> SchemaWriter::write_integer_between(const SchemaParts& parts, int64_t least,
                                                   int64_t most, const std::string& path) {
  ExprId out = least == -kMostInteger && most == kMostInteger
                   ? json_.integer()
                   : add_integer_range(builder_, least, most);
  for (const Json& part : parts) {
    const auto step = TRY(number_at(part, "multipleOf", path));
    if (!step) continue;
    if (*step <= 0) {
      return schema_error(ErrorCode::kInvalidArgument, "multipleOf is not above 0", path,
                          "mend it");
    }
    if (std::fmod(1.0, *step) == 0) continue;  // divides every integer
    if (*step != std::floor(*step) || *step > static_cast<double>(kMaxStep)) {
      if (options_.ignores_unheld) continue;
      return unheld(fmt::format("multipleOf {}", *step), path);
    }
    out = TRY(builder_.intersection(out, add_multiples(builder_, static_cast<int64_t>(*step))));
  }
  return out;
}

Result<ExprId> SchemaWriter::write_number(const SchemaParts& parts, bool integer,
                                          const std::string& path) {
  const auto least = TRY(bound_of(parts, 1, path)), most = TRY(bound_of(parts, -1, path));
  // Multiples of a whole number are whole; those of a power of ten below one have so many digits.
  for (const Json& part : parts) integer = integer || part.contains("multipleOf");
  if (integer) {
    const int64_t from = whole_bound(least, 1), to = whole_bound(most, -1);
    if (from > to) return builder_.nothing();
    return write_integer_between(parts, from, to, path);
  }
  if (!least && !most) return json_.number();
  std::optional<DecimalBound> from, to;
  for (const auto& [bound, out] : {std::pair(&least, &from), std::pair(&most, &to)}) {
    if (!*bound) continue;
    auto decimal = decimal_bound((*bound)->value, (*bound)->excluded);
    if (!decimal.ok()) {
      return schema_error(ErrorCode::kUnsupported, decimal.error().message, path, "see above");
    }
    *out = std::move(*decimal);
  }
  return add_number_range(builder_, from, to);
}

Result<ExprId> SchemaWriter::pattern_chars(const std::string& pattern, const std::string& path) {
  RegexOptions options;
  options.searches = true;
  options.chars = [this](const CodePointSet& set) { return json_.string_chars(set); };
  auto out = add_regex(builder_, pattern, options);
  if (out.ok()) return out;
  return Error{out.error().code,
               fmt::format("{} (the JSON schema at {})", out.error().message, escaped(path))};
}

Result<ExprId> SchemaWriter::write_string(const SchemaParts& parts, const std::string& path) {
  const Counts counts = TRY(counts_of(parts, "minLength", "maxLength", path));
  if (counts.max >= 0 && counts.max < counts.min) return builder_.nothing();
  std::vector<std::string> patterns;
  for (const Json& part : parts) {
    for (const char* keyword : {"pattern", "format"}) {
      const auto at = part.find(keyword);
      if (at == part.end()) continue;
      if (!at->is_string()) {
        return schema_error(ErrorCode::kInvalidArgument, fmt::format("{} is no text", keyword),
                            path, "write one");
      }
      std::string pattern = at->get<std::string>();
      if (std::string_view(keyword) == "format") pattern = format_pattern(pattern);
      if (!pattern.empty() &&
          std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) {
        patterns.push_back(std::move(pattern));
      }
    }
  }
  const bool counted = counts.min > 0 || counts.max >= 0;
  if (patterns.empty() && !counted) return json_.string();
  const ExprId quote = builder_.literal("\"");
  ExprId text = -1;
  for (const std::string& pattern : patterns) {
    const ExprId next = TRY(pattern_chars(pattern, path));
    text = text < 0 ? next : TRY(builder_.intersection(text, next));
  }
  if (counted) {
    const ExprId one = text < 0 ? json_.string_char() : json_.string_chars(CodePointSet::all());
    const ExprId length = builder_.repeat(one, counts.min, counts.max);
    text = text < 0 ? length : TRY(builder_.intersection(text, length));
  }
  return builder_.sequence({quote, text, quote});
}

Result<ExprId> SchemaWriter::write_array(const SchemaParts& parts, const std::string& path) {
  const Counts counts = TRY(counts_of(parts, "minItems", "maxItems", path));
  if (counts.max >= 0 && counts.max < counts.min) return builder_.nothing();
  size_t n_first = 0;
  const auto first_items = [](const Json& part) -> const Json* {
    // Before 2020-12, `items` could be that list.
    for (const char* keyword : {"prefixItems", "items"}) {
      if (part.contains(keyword) && part[keyword].is_array()) return &part[keyword];
    }
    return nullptr;
  };
  for (const Json& part : parts) {
    if (const Json* first = first_items(part)) n_first = std::max(n_first, first->size());
    if (part.value("uniqueItems", Json(false)) == Json(true) && counts.max != 0 &&
        counts.max != 1 && !options_.ignores_unheld) {
      return unheld("uniqueItems", path);
    }
  }
  const auto item_at = [&](size_t i, bool& is_said) {
    std::vector<Json> out;
    for (const Json& part : parts) {
      const Json* first = first_items(part);
      const char* rest = first && !part.contains("prefixItems") ? "additionalItems" : "items";
      if (first && i < first->size()) {
        out.push_back((*first)[i]);
      } else if (part.contains(rest)) {
        out.push_back(part[rest]);
      }
    }
    is_said = !out.empty();
    return out;
  };
  if (n_first > 500) {
    return schema_error(ErrorCode::kInvalidArgument, "prefixItems has more than 500 schemas", path,
                        "use fewer");
  }
  bool is_said = false;
  const std::vector<Json> rest_schemas = item_at(n_first, is_said);
  // Behind a list of first items nothing else is written unless the schema speaks of it.
  const bool has_rest = is_said || n_first == 0 || counts.min > static_cast<int64_t>(n_first);
  const ExprId rest = has_rest ? TRY(write(rest_schemas, path + "/items")) : builder_.nothing();
  if (n_first == 0) return json_.list('[', rest, counts.min, counts.max, ']');
  const auto first_count = static_cast<int64_t>(n_first);
  const int64_t most = counts.max < 0 ? -1 : std::max<int64_t>(0, counts.max - first_count);
  ExprId tail = builder_.repeat(builder_.sequence({json_.comma(), rest}),
                                std::max<int64_t>(0, counts.min - first_count), most);
  for (int64_t i = first_count; i-- > 0;) {
    if (counts.max >= 0 && i >= counts.max) {
      tail = builder_.empty();
      continue;
    }
    const ExprId item = TRY(
        write(item_at(static_cast<size_t>(i), is_said), fmt::format("{}/prefixItems/{}", path, i)));
    tail = builder_.sequence({i > 0 ? json_.comma() : builder_.empty(), item, tail});
    if (i >= counts.min) tail = builder_.optional(tail);
  }
  return builder_.sequence({json_.open('['), tail, json_.close(']')});
}

}  // namespace overtake
