// A step: three ASCII digits.
#include "token/char_class.h"
#include "token/pretokenizer.h"
#include "token/pretokenizer/steps.h"

namespace overtake {
namespace {

constexpr std::string_view kStructures[] = {"Split isolated regex [0-9][0-9][0-9]",
                                            "Split isolated regex [0-9]{3}"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t piece_end(std::string_view text, size_t begin) {
  return isolate(text, begin, [](std::string_view all, size_t at) -> size_t {
    const bool three =
        at + 3 <= all.size() && is_digit(all[at]) && is_digit(all[at + 1]) && is_digit(all[at + 2]);
    return three ? at + 3 : 0;
  });
}
constexpr PieceEnd* kSteps[] = {piece_end};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_ascii_threes){.structures = kStructures, .steps = kSteps};

}  // namespace overtake
