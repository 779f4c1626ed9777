// GPT-2's own pattern.
#include "token/pretokenizer.h"
#include "token/pretokenizer/scan.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"gpt-2", "phi-2", "roberta-bpe"};
constexpr std::string_view kStructures[] = {"ByteLevel"};

size_t piece_end(std::string_view text, size_t begin) {
  return gpt2_piece_end(text, begin, [](CharClass) { return false; });
}

constexpr PieceEnd* kSteps[] = {piece_end};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_gpt2){
    .names = kNames, .structures = kStructures, .steps = kSteps};

}  // namespace overtake
