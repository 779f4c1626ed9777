// Qwen2: Llama 3's pattern with every number character alone, on text in Unicode's composed form.
#include "token/pretokenizer.h"
#include "token/pretokenizer/llama3_pattern.h"

namespace overtake {
namespace {

constexpr std::string_view kNames[] = {"qwen2", "deepseek-r1-qwen"};
#define OVERTAKE_QWEN2 \
  R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"
constexpr std::string_view kStructures[] = {"Split isolated regex " OVERTAKE_QWEN2,
                                            "Split matches regex " OVERTAKE_QWEN2};
constexpr PieceEnd* kSteps[] = {llama3_piece_end<1>};
constexpr std::string_view kNormalizer[] = {"NFC"};

}  // namespace

OVERTAKE_ENTRY(PreTokenizer, pretokenizer_qwen2){
    .names = kNames, .structures = kStructures, .steps = kSteps, .normalizer = kNormalizer};

}  // namespace overtake
