#include "wire/openai/annotations.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "wire/upstream_answer.h"

namespace overtake::openai {
namespace {

using wire::member;

constexpr const char* kUrlCitation = "url_citation";

Json members_of(const CitationEvent& event, int64_t n_before) {
  Json out;
  out["end_index"] = event.end - n_before;
  out["start_index"] = std::max<int64_t>(event.begin - n_before, 0);
  out["title"] = event.title;
  out["url"] = event.url;
  return out;
}

}  // namespace

void read_annotations(const Json* annotations, std::vector<Event>* out) {
  if (!annotations || !annotations->is_array()) return;
  for (size_t i = 0; i < annotations->size() && i < wire::kMaxCitations; ++i) {
    const Json& annotation = (*annotations)[i];
    if (!annotation.is_object()) continue;
    CitationEvent event;
    if (const Json* url = member(annotation, kUrlCitation)) {
      event.url = wire::string_member(*url, "url");
      event.title = wire::string_member(*url, "title");
      event.quote = wire::string_member(*url, "content");  // OpenRouter
      event.begin = wire::count_member(*url, "start_index");
      event.end = wire::count_member(*url, "end_index");
    }
    event.native = dump_json(annotation);
    out->push_back(std::move(event));
  }
}

std::optional<Json> chat_annotation(const CitationEvent& event) {
  if (!event.native.empty()) {
    auto native = parse_json(event.native, "annotation");
    if (native.ok()) return std::move(*native);
  }
  if (event.url.empty()) return std::nullopt;
  Json out;
  out["type"] = kUrlCitation;
  out[kUrlCitation] = members_of(event, 0);
  return out;
}

std::optional<Json> text_annotation(const CitationEvent& event, int64_t n_before) {
  if (event.url.empty() || event.end <= n_before) return std::nullopt;
  Json out = members_of(event, n_before);
  out["type"] = kUrlCitation;
  return out;
}

}  // namespace overtake::openai
