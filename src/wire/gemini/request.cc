#include "wire/gemini/request.h"

#include <nlohmann/json.hpp>

#include "wire/fields.h"
#include "wire/gemini/names.h"

namespace overtake::gemini {

Route parse_route(std::string_view rest_of_path) {
  const size_t colon = rest_of_path.rfind(':');
  if (colon == rest_of_path.npos) return {std::string(rest_of_path), ""};
  return {std::string(rest_of_path.substr(0, colon)), std::string(rest_of_path.substr(colon + 1))};
}

void keep_extra(const std::string& members, const char* name, wire::Call* call) {
  if (members.empty()) return;
  call->request.extra = wire::with_member(std::move(call->request.extra), name, members);
}

std::optional<wire::CallError> parse_request(const Json& body, wire::Call* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  call->request.dialect = "gemini";
  call->request.extra = extra_of(fields, {"model", "contents", "systemInstruction", "tools",
                                          "toolConfig", "generationConfig", "cachedContent"});
  const std::string cache = spelled(fields, "cachedContent");
  if (!fields.string(cache).value_or("").empty()) {
    fields.unsupported(cache, "send the content itself; prompts that begin alike are kept anyway");
  }
  ChatPrompt prompt;
  read_contents(fields, &prompt, &call->origins);
  read_tools(fields, &prompt);
  read_config(fields, call);
  if (const Json* config = fields.object(spelled(fields, "toolConfig"))) {
    keep_extra(extra_of(wire::Fields(*config), {"functionCallingConfig"}), "toolConfig", call);
  }
  call->prompts.emplace_back(std::move(prompt));
  return fields.error();
}

std::optional<wire::CallError> parse_count_request(const Json& body, wire::Call* call) {
  if (!body.is_object()) return wire::plain_error(400, "the request's body is not a JSON object");
  wire::Fields fields(body);
  const Json* whole = fields.object(spelled(fields, "generateContentRequest"));
  if (fields.error()) return fields.error();
  return parse_request(whole ? *whole : body, call);
}

}  // namespace overtake::gemini
