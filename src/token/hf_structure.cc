#include "token/hf_structure.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "token/hf_json.h"

namespace overtake::hf {
namespace {

constexpr int kMaxSteps = 64;

// Calls `read(step, type)` for each step, Sequences (whose steps stand under `list`) flattened.
template <typename Read>
Status for_each_step(const Json& value, std::string_view list, std::string_view file, int& n_steps,
                     Read read) {
  const std::string type = TRY(find_string(value, "type", file)).value_or("");
  if (type == "Sequence") {
    const Json* steps = field(value, list);
    if (!steps || !steps->is_array()) {
      return damaged(fmt::format("a Sequence without an array \"{}\"", list), file);
    }
    for (const Json& step : *steps) TRY(for_each_step(step, list, file, n_steps, read));
    return {};
  }
  if (++n_steps > kMaxSteps) {
    return damaged(fmt::format("more than {} steps in {}", kMaxSteps, list), file);
  }
  return read(value, type);
}

Error unknown_step(std::string_view what, const Json& step, std::string_view file) {
  return unsupported(fmt::format("unknown {} {}", what, escaped(dump_json(step))), file);
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return text;
}

// {"Regex": "..."} or {"String": "..."} as "regex ..." or "string ...".
Result<std::string> pattern(const Json& step, std::string_view file) {
  const Json* value = field(step, "pattern");
  if (value) {
    if (const auto regex = TRY(find_string(*value, "Regex", file))) return "regex " + *regex;
    if (const auto text = TRY(find_string(*value, "String", file))) return "string " + *text;
  }
  return damaged(fmt::format("no pattern in {}", escaped(dump_json(step))), file);
}

Result<std::string> split_step(const Json& step, std::string_view file) {
  const std::string behavior = lower(TRY(find_string(step, "behavior", file)).value_or(""));
  if (TRY(bool_or(step, "invert", false, file))) return unknown_step("pre-tokenizer", step, file);
  return fmt::format("Split {} {}", behavior, TRY(pattern(step, file)));
}

// Older files say add_prefix_space where newer ones say prepend_scheme.
Result<std::string> metaspace_step(const Json& step, std::string_view file) {
  const std::string replacement =
      TRY(find_string(step, "replacement", file)).value_or("\xE2\x96\x81");
  const bool prefix = TRY(bool_or(step, "add_prefix_space", true, file));
  const std::string scheme =
      TRY(find_string(step, "prepend_scheme", file)).value_or(prefix ? "always" : "never");
  const bool known = scheme == "always" || scheme == "first" || scheme == "never";
  if (replacement != "\xE2\x96\x81" || !known) return unknown_step("pre-tokenizer", step, file);
  const bool split = TRY(bool_or(step, "split", true, file));
  return fmt::format("Metaspace {}{}", scheme, split ? " split" : "");
}

Result<std::string> pretokenizer_step(const Json& step, const std::string& type,
                                      std::string_view file) {
  if (type == "Split") return split_step(step, file);
  if (type == "Metaspace") return metaspace_step(step, file);
  if (type == "Digits") {
    const bool individual = TRY(bool_or(step, "individual_digits", false, file));
    return std::string(individual ? "Digits individual" : "Digits contiguous");
  }
  if (type == "Punctuation") {
    return "Punctuation " + lower(TRY(find_string(step, "behavior", file)).value_or("isolated"));
  }
  if (type == "ByteLevel") {
    if (TRY(bool_or(step, "add_prefix_space", true, file))) {
      return std::string("ByteLevel prefix");
    }
    const bool regex = TRY(bool_or(step, "use_regex", true, file));
    return std::string(regex ? "ByteLevel" : "ByteLevel plain");
  }
  if (type == "WhitespaceSplit" || type == "BertPreTokenizer" || type == "Whitespace") return type;
  return unknown_step("pre-tokenizer", step, file);
}

Result<std::string> bert_normalizer(const Json& step, std::string_view file) {
  const bool lowercase = TRY(bool_or(step, "lowercase", true, file));
  const bool clean = TRY(bool_or(step, "clean_text", true, file));
  const bool chinese = TRY(bool_or(step, "handle_chinese_chars", true, file));
  const bool strip = TRY(bool_or(step, "strip_accents", lowercase, file));
  return fmt::format("Bert{}{}{}{}", clean ? " clean" : "", chinese ? " chinese" : "",
                     strip ? " strip" : "", lowercase ? " lowercase" : "");
}

Result<std::string> normalizer_step(const Json& step, const std::string& type,
                                    std::string_view file, std::string* precompiled) {
  if (type == "Precompiled") {
    const auto charsmap = TRY(find_string(step, "precompiled_charsmap", file));
    if (!charsmap || !precompiled->empty()) return unknown_step("normalizer", step, file);
    *precompiled = *charsmap;
    return type;
  }
  if (type == "Prepend") return "Prepend " + TRY(find_string(step, "prepend", file)).value_or("");
  if (type == "Replace") {
    const std::string content = TRY(find_string(step, "content", file)).value_or("");
    return fmt::format("Replace {}\t{}", TRY(pattern(step, file)), content);
  }
  if (type == "Strip") {
    return fmt::format("Strip{}{}", TRY(bool_or(step, "strip_left", true, file)) ? " left" : "",
                       TRY(bool_or(step, "strip_right", true, file)) ? " right" : "");
  }
  if (type == "BertNormalizer") return bert_normalizer(step, file);
  for (std::string_view known :
       {"NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Nmt"}) {
    if (type == known) return type;
  }
  return unknown_step("normalizer", step, file);
}

}  // namespace

Result<std::vector<std::string>> pretokenizer_steps(const Json* pre_tokenizer,
                                                    std::string_view file) {
  std::vector<std::string> steps;
  int n_steps = 0;
  if (!pre_tokenizer) return steps;
  TRY(for_each_step(*pre_tokenizer, "pretokenizers", file, n_steps,
                    [&](const Json& step, const std::string& type) -> Status {
                      steps.push_back(TRY(pretokenizer_step(step, type, file)));
                      return {};
                    }));
  return steps;
}

Result<std::vector<std::string>> normalizer_steps(const Json* normalizer, std::string_view file,
                                                  std::string* precompiled) {
  std::vector<std::string> steps;
  int n_steps = 0;
  if (!normalizer) return steps;
  TRY(for_each_step(*normalizer, "normalizers", file, n_steps,
                    [&](const Json& step, const std::string& type) -> Status {
                      steps.push_back(TRY(normalizer_step(step, type, file, precompiled)));
                      return {};
                    }));
  return steps;
}

}  // namespace overtake::hf
