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

CitationEvent text_citation(const Json& annotation, int64_t part_begin, int64_t part_end) {
  CitationEvent event;
  event.url = wire::string_member(annotation, "url");
  event.title = wire::string_member(annotation, "title");
  if (event.title.empty()) event.title = wire::string_member(annotation, "filename");
  const int64_t begin = part_begin + wire::count_member(annotation, "start_index");
  const bool has_place = member(annotation, "end_index") != nullptr;
  event.begin = has_place ? std::min(begin, part_end) : part_begin;
  event.end = has_place ? part_begin + wire::count_member(annotation, "end_index") : part_end;
  event.end = std::clamp(event.end, event.begin, part_end);
  event.native = dump_json(annotation);
  return event;
}

std::optional<Json> text_annotation(const CitationEvent& event, int64_t n_before) {
  if (event.end < n_before || (event.end == n_before && event.native.empty())) return std::nullopt;
  auto native = parse_json(event.native.empty() ? "null" : event.native, "annotation");
  if (native.ok() && native->is_object()) {
    if (native->contains("end_index")) {  // of our part, which may have begun before OpenAI's
      (*native)["start_index"] = std::max<int64_t>(event.begin - n_before, 0);
      (*native)["end_index"] = event.end - n_before;
    }
    return std::move(*native);
  }
  if (event.url.empty()) return std::nullopt;
  Json out = members_of(event, n_before);
  out["type"] = kUrlCitation;
  return out;
}

}  // namespace overtake::openai
