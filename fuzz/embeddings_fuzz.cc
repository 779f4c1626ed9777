// Requests for embeddings from a stranger, in every dialect, and answers to ours from every kind of
// upstream: a bounded request that each upstream can be asked or refuses, or an error; whole
// vectors, or an error.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "answer_fuzz.h"
#include "base/json.h"
#include "wire/gemini/client.h"
#include "wire/gemini/embeddings.h"
#include "wire/ollama/client.h"
#include "wire/ollama/embeddings.h"
#include "wire/openai/client.h"
#include "wire/openai/embeddings.h"

namespace {

using namespace overtake;

const wire::ClientDialect* const kClients[] = {&openai::client_dialect, &gemini::client_dialect,
                                               &ollama::client_dialect};

// What `dialect` writes of one vector for each input is JSON.
void check_answer(const wire::EmbedCall& call, const wire::EmbedDialect& dialect) {
  if (call.request.inputs.empty()) return;  // only Ollama's, which are answered without a model
  wire::EmbedAnswer answer;
  answer.model = "m\"";
  const std::vector<float> vector = {0.1f, -1e-30f, 3e38f};
  answer.vectors.assign(call.request.inputs.size(), dialect.write_vector(call, vector));
  answer.truncated = {0};
  answer.usage.prompt_tokens = 3;
  OVERTAKE_CHECK(parse_json(dialect.write_answer(answer), "answer").ok());
}

void check_request(const Json& body, const wire::EmbedDialect& dialect) {
  wire::EmbedCall call;
  call.model = "m";
  if (const auto error = dialect.parse(body, &call)) {
    OVERTAKE_CHECK(error->status == 400 && !error->message.empty());
    OVERTAKE_CHECK(parse_json(dialect.errors->error_body(*error), "error").ok());
    return;
  }
  OVERTAKE_CHECK(call.request.inputs.size() <= kMaxEmbedInputs);
  OVERTAKE_CHECK(call.request.dimensions.value_or(1) >= 1);
  for (const wire::ClientDialect* client : kClients) {
    if (first_unmet(call.request, client->features)) continue;
    EmbedRequest request = call.request;
    request.model = call.model;
    const auto outgoing = client->write_embed(request);
    if (outgoing.ok()) OVERTAKE_CHECK(parse_json(outgoing->body, "request").ok());
  }
  check_answer(call, dialect);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const wire::ClientDialect* client : kClients) {
    for (const size_t n_inputs : {1, 2}) {
      check_reader(*wire::make_embed_reader(client->read_embed, n_inputs), text, 7);
    }
  }
  const auto body = parse_json(text, "request body");
  if (!body.ok()) return 0;
  for (const wire::EmbedDialect* dialect :
       {&openai::embed_dialect, &gemini::embed_dialect, &gemini::batch_embed_dialect,
        &ollama::embed_dialect, &ollama::embeddings_dialect}) {
    check_request(*body, *dialect);
  }
  return 0;
}
