// Asks Ollama for embeddings as POST /api/embed, and reads them.
#include <nlohmann/json.hpp>

#include "wire/ollama/client.h"
#include "wire/ollama/embeddings.h"
#include "wire/upstream_answer.h"

namespace overtake::ollama {

Result<wire::Outgoing> write_embed(const EmbedRequest& request) {
  Json inputs = Json::array();
  for (const EmbedInput& input : request.inputs) {
    const auto* text = std::get_if<TextPrompt>(&input.content);
    if (!text) {
      return Error{ErrorCode::kUnsupported,
                   "Ollama can not be told token ids to embed; request; send their text"};
    }
    inputs.push_back(text->text);
  }
  Json body;
  body["model"] = request.model;
  body["input"] = std::move(inputs);
  body["truncate"] = request.truncate;  // which Ollama does unless told
  if (request.dimensions) body["dimensions"] = *request.dimensions;
  TRY(wire::merge_extra(request, client_dialect.name, &body));
  return wire::Outgoing{"/api/embed",
                        {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                        dump_json(body)};
}

Result<wire::EmbedReply> read_embed(const Json& body) {
  const Json* embeddings = wire::member(body, "embeddings");
  if (!embeddings || !embeddings->is_array()) {
    return wire::damaged_answer("Ollama's embed", "it has no \"embeddings\"");
  }
  wire::EmbedReply out;
  out.model = wire::string_member(body, "model");
  for (const Json& vector : *embeddings) out.vectors.push_back(wire::floats_of(&vector));
  out.usage.prompt_tokens = wire::count_member(body, "prompt_eval_count");
  return out;
}

}  // namespace overtake::ollama
