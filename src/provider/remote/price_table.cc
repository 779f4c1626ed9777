#include "provider/remote/price_table.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "base/json.h"

namespace overtake {

extern const char kPricesJson[];  // generated from provider/prices.json by cmake/facts.cmake

namespace {

constexpr uint64_t kMaxFileBytes = 4u << 20;
constexpr double kMostUsd = 1e6;          // a million tokens
constexpr double kNanoUsdPerToken = 1e3;  // of a USD a million tokens

bool are_digits(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// "YYYY-MM-DD" or "YYYYMMDD", of this century.
bool is_date(std::string_view text) {
  const bool dashed = text.size() == 10 && text[4] == '-' && text[7] == '-';
  if (!dashed && text.size() != 8) return false;
  const std::string_view year = text.substr(0, 4);
  const std::string_view month = text.substr(dashed ? 5 : 4, 2);
  const std::string_view day = text.substr(dashed ? 8 : 6, 2);
  return are_digits(year) && are_digits(month) && are_digits(day) && year.starts_with("20") &&
         month >= "01" && month <= "12" && day >= "01" && day <= "31";
}

// One row, with the names that errors give it.
class RowReader {
 public:
  RowReader(std::string_view what, std::string_view row) : what_(what), row_(row) {}

  Result<ModelPrices> read(const Json& json) const {
    ModelPrices out;
    TRY(check_members(json, {"input", "cached_input", "cache_write", "output", "long_prompt"}));
    out.tokens = TRY(read_tokens(json));
    const auto more = json.find("long_prompt");
    if (more == json.end()) return out;
    TRY(check_members(*more, {"above", "input", "cached_input", "cache_write", "output"}));
    const auto above = more->find("above");
    if (above == more->end() || !above->is_number_integer() || above->get<int64_t>() < 1) {
      return wrong("long_prompt.above", "give the number of tokens beyond which it holds");
    }
    out.long_prompt_above = above->get<int64_t>();
    out.long_prompt = TRY(read_tokens(*more));
    return out;
  }

 private:
  Error wrong(std::string_view member, std::string_view fix) const {
    return {
        ErrorCode::kInvalidArgument,
        fmt::format("\"{}\" of a price is not right; {}, \"{}\"; {}", member, what_, row_, fix)};
  }

  Status check_members(const Json& json, std::initializer_list<std::string_view> known) const {
    if (!json.is_object()) return wrong("{}", "a model's prices are an object");
    for (const auto& [name, value] : json.items()) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return wrong(name, "its members are input, cached_input, cache_write, output, long_prompt");
      }
    }
    return {};
  }

  Result<TokenPrices> read_tokens(const Json& json) const {
    TokenPrices out;
    out.input = TRY(read_price(json, "input", std::nullopt));
    out.output = TRY(read_price(json, "output", std::nullopt));
    out.cached_input = TRY(read_price(json, "cached_input", out.input));
    out.cache_write = TRY(read_price(json, "cache_write", out.input));
    return out;
  }

  Result<int64_t> read_price(const Json& json, const char* name,
                             std::optional<int64_t> otherwise) const {
    const auto at = json.find(name);
    if (at == json.end() && otherwise) return *otherwise;
    const bool is_number = at != json.end() && at->is_number();
    const double usd = is_number ? at->get<double>() : -1;
    if (!(usd >= 0 && usd <= kMostUsd)) {
      return wrong(name, "give USD a million tokens, from 0 to 1000000");
    }
    const double nano = std::round(usd * kNanoUsdPerToken);
    if (std::abs(usd * kNanoUsdPerToken - nano) > 1e-6 * std::max(1.0, nano)) {
      return wrong(name, "USD a million tokens have at most three decimals");
    }
    return static_cast<int64_t>(nano);
  }

  std::string_view what_;
  std::string_view row_;
};

}  // namespace

std::string_view without_date(std::string_view name) {
  for (const size_t length : {size_t{10}, size_t{8}}) {
    if (name.size() < length + 2) continue;
    const size_t dash = name.size() - length - 1;
    if (name[dash] == '-' && is_date(name.substr(dash + 1))) return name.substr(0, dash);
  }
  return name;
}

Result<PriceTable> PriceTable::parse(std::string_view json, std::string_view what) {
  const Json document = TRY(parse_json(json, what));
  const auto wrong = [&](std::string_view problem) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("{}; {}; it is {{\"as_of\": \"YYYY-MM-DD\", \"models\": "
                    "{{\"openai/gpt-4o\": {{\"input\": 2.5, \"output\": 10}}}}}}, in USD a "
                    "million tokens",
                    problem, what)};
  };
  if (!document.is_object()) return wrong("a table of prices is an object");
  const auto as_of = document.find("as_of");
  if (as_of == document.end() || !as_of->is_string() ||
      as_of->get_ref<const std::string&>().size() != 10 ||
      !is_date(as_of->get_ref<const std::string&>())) {
    return wrong("a table of prices has no date \"as_of\"");
  }
  const auto models = document.find("models");
  if (models == document.end() || !models->is_object()) {
    return wrong("a table of prices has no object \"models\"");
  }
  PriceTable out;
  for (const auto& [name, row] : models->items()) {
    const size_t slash = name.find('/');
    if (slash == 0 || slash == name.npos || slash + 1 == name.size()) {
      return wrong(fmt::format("\"{}\" names no upstream and model", name));
    }
    ModelPrices prices = TRY(RowReader(what, name).read(row));
    prices.as_of = as_of->get<std::string>();
    out.rows_.emplace(name, std::move(prices));
  }
  return out;
}

Result<PriceTable> PriceTable::from_file(const std::string& path) {
  struct stat info;
  if (path.empty() || (::stat(path.c_str(), &info) != 0 && errno == ENOENT)) return PriceTable();
  return parse(TRY(read_file(path, kMaxFileBytes)), path);
}

const PriceTable& PriceTable::built_in() {
  static const PriceTable table = [] {
    auto parsed = parse(kPricesJson, "prices.json");
    OVERTAKE_CHECK(parsed.ok());  // it is part of the program
    return std::move(parsed).value();
  }();
  return table;
}

const ModelPrices* PriceTable::find(std::string_view name) const {
  auto found = rows_.find(name);
  if (found == rows_.end()) found = rows_.find(without_date(name));
  return found == rows_.end() ? nullptr : &found->second;
}

}  // namespace overtake
