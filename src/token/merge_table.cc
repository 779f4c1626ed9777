#include "token/merge_table.h"

#include <fmt/core.h>

namespace overtake {
namespace {

Error bad_merge(size_t i, std::string_view what, std::string_view path) {
  return {ErrorCode::kDamaged,
          fmt::format("tokenizer.ggml.merges[{}]: {}; {}; the file is damaged: "
                      "get it again",
                      i, what, path)};
}

}  // namespace

// A merge of a file: "left right", where the first space after the first character parts the two.
// Merges into a control token are left out: no text may become one.
Result<MergeTable> read_merges(const Metadata& metadata, const Vocabulary& vocabulary,
                               std::string_view path) {
  const std::vector<std::string>* merges = TRY(metadata.find_strings("tokenizer.ggml.merges"));
  if (!merges) {
    return Error{ErrorCode::kDamaged, fmt::format("a BPE vocabulary without tokenizer.ggml.merges; "
                                                  "{}; the file is damaged: get it again",
                                                  path)};
  }
  constexpr size_t kMaxMerges = size_t{1} << 26;
  if (merges->size() > kMaxMerges) return bad_merge(kMaxMerges, "too many merges", path);
  MergeTable table(merges->size());
  std::string joined;
  for (size_t i = 0; i < merges->size(); ++i) {
    const std::string_view merge = (*merges)[i];
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos) return bad_merge(i, "not a pair", path);
    const std::string_view left = merge.substr(0, space);
    const std::string_view right = merge.substr(space + 1);
    joined.assign(left).append(right);
    const int32_t left_id = vocabulary.find(left);
    const int32_t right_id = vocabulary.find(right);
    const int32_t id = vocabulary.find(joined);
    if (left_id < 0 || right_id < 0 || id < 0) {
      return bad_merge(i, "not of this vocabulary's tokens", path);
    }
    if (vocabulary.is_control(id)) continue;
    if (!table.add(left_id, right_id, {static_cast<uint32_t>(i), id})) {
      return bad_merge(i, "thousands of pairs hash alike", path);
    }
  }
  return table;
}

}  // namespace overtake
