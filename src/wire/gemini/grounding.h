// What an answer's text rests on, as Gemini tells it: groundingMetadata and citationMetadata of a
// candidate, whose places in the text are counted in bytes.
#pragma once

#include <vector>

#include "base/json.h"
#include "engine/event.h"
#include "wire/text_index.h"

namespace overtake::gemini {

// Adds what the candidate cites; `text` is all of its text so far.
void read_citations(const Json& candidate, const wire::TextIndex& text, std::vector<Event>* out);

// groundingMetadata of citations that came from elsewhere.
Json grounding_json(const std::vector<CitationEvent>& citations, const wire::TextIndex& text);

}  // namespace overtake::gemini
