// PriceTable: prices of remote models by their names. One is built into the program
// (provider/prices.json), one is the operator's.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/price.h"

namespace overtake {

class PriceTable {
 public:
  // {"as_of": "2026-11-24", "models": {"openai/gpt-4o": {"input": 2.5, ...}}}: USD a million
  // tokens; see docs/remote-models.md. Errors name `what` and the row.
  static Result<PriceTable> parse(std::string_view json, std::string_view what);
  // Without the file, an empty table.
  static Result<PriceTable> from_file(const std::string& path);
  static const PriceTable& built_in();

  // The row of `name` ("openai/gpt-4o"), or that of the model of which it names a dated version
  // ("openai/gpt-4o-2024-08-06"); null if there is neither. Nothing else counts as the same model.
  const ModelPrices* find(std::string_view name) const;
  const std::map<std::string, ModelPrices, std::less<>>& rows() const { return rows_; }

 private:
  std::map<std::string, ModelPrices, std::less<>> rows_;
};

// `name` without a date at its end ("-2024-08-06", "-20250929"); all of it where there is none.
std::string_view without_date(std::string_view name);

}  // namespace overtake
