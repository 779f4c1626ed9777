// Anthropic's dialect for calling: POST /v1/messages of a base URL without the /v1.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "wire/client_dialect.h"

namespace overtake::anthropic {

extern const wire::ClientDialect client_dialect;

// What a request that names no limit gets, as Anthropic wants one: the largest that every model
// since Claude Opus 4 takes.
constexpr int64_t kDefaultMaxTokens = 32'000;

// As wire::ClientDialect's members.
Result<wire::Outgoing> write_messages_request(const GenerateRequest& request, bool stream);
Result<wire::Outgoing> write_count_request(const GenerateRequest& request);
std::unique_ptr<wire::AnswerReader> make_messages_reader(bool stream);
FailedEvent read_error(const HttpResponseHead& head, std::string_view body);
Result<std::vector<std::string>> read_models(std::string_view body);
Result<int64_t> read_count(std::string_view body);

// {"type": "error", "error": {"type", "message"}}; `status` 0: within a stream.
FailedEvent read_error_json(const Json& body, int status);

}  // namespace overtake::anthropic
