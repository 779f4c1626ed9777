// Asks for embeddings as POST /embeddings, and reads them.
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "wire/base64.h"
#include "wire/openai/client.h"
#include "wire/openai/embeddings.h"
#include "wire/upstream_answer.h"

namespace overtake::openai {
namespace {

constexpr std::string_view kApi = "OpenAI's embeddings";

bool is_text(const EmbedInput& input) { return std::holds_alternative<TextPrompt>(input.content); }

// Both forms are about: some imitators give floats whatever they were asked for.
std::vector<float> read_vector(const Json* value) {
  if (!value || !value->is_string()) return wire::floats_of(value);
  const auto bytes = wire::decode_base64(value->get_ref<const std::string&>());
  if (!bytes || bytes->size() % sizeof(float) != 0) return {};
  std::vector<float> out(bytes->size() / sizeof(float));
  std::memcpy(out.data(), bytes->data(), bytes->size());
  return out;
}

}  // namespace

// Base64 is a third of the size of numbers written out, and exact.
Result<wire::Outgoing> write_embed(const EmbedRequest& request) {
  const auto n_texts = std::ranges::count_if(request.inputs, is_text);
  if (n_texts != 0 && n_texts != static_cast<int64_t>(request.inputs.size())) {
    return Error{ErrorCode::kUnsupported,
                 "OpenAI's embeddings can not express texts among token ids; request; send one "
                 "kind at a time"};
  }
  Json inputs = Json::array();
  for (const EmbedInput& input : request.inputs) {
    if (is_text(input)) {
      inputs.push_back(std::get<TextPrompt>(input.content).text);
    } else {
      inputs.push_back(std::get<TokenPrompt>(input.content).ids);
    }
  }
  Json body;
  body["model"] = request.model;
  body["input"] = std::move(inputs);
  body["encoding_format"] = "base64";
  if (request.dimensions) body["dimensions"] = *request.dimensions;
  if (!request.end_user.empty()) body["user"] = request.end_user;
  TRY(wire::merge_extra(request, client_dialect.name, &body));
  return wire::Outgoing{"/embeddings",
                        {{"Content-Type", "application/json"}, {"Accept", "application/json"}},
                        dump_json(body)};
}

Result<wire::EmbedReply> read_embed(const Json& body) {
  const Json* data = wire::member(body, "data");
  if (!data || !data->is_array()) return wire::damaged_answer(kApi, "it has no \"data\"");
  wire::EmbedReply out;
  out.model = wire::string_member(body, "model");
  out.vectors.resize(data->size());
  for (size_t i = 0; i < data->size(); ++i) {
    const Json& entry = (*data)[i];
    const Json* given = wire::member(entry, "index");  // which imitators leave out
    const bool is_index = !given || given->is_number_unsigned();
    const uint64_t index = given && is_index ? given->get<uint64_t>() : i;
    if (!is_index || index >= out.vectors.size() || !out.vectors[index].empty()) {
      return wire::damaged_answer(kApi, "its indices are not those of the inputs");
    }
    out.vectors[index] = read_vector(wire::member(entry, "embedding"));
  }
  if (const Json* usage = wire::member(body, "usage")) {
    out.usage.prompt_tokens = wire::count_member(*usage, "prompt_tokens");
  }
  return out;
}

}  // namespace overtake::openai
