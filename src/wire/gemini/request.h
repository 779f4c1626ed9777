// Requests of Gemini's generateContent, streamGenerateContent and countTokens, read into a Call.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "wire/call.h"
#include "wire/call_error.h"
#include "wire/fields.h"

namespace overtake::gemini {

constexpr int kMaxLogprobs = 20;

// What the path of a call says: "null:streamGenerateContent".
struct Route {
  std::string model;
  std::string method;  // "generateContent"; empty: none was named
};
Route parse_route(std::string_view rest_of_path);

// As wire::Dialect::parse; model and stream are the route's.
std::optional<wire::CallError> parse_request(const Json& body, wire::Call* call);
// The body of countTokens: contents alone, or a whole request in `generateContentRequest`.
std::optional<wire::CallError> parse_count_request(const Json& body, wire::Call* call);

// Keeps `members` (an object's text, or empty) as member `name` of the request's extra fields.
void keep_extra(const std::string& members, const char* name, wire::Call* call);
// contents and systemInstruction; `origins`: as Call's.
void read_contents(wire::Fields& fields, ChatPrompt* out,
                   std::vector<wire::MessageOrigin>* origins);
// tools and toolConfig.
void read_tools(wire::Fields& fields, ChatPrompt* out);
// generationConfig.
void read_config(wire::Fields& fields, wire::Call* call);

}  // namespace overtake::gemini
