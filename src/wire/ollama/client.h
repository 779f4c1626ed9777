// Ollama's dialect for calling: POST /api/chat, and /api/generate for prompts without messages.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "wire/client_dialect.h"

namespace overtake::ollama {

extern const wire::ClientDialect client_dialect;

// As wire::ClientDialect's members.
Result<wire::Outgoing> write_request(const GenerateRequest& request, bool stream);
std::unique_ptr<wire::AnswerReader> make_reader(bool stream);
FailedEvent read_error(const HttpResponseHead& head, std::string_view body);
Result<std::vector<std::string>> read_models(std::string_view body);

}  // namespace overtake::ollama
