// Errors and lists of models that OpenAI and its imitators answer with.
#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "wire/openai/client.h"

namespace overtake::openai {
namespace {

constexpr size_t kMaxMessageBytes = 2048;
constexpr size_t kMaxModels = 10'000;

std::string text_of(const Json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto at = object.find(name);
  if (at == object.end()) return {};
  if (at->is_string()) return at->get<std::string>();
  return at->is_number_integer() ? at->dump() : std::string();
}

ErrorCode code_of(int status, const UpstreamFault& fault) {
  if (fault.code == "context_length_exceeded") return ErrorCode::kContextLength;
  switch (status) {
    case 401:
      return ErrorCode::kUnauthenticated;
    case 403:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 408:
    case 504:
      return ErrorCode::kDeadline;
    case 429:
      return ErrorCode::kExhausted;
    default:
      return status >= 400 && status < 500 ? ErrorCode::kInvalidArgument : ErrorCode::kUnavailable;
  }
}

bool is_retryable(int status) {
  return status == 408 || status == 409 || status == 429 || status >= 500;
}

}  // namespace

// {"error": {"message", "type", "code"}}; {"error": "..."}; flat {"message", "type"} (older vLLM);
// {"detail"} (FastAPI); any of them in an array (Google's imitation).
FailedEvent read_error_json(const Json& body, int status) {
  const Json& whole = body.is_array() && !body.empty() ? body[0] : body;
  const Json& error = whole.is_object() && whole.contains("error") ? whole["error"] : whole;
  FailedEvent out;
  UpstreamFault& fault = out.upstream.emplace();
  fault.status = status;
  fault.type = text_of(error, "type");
  fault.code = text_of(error, "code");
  std::string message = error.is_string() ? error.get<std::string>() : text_of(error, "message");
  if (message.empty()) message = text_of(error, "detail");
  if (message.empty()) message = "the upstream gave no reason";
  if (message.size() > kMaxMessageBytes) {
    size_t cut = kMaxMessageBytes;
    while (cut > 0 && (static_cast<unsigned char>(message[cut]) & 0xc0) == 0x80) --cut;
    message.resize(cut);
  }
  // Within a stream the status has been 200 already: what failed there is theirs.
  const bool is_theirs = status == 0 || status >= 500;
  out.retryable = status == 0 || is_retryable(status);
  out.error = {is_theirs ? ErrorCode::kUnavailable : code_of(status, fault), std::move(message)};
  if (status == 504) out.error.code = ErrorCode::kDeadline;
  return out;
}

FailedEvent read_error(const HttpResponseHead& head, std::string_view body) {
  const auto json = parse_json(body, "error");
  if (json.ok()) return read_error_json(json.value(), head.status);
  return read_error_json(
      Json(fmt::format("status {} without an explanation that could be read", head.status)),
      head.status);
}

Result<std::vector<std::string>> read_models(std::string_view body) {
  const Json json = TRY(parse_json(body, "list of models"));
  const auto data = json.is_object() ? json.find("data") : json.end();
  if (!json.is_object() || data == json.end() || !data->is_array() || data->size() > kMaxModels) {
    return Error{ErrorCode::kDamaged,
                 "not a list of models; answer of the upstream; is the base URL right?"};
  }
  std::vector<std::string> out;
  for (const Json& model : *data) {
    std::string id = text_of(model, "id");
    if (!id.empty()) out.push_back(std::move(id));
  }
  return out;
}

}  // namespace overtake::openai
