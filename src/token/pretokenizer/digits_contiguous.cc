// A step: runs of number characters.
#include "token/char_class.h"
#include "token/pretokenizer.h"
#include "token/pretokenizer/deepseek_steps.h"

namespace overtake {
namespace {

constexpr std::string_view kStructures[] = {"Digits contiguous", "Split isolated regex \\p{N}+"};

size_t piece_end(std::string_view text, size_t begin) { return deepseek::number_runs(text, begin); }
constexpr PieceEnd* kSteps[] = {piece_end};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_digits_contiguous){.structures = kStructures,
                                                             .steps = kSteps};

}  // namespace overtake
