// Llama 3's pattern with a vocabulary whose merges alone decide (Smaug, DBRX).
#include "token/pretokenizer.h"
#include "token/pretokenizer/llama3_pattern.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"smaug-bpe", "dbrx"};
#define OVERTAKE_LLAMA3 \
  R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr std::string_view kStructures[] = {"Split isolated regex " OVERTAKE_LLAMA3,
                                            "Split matches regex " OVERTAKE_LLAMA3};
constexpr PieceEnd* kSteps[] = {llama3_piece_end<3>};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_smaug){
    .names = kNames, .structures = kStructures, .steps = kSteps};

}  // namespace overtake
