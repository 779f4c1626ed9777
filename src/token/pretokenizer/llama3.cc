// Llama 3, Falcon 3 and Falcon-H1: numbers in threes. Whole pieces come from the vocabulary first.
#include "token/pretokenizer.h"
#include "token/pretokenizer/llama3_pattern.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"llama-bpe", "llama-v3",  "llama3",
                                       "falcon3",   "falcon-h1", "pixtral"};
#define OVERTAKE_LLAMA3 \
  R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr std::string_view kStructures[] = {"Split isolated regex " OVERTAKE_LLAMA3,
                                            "Split matches regex " OVERTAKE_LLAMA3};
constexpr PieceEnd* kSteps[] = {llama3_piece_end<3>};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_llama3){.names = kNames,
                                                  .structures = kStructures,
                                                  .steps = kSteps,
                                                  .whole_pieces_first = true,
                                                  .default_add_bos = true};

}  // namespace overtake
