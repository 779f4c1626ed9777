// GPT-4o's pattern (o200k), which Llama 4 took over: words by case with their contraction, numbers
// in threes.
#include "token/pretokenizer.h"
#include "token/pretokenizer/cased_words.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"gpt-4o", "llama4"};
constexpr std::string_view kStructures[] = {
    R"(Split isolated regex [^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
constexpr PieceEnd* kSteps[] = {cased_piece_end<3, true>};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_gpt4o){
    .names = kNames, .structures = kStructures, .steps = kSteps};

}  // namespace overtake
