// Mistral's Tekken (NeMo and later): GPT-4o's words without contractions, digits alone.
#include "token/pretokenizer.h"
#include "token/pretokenizer/cased_words.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"tekken"};
constexpr std::string_view kStructures[] = {
    R"(Split isolated regex [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr PieceEnd* kSteps[] = {cased_piece_end<1, false>};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_tekken){.names = kNames,
                                                  .structures = kStructures,
                                                  .steps = kSteps,
                                                  .whole_pieces_first = true,
                                                  .default_add_bos = true};

}  // namespace overtake
