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

// The lines of a structure, a step each; a regular expression may have a line end of its own.
std::vector<std::string_view> lines_of(std::string_view structure) {
  std::vector<std::string_view> lines;
  size_t begin = 0;
  for (size_t at = 0; (at = structure.find('\n', at)) != structure.npos; ++at) {
    const std::string_view rest = structure.substr(at + 1);
    if (rest.starts_with("Split ") || rest.starts_with("Digits ") ||
        rest.starts_with("Punctuation ") || rest.starts_with("ByteLevel")) {
      lines.push_back(structure.substr(begin, at - begin));
      begin = at + 1;
    }
  }
  lines.push_back(structure.substr(begin));
  return lines;
}

// The code of one step, which may be a part of an entry that has one function for each; null if it
// is not known.
PieceEnd* find_step(std::string_view step) {
  for (const PreTokenizer* entry : all_pretokenizers()) {
    for (std::string_view structure : entry->structures) {
      const std::vector<std::string_view> lines = lines_of(structure);
      const auto at = std::find(lines.begin(), lines.end(), step);
      if (lines.size() == entry->steps.size() && at != lines.end()) {
        return entry->steps[at - lines.begin()];
      }
    }
  }
  return nullptr;
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
    // Bytes are written in their own alphabet behind ByteLevel: nothing else may follow.
    PieceEnd* const found =
        last || !steps[i].starts_with("ByteLevel") ? find_step(steps[i]) : nullptr;
    if (!found) {
      return Error{
          ErrorCode::kUnsupported,
          fmt::format("unknown step {} of the pre-tokenizer: {}; {}; this way of cutting "
                      "texts is not known yet: use another file of the model, or token ids",
                      i + 1, escaped(steps[i]), file)};
    }
    out.push_back(found);
  }
  return out;
}

}  // namespace overtake
