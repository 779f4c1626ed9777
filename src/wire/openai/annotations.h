// Annotations: what OpenAI calls the sources of an answer's text.
#pragma once

#include <optional>
#include <vector>

#include "base/json.h"
#include "engine/event.h"

namespace overtake::openai {

// Those of a message or a delta of chat completions; `annotations` may be null or anything.
void read_annotations(const Json* annotations, std::vector<Event>* out);
// The other way; nullopt for a source without a URL, which has no form here.
std::optional<Json> chat_annotation(const CitationEvent& event);
// An annotation of Responses, on a part whose text begins and ends at these characters of the
// answer's.
CitationEvent text_citation(const Json& annotation, int64_t part_begin, int64_t part_end);
// That of a text of Responses which begins after `n_before` characters of the answer's; nullopt
// also for one of an earlier text. OpenAI's own, which may be of a file, is told as it says it.
std::optional<Json> text_annotation(const CitationEvent& event, int64_t n_before);

}  // namespace overtake::openai
