// Errors and lists of models that Google's servers answer with.
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "wire/gemini/client.h"
#include "wire/upstream_answer.h"

namespace overtake::gemini {
namespace {

using wire::member;
using wire::string_member;

constexpr size_t kMaxModels = 10'000;
constexpr int64_t kLongestMs = 86'400'000;

// protobuf's Duration: "17s", "0.847655010s".
std::optional<int64_t> duration_ms(std::string_view text) {
  if (!text.ends_with('s')) return std::nullopt;
  text.remove_suffix(1);
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || !(seconds >= 0)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(std::min(seconds * 1000, static_cast<double>(kLongestMs)));
}

// google.rpc.ErrorInfo and RetryInfo.
void read_details(const Json& error, UpstreamFault* fault) {
  const Json* details = member(error, "details");
  if (!details || !details->is_array()) return;
  for (const Json& detail : *details) {
    const std::string type = string_member(detail, "@type");
    if (type.ends_with("google.rpc.ErrorInfo")) fault->code = string_member(detail, "reason");
    if (type.ends_with("google.rpc.RetryInfo")) {
      fault->retry_after_ms = duration_ms(string_member(detail, "retryDelay"));
    }
  }
}

bool is_about_key(const UpstreamFault& fault) {
  return fault.code == "API_KEY_INVALID" || fault.code == "API_KEY_EXPIRED" ||
         fault.code == "API_KEY_SERVICE_BLOCKED";
}

}  // namespace

FailedEvent read_error_json(const Json& body, int status) {
  const Json& whole = body.is_array() && !body.empty() ? body[0] : body;
  const Json* error = member(whole, "error");
  if (!error) return wire::unexplained_failure(status);
  UpstreamFault fault;
  fault.type = string_member(*error, "status");
  read_details(*error, &fault);
  std::string message =
      error->is_string() ? error->get<std::string>() : string_member(*error, "message");
  const bool is_too_long = message.find("token count") != message.npos &&
                           message.find("exceeds the maximum") != message.npos;
  if (is_too_long && status == 400) fault.code = "context_length_exceeded";
  const bool key = is_about_key(fault);
  const bool not_served_there = status == 400 && fault.type == "FAILED_PRECONDITION";
  FailedEvent out = wire::upstream_failure(status, std::move(fault), std::move(message));
  if (status == 400 && is_too_long) out.error.code = ErrorCode::kContextLength;
  // Google tells the operator's faults (a wrong key, a country without service, no billing) as if
  // they were the request's.
  if (status != 0 && key) out.error.code = ErrorCode::kUnauthenticated;
  if (not_served_there) out.error.code = ErrorCode::kPermissionDenied;
  return out;
}

FailedEvent read_error(const HttpResponseHead& head, std::string_view body) {
  const auto json = parse_json(body, "error");
  return json.ok() ? read_error_json(json.value(), head.status)
                   : wire::unexplained_failure(head.status);
}

// Those that answer: there are others for embeddings and images.
Result<std::vector<std::string>> read_models(std::string_view body) {
  const Json json = TRY(parse_json(body, "list of models"));
  const Json* models = member(json, "models");
  if (json.is_object() && json.empty()) return std::vector<std::string>();  // an empty page
  if (!models || !models->is_array() || models->size() > kMaxModels) {
    return wire::damaged_answer("Gemini's list of models", "not a list of models");
  }
  std::vector<std::string> out;
  for (const Json& model : *models) {
    std::string name = string_member(model, "name");
    if (name.starts_with("models/")) name.erase(0, 7);
    const Json* methods = member(model, "supportedGenerationMethods");
    const bool answers = !methods || !methods->is_array() ||
                         std::ranges::find(*methods, Json("generateContent")) != methods->end();
    if (!name.empty() && answers) out.push_back(std::move(name));
  }
  return out;
}

Result<int64_t> read_count(std::string_view body) {
  const auto json = parse_json(body, "count of tokens");
  const Json* total = json.ok() ? member(*json, "totalTokens") : nullptr;
  if (!total || !total->is_number_unsigned()) {
    return wire::damaged_answer("Gemini's countTokens", "not a count of tokens");
  }
  return wire::count_member(*json, "totalTokens");
}

std::string next_models_path(std::string_view body) {
  const auto json = parse_json(body, "list of models");
  const std::string token = json.ok() ? string_member(*json, "nextPageToken") : "";
  if (token.empty()) return {};
  std::string out = std::string(client_dialect.models_path) + "&pageToken=";
  constexpr char kHex[] = "0123456789ABCDEF";
  for (const char c : token) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (is_plain) {
      out += c;
    } else {
      out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return out;
}

}  // namespace overtake::gemini
