#include "wire/gemini/grounding.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "wire/upstream_answer.h"

namespace overtake::gemini {
namespace {

using wire::count_member;
using wire::member;
using wire::string_member;

const Json* list_of(const Json* owner, std::string_view name) {
  const Json* list = owner ? member(*owner, name) : nullptr;
  return list && list->is_array() ? list : nullptr;
}

CitationEvent cited(const Json& place, const wire::TextIndex& text) {
  CitationEvent out;
  out.begin = text.character_at(count_member(place, "startIndex"));
  out.end = text.character_at(count_member(place, "endIndex"));
  return out;
}

// Of each piece of text, the pages that it rests on.
void read_supports(const Json& grounding, const wire::TextIndex& text, std::vector<Event>* out) {
  const Json* chunks = list_of(&grounding, "groundingChunks");
  const Json* supports = list_of(&grounding, "groundingSupports");
  size_t n_left = wire::kMaxCitations;
  for (size_t i = 0; chunks && supports && i < supports->size(); ++i) {
    const Json& support = (*supports)[i];
    const Json* segment = member(support, "segment");
    const Json* indices = list_of(&support, "groundingChunkIndices");
    for (size_t j = 0; segment && indices && j < indices->size() && n_left > 0; ++j) {
      const Json& index = (*indices)[j];
      if (!index.is_number_unsigned() || index.get<uint64_t>() >= chunks->size()) continue;
      const Json& chunk = (*chunks)[index.get<size_t>()];
      for (const char* kind : {"web", "retrievedContext", "maps"}) {
        const Json* page = member(chunk, kind);
        if (!page || string_member(*page, "uri").empty()) continue;
        CitationEvent event = cited(*segment, text);
        event.url = string_member(*page, "uri");
        event.title = string_member(*page, "title");
        out->push_back(std::move(event));
        --n_left;
      }
    }
  }
}

}  // namespace

void read_citations(const Json& candidate, const wire::TextIndex& text, std::vector<Event>* out) {
  if (const Json* grounding = member(candidate, "groundingMetadata")) {
    read_supports(*grounding, text, out);
  }
  const Json* metadata = member(candidate, "citationMetadata");
  const Json* sources = list_of(metadata, "citationSources");
  if (!sources) sources = list_of(metadata, "citations");  // Vertex AI's name
  for (size_t i = 0; sources && i < sources->size() && i < wire::kMaxCitations; ++i) {
    CitationEvent event = cited((*sources)[i], text);
    event.url = string_member((*sources)[i], "uri");
    event.title = string_member((*sources)[i], "title");
    if (!event.url.empty()) out->push_back(std::move(event));
  }
}

Json grounding_json(const std::vector<CitationEvent>& citations, const wire::TextIndex& text) {
  Json chunks = Json::array(), supports = Json::array();
  std::map<std::pair<std::string, std::string>, size_t> places;  // of url and title in the chunks
  for (const CitationEvent& citation : citations) {
    const auto [at, is_new] = places.try_emplace({citation.url, citation.title}, chunks.size());
    if (is_new) {
      Json page;
      page["uri"] = citation.url;
      if (!citation.title.empty()) page["title"] = citation.title;
      Json chunk;
      chunk["web"] = std::move(page);
      chunks.push_back(std::move(chunk));
    }
    const int64_t begin = text.byte_at(citation.begin), end = text.byte_at(citation.end);
    if (begin >= end) continue;
    Json segment;
    if (begin > 0) segment["startIndex"] = begin;
    segment["endIndex"] = end;
    segment["text"] = text.between(begin, end);
    Json support;
    support["segment"] = std::move(segment);
    support["groundingChunkIndices"] = Json::array({at->second});
    supports.push_back(std::move(support));
  }
  Json out;
  out["groundingChunks"] = std::move(chunks);
  out["groundingSupports"] = std::move(supports);
  return out;
}

}  // namespace overtake::gemini
