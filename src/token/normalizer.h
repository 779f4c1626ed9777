// Normalizer: what a tokenizer does to a text before it cuts it (Unicode's normal forms, lower
// case, SentencePiece's own map of characters), step by step as a tokenizer.json lists it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

// Immutable; any thread may use it. Bytes that are not UTF-8 pass unchanged.
class Normalizer {
 public:
  Normalizer() = default;
  // `steps` as hf_structure.h writes them; `charsmap` is what "Precompiled" applies. kUnsupported,
  // naming it, for a step that is not known; kDamaged for a broken charsmap.
  static Result<Normalizer> make(std::span<const std::string> steps, std::string_view charsmap,
                                 std::string_view path);

  // The text after all steps: `text` itself where nothing changes, else what stands in `*scratch`.
  std::string_view apply(std::string_view text, std::string& scratch) const;

 private:
  // Appends the rewritten text; false, with nothing appended, where it would be the same.
  using Step = std::function<bool(std::string_view text, std::string& out)>;
  bool add_step(const std::string& step);  // false: not known
  bool add_text_step(const std::string& step);
  void add_bert_steps(std::string_view step);
  std::vector<Step> steps_;
};

}  // namespace overtake
