// Whether the tokens with a meaning of their own are what they should be: the field's silent
// faults, which no program reports and every answer suffers from.
#include <fmt/core.h>

#include <algorithm>
#include <set>

#include "cli/fidelity.h"
#include "cli/known_vocabularies.h"
#include "token/vocabulary.h"

namespace overtake {
namespace {

constexpr const char* kName = "special tokens";
// By which chat formats at large end a turn.
constexpr std::string_view kTurnEnds[] = {"<|im_end|>", "<|eot_id|>", "<|eom_id|>",
                                          "<|end|>",    "<|eot|>",    "<end_of_turn>"};

class Examination {
 public:
  Examination(const FidelityRun& run, const Vocabulary& vocabulary)
      : run_(run), vocabulary_(vocabulary), template_(run.subject.chat_template()) {
    const auto model = run.subject.text().find_string("tokenizer.ggml.model");
    is_sentencepiece_ = model.ok() && model->value_or("") == "llama";
  }

  void run() {
    const size_t before = run_.findings.size();
    check_eos();
    check_types();
    check_turn_ends();
    check_padding();
    check_against_known();
    if (run_.findings.size() == before) run_.ok(kName, text());
  }

 private:
  std::string_view name(std::optional<int32_t> id) const {
    return id ? vocabulary_.name(*id) : std::string_view("none");
  }
  std::optional<int32_t> role(std::string_view which) const {
    return run_.subject.token_of_role(which);
  }
  std::string text() const {
    std::string ends;
    for (const int32_t id : run_.subject.tokenizer->end_tokens()) {
      ends += fmt::format("{}{}", ends.empty() ? "" : " ", vocabulary_.name(id));
    }
    return fmt::format("begins with {}, ends with {}", name(role("bos")), ends);
  }

  void check_eos() const {
    if (!role("eos")) {
      run_.fault(kName, "no end-of-text token (tokenizer.ggml.eos_token_id): answers may never end",
                 "get a newer conversion, or set it to the token that ends the makers' texts");
    }
  }

  // Whether a name is written like a control token's. In byte-level vocabularies "</s>" may be an
  // ordinary token: a mark of HTML.
  bool looks_like_control(std::string_view name) const {
    if (name == "<s>" || name == "</s>" || name == "<unk>") return is_sentencepiece_;
    return name.size() > 4 && name.starts_with("<|") && name.ends_with("|>");
  }

  void check_types() const {
    std::string normal, ordinary_in_template;
    int n_normal = 0;
    std::set<int32_t> roles;
    for (const char* which : {"bos", "eos", "eot", "eom"}) {
      if (const auto id = role(which)) roles.insert(*id);
    }
    for (int32_t id = 0; id < vocabulary_.size(); ++id) {
      const std::string_view token = vocabulary_.name(id);
      const TokenType type = vocabulary_.type(id);
      const bool special = looks_like_control(token) || roles.contains(id);
      if (special && type == TokenType::kNormal) {
        if (++n_normal <= 3) normal += fmt::format("{}{}", n_normal > 1 ? " " : "", token);
      } else if (special && type == TokenType::kUserDefined &&
                 template_.find(token) != std::string::npos) {
        ordinary_in_template += fmt::format("{}{}", ordinary_in_template.empty() ? "" : " ", token);
      }
    }
    if (n_normal > 0) {
      run_.fault(kName,
                 fmt::format("typed NORMAL instead of CONTROL: {}{}; a template's markers fall "
                             "apart into letters",
                             normal, n_normal > 3 ? fmt::format(" and {} more", n_normal - 3) : ""),
                 "get a newer conversion: the added tokens of the original were lost on the way");
    }
    if (!ordinary_in_template.empty()) {
      run_.warn(kName,
                fmt::format("typed USER_DEFINED though the template speaks with them: {}; a user's "
                            "text can forge them",
                            ordinary_in_template),
                "get a newer conversion, or put no strangers' text before this model");
    }
  }

  // Ids that the file itself says end an answer.
  std::set<int64_t> listed_ends() const {
    std::set<int64_t> out;
    for (const char* which : {"eos", "eot", "eom"}) {
      if (const auto id = role(which)) out.insert(*id);
    }
    for (const char* key : {"generation_config.eos_token_id", "eos_token_id"}) {
      const auto ids = run_.subject.checkpoint->metadata().find_ints(key);
      if (ids.ok() && *ids) out.insert((*ids)->begin(), (*ids)->end());
    }
    return out;
  }

  void check_turn_ends() const {
    const std::set<int64_t> listed = listed_ends();
    for (const std::string_view end : kTurnEnds) {
      const int32_t id = vocabulary_.find(end);
      if (id < 0 || template_.find(end) == std::string::npos || listed.contains(id)) continue;
      if (run_.subject.tokenizer->ends(id)) {
        run_.warn(kName,
                  fmt::format("the template ends turns with {}, which the file does not list as an "
                              "end (eos, eot, eom)",
                              end),
                  "Overtake ends answers there all the same; other programs talk on");
      } else {
        run_.fault(
            kName,
            fmt::format("the template ends turns with {}, but nothing makes it end an answer", end),
            "get a newer conversion, or ask with `stop` set to it");
      }
    }
  }

  void check_padding() const {
    const auto padding = role("padding");
    if (padding && padding == role("eos")) {
      run_.warn(kName, fmt::format("padding is the end token, {}", name(padding)),
                "no harm when answering; fine-tuning on it unlearns to end: set another");
    }
  }

  void check_against_known() const {
    const auto tokens = run_.subject.text().find_strings("tokenizer.ggml.tokens");
    if (!tokens.ok() || !*tokens) return;
    const VocabularyMatch match = match_vocabulary(**tokens);
    if (!match.known) return;
    // Tokens behind the shared ones are the fine-tuners' own.
    const auto foreign = [&](std::optional<int32_t> id, auto&& fits) {
      return id && static_cast<size_t>(*id) < match.known->n_tokens && !fits(name(id));
    };
    const auto is_end = [&](std::string_view token) {
      return std::ranges::find(match.known->ends, token) != std::end(match.known->ends);
    };
    if (const auto eos = role("eos"); foreign(eos, is_end)) {
      run_.fault(kName,
                 fmt::format("the end token is {}; models with the vocabulary of {} end with {}",
                             name(eos), match.known->name, match.known->ends[0]),
                 "get another conversion: answers of this one may never end");
    }
    const auto is_begin = [&](std::string_view token) {
      return match.known->bos.empty() || token == match.known->bos;
    };
    if (const auto bos = role("bos"); foreign(bos, is_begin)) {
      run_.warn(kName,
                fmt::format("texts begin with {}; those of {} begin with {}", name(bos),
                            match.known->name, match.known->bos),
                "compare with the original's tokenizer_config.json");
    }
  }

  const FidelityRun& run_;
  const Vocabulary& vocabulary_;
  std::string template_;
  bool is_sentencepiece_ = false;
};

void check(const FidelityRun& run) {
  if (!run.subject.tokenizer) return;
  const auto vocabulary = Vocabulary::read(run.subject.text(), run.subject.checkpoint->path());
  if (!vocabulary.ok()) return run.fault(kName, vocabulary.error().message, "");
  Examination(run, *vocabulary).run();
}

}  // namespace

OVERTAKE_ENTRY(FidelityCheck, fidelity_special_tokens) = {"special tokens", 60, check};

}  // namespace overtake
