#include "token/pretokenizer.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"

namespace overtake {
namespace {

constexpr std::string_view kPlain = "ByteLevel plain";

bool has_structure(const PreTokenizer& entry, std::string_view structure) {
  return std::find(entry.structures.begin(), entry.structures.end(), structure) !=
         entry.structures.end();
}

}  // namespace

const PreTokenizer* find_pretokenizer(std::span<const std::string> steps, bool whole_pieces_first) {
  std::string structure;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (i + 1 == steps.size() && steps[i] == kPlain) continue;
    structure += (structure.empty() ? "" : "\n") + steps[i];
  }
  const PreTokenizer* found = nullptr;
  for (const PreTokenizer* entry : all_pretokenizers()) {
    if (entry->names.empty() || !has_structure(*entry, structure)) continue;
    if (!found || entry->whole_pieces_first == whole_pieces_first) found = entry;
  }
  return found;
}

Result<std::vector<PieceEnd*>> find_steps(std::span<const std::string> steps,
                                          std::string_view file) {
  std::vector<PieceEnd*> out;
  for (size_t i = 0; i < steps.size(); ++i) {
    const bool last = i + 1 == steps.size();
    if (last && steps[i] == kPlain && !out.empty()) continue;
    const PreTokenizer* found = nullptr;
    // Bytes are written in their own alphabet behind ByteLevel: nothing else may follow.
    if (last || !steps[i].starts_with("ByteLevel")) {
      for (const PreTokenizer* entry : all_pretokenizers()) {
        if (has_structure(*entry, steps[i])) found = entry;
      }
    }
    if (!found) {
      return Error{
          ErrorCode::kUnsupported,
          fmt::format("unknown step {} of the pre-tokenizer: {}; {}; this way of cutting "
                      "texts is not known yet: use another file of the model, or token ids",
                      i + 1, escaped(steps[i]), file)};
    }
    out.insert(out.end(), found->steps.begin(), found->steps.end());
  }
  return out;
}

}  // namespace overtake
