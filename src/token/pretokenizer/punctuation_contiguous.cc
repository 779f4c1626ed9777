// A step: runs of punctuation.
#include "token/char_class.h"
#include "token/pretokenizer.h"
#include "token/pretokenizer/scan.h"

namespace overtake {
namespace {

constexpr std::string_view kStructures[] = {"Punctuation contiguous"};

size_t piece_end(std::string_view text, size_t begin) {
  const bool inside = classify(text, begin).char_class == CharClass::kPunctuation;
  return run_end(text, begin,
                 [&](CharClass c) { return (c == CharClass::kPunctuation) == inside; });
}
constexpr PieceEnd* kSteps[] = {piece_end};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_punctuation_contiguous){.structures = kStructures,
                                                                  .steps = kSteps};

}  // namespace overtake
