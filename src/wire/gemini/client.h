// Gemini's dialect for calling: Google's servers, and those that imitate them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "wire/client_dialect.h"

namespace overtake::gemini {

extern const wire::ClientDialect client_dialect;

// As wire::ClientDialect's members.
Result<wire::Outgoing> write_request(const GenerateRequest& request, bool stream);
std::unique_ptr<wire::AnswerReader> make_reader(bool stream);
FailedEvent read_error(const HttpResponseHead& head, std::string_view body);
Result<std::vector<std::string>> read_models(std::string_view body);
std::string next_models_path(std::string_view body);
Result<wire::Outgoing> write_count(const GenerateRequest& request);
Result<int64_t> read_count(std::string_view body);

// What an "error" member says, alone or in an array; `status` 0: within a stream.
FailedEvent read_error_json(const Json& body, int status);

}  // namespace overtake::gemini
