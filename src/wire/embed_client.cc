// What the calling halves of all dialects share for embeddings. The answer is one document, of
// which nothing is believed until all of it is there.
#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "wire/client_dialect.h"
#include "wire/upstream_answer.h"

namespace overtake::wire {
namespace {

constexpr std::string_view kApi = "embeddings";
// 2048 vectors of 4096 numbers.
constexpr JsonLimits kLimits = {.max_values = size_t{1} << 23};

class EmbedReader : public AnswerReader {
 public:
  EmbedReader(Result<EmbedReply> (*read_embed)(const Json&), size_t n_inputs)
      : read_(read_embed), n_inputs_(n_inputs) {}

  // RemoteOptions::max_answer_bytes bounds them.
  Status feed(std::string_view bytes, std::vector<Event>*) override {
    body_ += bytes;
    return {};
  }

  Status finish(std::vector<Event>* out) override {
    const auto json = parse_json(body_, "embeddings", kLimits);
    if (!json.ok()) return damaged_answer(kApi, "it is not JSON within bounds");
    EmbedReply reply = TRY(read_(*json));
    TRY(check(reply));
    StartedEvent started;
    started.model = std::move(reply.model);
    out->push_back(std::move(started));
    for (size_t i = 0; i < reply.vectors.size(); ++i) {
      out->push_back(EmbeddingEvent{i, std::move(reply.vectors[i])});
    }
    out->push_back(std::move(reply.usage));
    out->push_back(FinishedEvent{});
    return {};
  }

 private:
  Status check(const EmbedReply& reply) const {
    if (reply.vectors.size() != n_inputs_) {
      return damaged_answer(
          kApi, fmt::format("it has {} vectors for {} inputs", reply.vectors.size(), n_inputs_));
    }
    for (const std::vector<float>& vector : reply.vectors) {
      if (vector.empty()) return damaged_answer(kApi, "a vector is missing");
      if (vector.size() != reply.vectors.front().size()) {
        return damaged_answer(kApi, "its vectors are of different lengths");
      }
      for (const float value : vector) {
        if (!std::isfinite(value)) return damaged_answer(kApi, "a value is not a number");
      }
    }
    return {};
  }

  Result<EmbedReply> (*read_)(const Json&);
  size_t n_inputs_;
  std::string body_;
};

}  // namespace

std::unique_ptr<AnswerReader> make_embed_reader(Result<EmbedReply> (*read_embed)(const Json&),
                                                size_t n_inputs) {
  return std::make_unique<EmbedReader>(read_embed, n_inputs);
}

Status merge_extra(const EmbedRequest& request, std::string_view dialect, Json* body) {
  if (request.extra.empty() || request.dialect != dialect) return {};
  const Json members = TRY(parse_json(request.extra, "extra fields"));
  for (const auto& [name, value] : members.items()) {
    if (!body->contains(name)) (*body)[name] = value;
  }
  return {};
}

}  // namespace overtake::wire
