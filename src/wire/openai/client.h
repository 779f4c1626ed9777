// OpenAI's dialects for calling: its own servers, and those that imitate it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "wire/client_dialect.h"

namespace overtake::openai {

extern const wire::ClientDialect client_dialect;             // OpenAI itself: chat completions
extern const wire::ClientDialect responses_client_dialect;   // ... and Responses
extern const wire::ClientDialect compatible_client_dialect;  // vLLM, SGLang, llama-server, we

// Whether only Responses have words for all that the request says.
bool needs_responses(const GenerateRequest& request);

// As wire::ClientDialect's members.
Result<wire::Outgoing> write_chat_request(const GenerateRequest& request, bool stream);
Result<wire::Outgoing> write_compatible_request(const GenerateRequest& request, bool stream);
std::unique_ptr<wire::AnswerReader> make_chat_reader(bool stream);
Result<wire::Outgoing> write_responses_request(const GenerateRequest& request, bool stream);
std::unique_ptr<wire::AnswerReader> make_responses_reader(bool stream);
Result<wire::Outgoing> write_count_request(const GenerateRequest& request);
Result<int64_t> read_count(std::string_view body);
FailedEvent read_error(const HttpResponseHead& head, std::string_view body);
Result<std::vector<std::string>> read_models(std::string_view body);

// What an "error" member says, in any of the shapes that are about; `status` 0: within a stream.
FailedEvent read_error_json(const Json& body, int status);
// OpenAI knows no budget in tokens: one becomes the effort that its size suggests. Empty: none.
std::string effort_of(const ReasoningParams& reasoning);

}  // namespace overtake::openai
