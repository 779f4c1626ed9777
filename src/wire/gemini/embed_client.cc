// Asks for embeddings by batchEmbedContents, as Google's own packages do even for one text.
#include <nlohmann/json.hpp>

#include "wire/gemini/client.h"
#include "wire/gemini/client_writer.h"
#include "wire/gemini/embeddings.h"
#include "wire/upstream_answer.h"

namespace overtake::gemini {

Result<wire::Outgoing> write_embed(const EmbedRequest& request) {
  std::string path = TRY(model_path(request.model));
  const std::string model = path.substr(std::string_view("/v1beta/").size());
  Json requests = Json::array();
  for (const EmbedInput& input : request.inputs) {
    const auto* text = std::get_if<TextPrompt>(&input.content);
    if (!text) return cannot_say("token ids", "send their text");
    Json one;
    one["model"] = model;
    one["content"] = {{"parts", Json::array({Json{{"text", text->text}}})}};
    if (!input.task.empty()) one["taskType"] = input.task;
    if (!input.title.empty()) one["title"] = input.title;
    if (request.dimensions) one["outputDimensionality"] = *request.dimensions;
    requests.push_back(std::move(one));
  }
  return wire::Outgoing{path + ":batchEmbedContents",
                        {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                        dump_json(Json{{"requests", std::move(requests)}})};
}

Result<wire::EmbedReply> read_embed(const Json& body) {
  const Json* embeddings = wire::member(body, "embeddings");
  if (!embeddings || !embeddings->is_array()) {
    return wire::damaged_answer("Gemini's batchEmbedContents", "it has no \"embeddings\"");
  }
  wire::EmbedReply out;
  for (const Json& embedding : *embeddings) {
    out.vectors.push_back(wire::floats_of(wire::member(embedding, "values")));
  }
  if (const Json* usage = wire::member(body, "usageMetadata")) {
    out.usage.prompt_tokens = wire::count_member(*usage, "promptTokenCount");
  }
  return out;
}

}  // namespace overtake::gemini
