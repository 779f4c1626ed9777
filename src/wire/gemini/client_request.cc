// Writes requests of generateContent and streamGenerateContent: what parse_request reads, the other
// way.
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/fields.h"
#include "wire/gemini/client.h"
#include "wire/gemini/client_writer.h"

namespace overtake::gemini {
namespace {

Result<const ChatPrompt*> chat_of(const GenerateRequest& request) {
  const auto* chat = std::get_if<ChatPrompt>(&request.prompt);
  if (!chat) return cannot_say("a prompt without messages", "send chat messages");
  if (chat->continue_final_message) {
    return cannot_say("an answer that is begun", "send whole messages");
  }
  return chat;
}

}  // namespace

// A model's name in a path: as Google's own packages, "models/" and "tunedModels/" may stand
// before it. What means something in a URL is encoded, what could leave the path refused.
Result<std::string> model_path(std::string_view model) {
  std::string out = model.starts_with("models/") || model.starts_with("tunedModels/")
                        ? "/v1beta/"
                        : "/v1beta/models/";
  constexpr std::string_view kPlain = "-._~:/";
  for (const char c : model) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || kPlain.find(c) != kPlain.npos;
    out += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  for (size_t begin = 0; begin <= model.size();) {
    const size_t end = std::min(model.find('/', begin), model.size());
    const std::string_view segment = model.substr(begin, end - begin);
    if (segment.empty() || segment == "." || segment == "..") {
      return Error{ErrorCode::kNotFound,
                   "this can not be the name of one of Gemini's models; \"model\" of the request; "
                   "see overtake list --remote"};
    }
    begin = end + 1;
  }
  return out;
}

Error cannot_say(std::string_view what, std::string_view instead) {
  return {ErrorCode::kUnsupported,
          fmt::format("Gemini's API can not express {}; request; {}", what, instead)};
}

bool is_own(const GenerateRequest& request) { return request.dialect == client_dialect.name; }

Status merge_own(const GenerateRequest& request, const ExtraFields& extra, Json* into) {
  if (extra.empty() || !is_own(request)) return {};
  const Json members = TRY(parse_json(extra, "extra fields"));
  for (auto& [key, place] : into->items()) {
    const auto theirs = members.find(key);
    if (theirs == members.end()) continue;
    if (place.is_null()) {
      place = *theirs;
    } else if (place.is_object() && theirs->is_object()) {
      wire::add_missing(*theirs, &place);
    }
  }
  wire::add_missing(members, into);
  return {};
}

bool is_before_gemini_3(std::string_view model) {
  return model.find("gemini-1.") != model.npos || model.find("gemini-2.") != model.npos;
}

Result<wire::Outgoing> write_request(const GenerateRequest& request, bool stream) {
  std::string path = TRY(model_path(request.model));
  path += stream ? ":streamGenerateContent?alt=sse" : ":generateContent";
  const ChatPrompt& chat = *TRY(chat_of(request));
  Json body = Json::object();
  TRY(write_contents(request, chat, &body));
  TRY(write_tools(request, chat, &body));
  TRY(write_config(request, &body));
  TRY(merge_own(request, request.extra, &body));
  return wire::Outgoing{std::move(path),
                        {{"Content-Type", "application/json"},
                         {"Accept", stream ? "text/event-stream" : "application/json"}},
                        dump_json(body)};
}

// Instructions and tools count too, and only a whole request has a place for them.
Result<wire::Outgoing> write_count(const GenerateRequest& request) {
  std::string path = TRY(model_path(request.model));
  const ChatPrompt& chat = *TRY(chat_of(request));
  Json inner = {{"model", path.substr(std::string_view("/v1beta/").size())}};
  TRY(write_contents(request, chat, &inner));
  TRY(write_tools(request, chat, &inner));
  return wire::Outgoing{path + ":countTokens",
                        {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                        dump_json(Json{{"generateContentRequest", std::move(inner)}})};
}

}  // namespace overtake::gemini
