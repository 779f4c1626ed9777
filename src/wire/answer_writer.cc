#include "wire/answer_writer.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/checked.h"
#include "base/text.h"

namespace overtake::wire {

void AnswerWriter::count(int index, int n, const UsageEvent& event) {
  if (index % n == 0) {
    usage_.prompt_tokens += event.prompt_tokens;
    usage_.cached_tokens += event.cached_tokens;
    usage_.cache_write_tokens += event.cache_write_tokens;
  }
  usage_.completion_tokens += event.completion_tokens;
  usage_.reasoning_tokens += event.reasoning_tokens;
  usage_.accepted_draft_tokens += event.accepted_draft_tokens;
  usage_.rejected_draft_tokens += event.rejected_draft_tokens;
  const auto before = n_counted_++ == 0 ? std::optional<int64_t>(0) : usage_.cost_nano_usd;
  usage_.cost_nano_usd =
      before && event.cost_nano_usd ? checked_add(*before, *event.cost_nano_usd) : std::nullopt;
}

std::optional<Json> AnswerWriter::arguments_object(const std::string& name,
                                                   const std::string& arguments) {
  if (trim(arguments).empty()) return Json::object();
  auto parsed = parse_json(arguments, "arguments");
  if (parsed.ok() && parsed->is_object()) return std::move(parsed).value();
  fault_ = plain_error(
      502, fmt::format("the model called the tool \"{}\" with arguments that are no JSON object; "
                       "ask again",
                       name));
  return std::nullopt;
}

}  // namespace overtake::wire
