#include "engine/speculation/draft_model.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>

namespace overtake {
namespace {

constexpr std::string_view kPaddingNames[] = {"pad", "unused", "reserved", "dummy"};

// Names of entries that only fill a matrix up to a round number of rows, as makers and converters
// call them: they stand in no text.
bool is_padding(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name.empty() || std::ranges::any_of(kPaddingNames, [&](std::string_view part) {
           return lower.find(part) != lower.npos;
         });
}

}  // namespace

std::optional<std::string> vocabulary_difference(const Tokenizer& target, const Tokenizer& draft) {
  const auto name = [](const Tokenizer& from, int32_t id) {
    return id < from.size() ? fmt::format("\"{}\"", from.token_name(id)) : "missing";
  };
  const int32_t n_both = std::min(target.size(), draft.size());
  for (int32_t id = 0; id < std::max(target.size(), draft.size()); ++id) {
    const bool same = id < n_both
                          ? target.token_name(id) == draft.token_name(id) &&
                                target.is_control(id) == draft.is_control(id) &&
                                target.token_bytes(id) == draft.token_bytes(id)
                          : is_padding((target.size() > n_both ? target : draft).token_name(id));
    if (same) continue;
    return fmt::format("token {} is {} in the model and {} in the draft model", id,
                       name(target, id), name(draft, id));
  }
  return std::nullopt;
}

bool verifies_guesses(const ModelInfo& info) {
  return info.recurrent_shape.n_layers == 0 && !info.length_dependent;
}

Status check_draft(const LocalModel& target, const LocalModel& draft) {
  if (!verifies_guesses(target.model().info())) {
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("a model with recurrent state or a rope that depends on the length can "
                    "not verify guesses; {}; leave the draft model out",
                    target.checkpoint().path())};
  }
  if (draft.model().info().recurrent_shape.n_layers > 0) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("a model with recurrent state can not take its guesses back; {}; give "
                             "a draft model of attention layers only",
                             draft.checkpoint().path())};
  }
  std::optional<std::string> difference;
  const int64_t a = target.model().info().vocab_size, b = draft.model().info().vocab_size;
  if (target.tokenizer() && draft.tokenizer()) {
    difference = vocabulary_difference(*target.tokenizer(), *draft.tokenizer());
  } else if (target.tokenizer() || draft.tokenizer() || a != b) {
    const auto facts = [](const LocalModel& model) {
      return fmt::format("{} tokens{}", model.model().info().vocab_size,
                         model.tokenizer() ? "" : " without names");
    };
    difference = fmt::format("the model has {}, the draft model {}", facts(target), facts(draft));
  }
  if (!difference) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("{}; {} and {}; give a draft model of the same vocabulary", *difference,
                           target.checkpoint().path(), draft.checkpoint().path())};
}

DraftModel::DraftModel(const LocalModel& model, int64_t max_pages)
    : model_(model),
      max_tokens_(
          std::min(model.model().info().context_length, model.model().info().max_positions)),
      pool_(model.model().info().kv_shape, max_pages),
      ops_(model.backend().make_ops()) {}

Tensor DraftModel::read(std::span<const Part> parts, Phase phase) {
  ids_.clear();
  positions_.clear();
  logit_rows_.clear();
  segments_.clear();
  for (const Part& part : parts) {
    const auto first = static_cast<int64_t>(ids_.size());
    const auto n = static_cast<int64_t>(part.ids.size());
    const int64_t begin = part.state->n_tokens();
    for (int64_t i = 0; i < n; ++i) {
      ids_.push_back(part.ids[static_cast<size_t>(i)]);
      positions_.push_back(begin + i);
      if (i >= n - part.n_logits) logit_rows_.push_back(static_cast<int32_t>(first + i));
    }
    segments_.push_back({part.state, first, n, begin + n, phase});
  }
  const Tensor logits =
      model_.model().forward(Batch{ids_, positions_, segments_, logit_rows_}, *ops_);
  for (const Segment& segment : segments_) segment.state->commit(segment.n_rows);
  return logits;
}

}  // namespace overtake
