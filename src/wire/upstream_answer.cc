#include "wire/upstream_answer.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace overtake::wire {
namespace {

constexpr size_t kMaxMessageBytes = 2048;
constexpr size_t kMaxModels = 10'000;
constexpr size_t kMaxOtherMembers = 64;

ErrorCode code_of(int status) {
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

// On a character's border.
void shorten(std::string* text) {
  if (text->size() <= kMaxMessageBytes) return;
  size_t cut = kMaxMessageBytes;
  while (cut > 0 && (static_cast<unsigned char>((*text)[cut]) & 0xc0) == 0x80) --cut;
  text->resize(cut);
}

std::string token_bytes(const Json& token) {
  const Json* bytes = member(token, "bytes");
  if (!bytes || !bytes->is_array()) return string_member(token, "token");
  std::string out;
  for (const Json& byte : *bytes) {
    if (byte.is_number_integer()) out += static_cast<char>(byte.get<int64_t>() & 0xff);
  }
  return out;
}

double logprob_of(const Json& token) {
  const Json* value = member(token, "logprob");
  return value && value->is_number() ? value->get<double>() : 0;
}

}  // namespace

const Json* member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

std::string string_member(const Json& object, std::string_view name) {
  const Json* value = member(object, name);
  return value && value->is_string() ? value->get<std::string>() : std::string();
}

int64_t count_member(const Json& object, std::string_view name) {
  const Json* value = member(object, name);
  if (!value || !value->is_number_integer()) return 0;
  const bool fits = !value->is_number_unsigned() || value->get<uint64_t>() <= (uint64_t{1} << 48);
  return fits ? std::max<int64_t>(value->get<int64_t>(), 0) : 0;
}

Json other_members(const Json& object, std::initializer_list<std::string_view> known) {
  Json out = Json::object();
  if (!object.is_object() || object.size() > kMaxOtherMembers) return out;
  for (const auto& [key, value] : object.items()) {
    if (!value.is_null() && std::ranges::find(known, key) == known.end()) out[key] = value;
  }
  return out;
}

std::vector<float> floats_of(const Json* values) {
  std::vector<float> out;
  if (!values || !values->is_array()) return out;
  out.reserve(values->size());
  for (const Json& value : *values) {
    if (!value.is_number()) return {};
    out.push_back(value.get<float>());
  }
  return out;
}

std::vector<TokenLogprob> read_token_logprobs(const Json* entries) {
  std::vector<TokenLogprob> out;
  if (!entries || !entries->is_array()) return out;
  for (const Json& token : *entries) {
    TokenLogprob& entry = out.emplace_back(TokenLogprob{0, token_bytes(token), logprob_of(token)});
    const Json* top = member(token, "top_logprobs");
    if (!top || !top->is_array()) continue;
    for (const Json& other : *top) entry.top.push_back({0, token_bytes(other), logprob_of(other)});
  }
  return out;
}

Error damaged_answer(std::string_view api, std::string_view what) {
  return {
      ErrorCode::kDamaged,
      fmt::format("{}; answer of the upstream; try again, or check that it speaks {}", what, api)};
}

Result<std::vector<std::string>> model_names(const Json* list,
                                             std::initializer_list<std::string_view> keys) {
  if (!list || !list->is_array() || list->size() > kMaxModels) {
    return Error{ErrorCode::kDamaged,
                 "not a list of models; answer of the upstream; is the base URL right?"};
  }
  std::vector<std::string> out;
  for (const Json& model : *list) {
    std::string name;
    for (const std::string_view key : keys) {
      if (name.empty()) name = string_member(model, key);
    }
    if (!name.empty()) out.push_back(std::move(name));
  }
  return out;
}

bool is_retryable_status(int status) {
  return status == 0 || status == 408 || status == 409 || status == 429 || status >= 500;
}

FailedEvent upstream_failure(int status, UpstreamFault fault, std::string message) {
  FailedEvent out;
  fault.status = status;
  out.upstream = std::move(fault);
  if (message.empty()) message = "the upstream gave no reason";
  shorten(&message);
  out.retryable = is_retryable_status(status);
  out.error = {status == 0 ? ErrorCode::kUnavailable : code_of(status), std::move(message)};
  return out;
}

FailedEvent unexplained_failure(int status) {
  return upstream_failure(
      status, {}, fmt::format("status {} without an explanation that could be read", status));
}

}  // namespace overtake::wire
