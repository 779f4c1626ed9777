#include "wire/openai/prompt_list.h"

#include <fmt/core.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace overtake::openai {
namespace {

constexpr const char* kExpected =
    "expected a string, an array of strings, of token ids, or of arrays of token ids";

// [1, 2, 3]
void add_ids(const Json& array, wire::Fields& fields, const char* name,
             std::vector<PlainPrompt>* out) {
  TokenPrompt prompt;
  prompt.ids.reserve(array.size());
  for (const Json& id : array) {
    const bool fits = id.is_number_unsigned() &&
                      id.get<uint64_t>() <= uint64_t{std::numeric_limits<int32_t>::max()};
    if (!fits) return fields.invalid(name, "a token id is an integer from 0 to 2147483647");
    prompt.ids.push_back(id.get<int32_t>());
  }
  out->push_back(std::move(prompt));
}

}  // namespace

std::vector<PlainPrompt> read_prompts(wire::Fields& fields, const char* name, size_t limit) {
  std::vector<PlainPrompt> out;
  const Json* member = fields.find(name);
  if (member && member->is_string()) {
    out.push_back(TextPrompt{member->get<std::string>()});
  } else if (!member || !member->is_array() || member->empty()) {
    fields.invalid(name, kExpected);
  } else if (member->front().is_number()) {
    add_ids(*member, fields, name, &out);
  } else if (member->size() > limit) {
    fields.invalid(name, fmt::format("at most {} {}s", limit, name));
  } else {
    for (const Json& one : *member) {
      if (one.is_string()) {
        out.push_back(TextPrompt{one.get<std::string>()});
      } else if (one.is_array() && !one.empty()) {
        add_ids(one, fields, name, &out);
      } else {
        fields.invalid(name, kExpected);
        break;
      }
    }
  }
  return out;
}

}  // namespace overtake::openai
