// A step: number characters in threes, from the left.
#include "token/char_class.h"
#include "token/pretokenizer.h"
#include "token/pretokenizer/deepseek_steps.h"

namespace overtake {
namespace {

constexpr std::string_view kStructures[] = {"Split isolated regex \\p{N}{1,3}"};

size_t piece_end(std::string_view text, size_t begin) {
  size_t at = begin;
  for (int i = 0; i < 3 && at < text.size(); ++i) {
    const KindChar c = kind_of(text, at);
    if (c.kind != CharKind::kNumber) break;
    at += c.length;
  }
  return at > begin ? at : deepseek::number_runs(text, begin);
}
constexpr PieceEnd* kSteps[] = {piece_end};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_digits_in_threes){.structures = kStructures,
                                                            .steps = kSteps};

}  // namespace overtake
