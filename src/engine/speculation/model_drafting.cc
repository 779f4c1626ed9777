#include "engine/speculation/model_drafting.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace overtake {
namespace {

// As DraftPlanner has it.
constexpr double kLeastGain = 1.05;
constexpr double kLeastEach = 0.97;
constexpr double kLeastChance = 0.05;
constexpr int64_t kMaxRounds = 15;
constexpr int64_t kRoundsAlways = 6;
// Beyond, rows of verification cost more than they bring.
constexpr size_t kMaxAnswers = 16;
// Tokens that are read along with a round; more are caught up with in a pass of many rows.
constexpr int64_t kFewRows = 8;
constexpr int64_t kChunk = 512;
// A guess needs some text before it.
constexpr int64_t kLeastWindow = 48;
constexpr int64_t kLookWindow = 96;
constexpr int64_t kFarBehind = 192;
// Of a text caught up with, so many of the answer's last tokens show what guesses would be worth.
constexpr int64_t kLookBack = 48;
constexpr int64_t kLeastToLookAt = 4;
// Steps between looks at what a draft model that does not pay would have guessed.
constexpr int64_t kFirstLookGap = 16;
constexpr int64_t kNewAnswerLookGap = 64;
constexpr int64_t kMostLookGap = 1024;
// Steps with guesses before it is trusted to pay from an answer's first token on.
constexpr int64_t kTrusted = 8;
// What a step takes without guesses has to be seen now and then: so many steps after so many.
constexpr int64_t kStepsBeforeRest = 512;
constexpr int64_t kRest = 9;
// Of a pass of one row, before it is known: what a row takes when many are read.
constexpr double kFirstRowShare = 0.1;

}  // namespace

ModelDrafting::ModelDrafting(const LocalModel& target, const LocalModel& draft, int64_t max_pages,
                             const StepCost& cost, bool always)
    : model_(draft, max_pages),
      cost_(cost),
      always_(always),
      target_vocab_(target.model().info().vocab_size),
      weight_ratio_(static_cast<double>(draft.model().info().weight_bytes) /
                    static_cast<double>(std::max<size_t>(1, target.model().info().weight_bytes))),
      look_gap_(kFirstLookGap) {}

void ModelDrafting::admit(ModelDraft& answer) {
  answer.share(rates_, model_.info().vocab_size);
  look_gap_ = std::min(look_gap_, kNewAnswerLookGap);
}

double ModelDrafting::pass_us(int64_t n_rows) const {
  const double known = pass_cost_.us(n_rows);
  return known > 0 ? known : cost_.us(1) * weight_ratio_ * pass_cost_.of(n_rows);
}

double ModelDrafting::row_us() const {
  return learned_row_us_ > 0 ? learned_row_us_ : pass_us(1) * kFirstRowShare;
}

// The target's steps alone have to be seen now and then.
bool ModelDrafting::rests() {
  if (rest_ == 0 && steps_drafted_ < kStepsBeforeRest) return false;
  if (rest_ == 0) rest_ = kRest;
  steps_drafted_ = 0;
  --rest_;
  return true;
}

// Whether the guesses by prompt lookup, which cost no pass, promise as much for this answer alone.
bool ModelDrafting::prefers_lookup(const DraftedAnswer& answer) const {
  const Drafter& drafter = *answer.drafter;
  if (drafter.draft().empty()) return false;
  const double mean = answer.drafter->model()->mean_chance();
  if (always_) return drafter.chance(1) >= mean;
  double of_lookup = 1, of_model = 1;
  double lookup_chance = 1, model_chance = 1, lookup_all = 1, model_all = 1;
  const auto n = static_cast<int64_t>(drafter.draft().size());
  for (int64_t m = 1; m <= kMaxRounds; ++m) {
    if (m <= n) lookup_all += lookup_chance *= drafter.chance(m);
    model_all += model_chance *= mean;
    const double step = cost_.of(1 + m);
    of_lookup = std::max(of_lookup, lookup_all / step);
    const double passes = static_cast<double>(m) * pass_us(1) / cost_.us(1);
    of_model = std::max(of_model, model_all / (step + passes));
  }
  return of_lookup >= of_model;
}

void ModelDrafting::choose_willing(std::span<const DraftedAnswer> answers) {
  willing_.clear();
  for (const DraftedAnswer& answer : answers) {
    ModelDraft* draft = answer.drafter->model();
    if (!draft || !draft->usable()) continue;
    // A text that a window of was read may be longer than all that the draft model can read.
    const int64_t length = draft->n_tokens() - draft->begin();
    const int64_t room = std::min(answer.most, model_.max_tokens() - length);
    if (room > 0 && !prefers_lookup(answer)) willing_.push_back({answer.drafter, draft, room});
  }
}

bool ModelDrafting::is_behind(const ModelDraft& draft) const {
  return !draft.started() || draft.n_unread() > kFewRows;
}

// Tokens a second as a multiple of those without guesses, where guesses bring `expected` to the
// willing answers; 0 where an answer would be slowed.
double ModelDrafting::gain(const std::vector<double>& expected, int64_t n_rows, double us) const {
  const double plain = cost_.us(n_answers_);
  const double slower = (cost_.us(n_answers_ + n_rows) + us) / plain;
  double all = 0;
  double least = expected.size() < static_cast<size_t>(n_answers_) ? 0 : INFINITY;
  for (const double tokens : expected) {
    all += tokens;
    least = std::min(least, tokens);
  }
  if ((1 + least) / slower < kLeastEach) return 0;
  return (1 + all / static_cast<double>(n_answers_)) / slower;
}

// The most that further rounds can bring. `surely`: if all guesses were right.
double ModelDrafting::best_gain(bool surely) {
  projected_.clear();
  chances_.clear();
  for (const Willing& one : willing_) {
    projected_.push_back(one.expected);
    chances_.push_back(one.chance);
  }
  double best = 0, us = round_us_;
  int64_t n_rows = n_guesses_;
  for (int64_t m = n_rounds_ + 1; m <= kMaxRounds; ++m) {
    int64_t n = 0;
    for (size_t i = 0; i < willing_.size(); ++i) {
      if (!willing_[i].goes_on || m > willing_[i].room) continue;
      chances_[i] *= surely ? 1 : willing_[i].draft->mean_chance();
      projected_[i] += chances_[i];
      ++n;
    }
    if (n == 0 || n_answers_ + n_rows + n > StepCost::kMaxRows) break;
    us += pass_us(n);
    n_rows += n;
    best = std::max(best, gain(projected_, n_rows, us));
  }
  return best;
}

Tensor ModelDrafting::read(std::span<const DraftModel::Part> parts, Phase phase) {
  const auto begin = std::chrono::steady_clock::now();
  const Tensor logits = model_.read(parts, phase);
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - begin;
  int64_t n_rows = 0;
  for (const auto& part : parts) n_rows += static_cast<int64_t>(part.ids.size());
  if (phase == Phase::kDecode) {
    pass_cost_.learn(n_rows, 0, time.count());
  } else if (n_rows >= kLeastWindow) {
    const double us = time.count() / static_cast<double>(n_rows);
    learned_row_us_ = learned_row_us_ == 0 ? us : 0.7 * learned_row_us_ + 0.3 * us;
  }
  spent_us_ += time.count();
  return logits;
}

// A row of logits over the target's vocabulary.
std::span<const float> ModelDrafting::fitted(std::span<const float> logits) {
  const auto n = static_cast<size_t>(target_vocab_);
  if (logits.size() >= n) return logits.first(n);
  fitted_.assign(n, -INFINITY);
  std::ranges::copy(logits, fitted_.begin());
  return fitted_;
}

// Reads all of the text but its last token, which the first round reads.
bool ModelDrafting::read_behind(ModelDraft& draft) {
  draft.begin_round();
  while (draft.n_unread() > 1) {
    const auto ids = draft.next_ids(std::min(kChunk, draft.n_unread() - 1));
    const auto n = static_cast<int64_t>(ids.size());
    const int64_t first = draft.n_tokens() - draft.n_unread();
    const int64_t n_answer = std::min(first + n - (draft.n_tokens() - draft.n_generated() - 1), n);
    const bool last = n == draft.n_unread() - 1;
    const int64_t n_logits = last ? std::clamp<int64_t>(n_answer, 0, kLookBack) : 0;
    if (!draft.state().reserve(n).ok()) {
      draft.give_up();
      return false;
    }
    const DraftModel::Part part{&draft.state(), ids, n_logits};
    const Tensor logits = read({&part, 1}, Phase::kPrefill);
    draft.has_read(n);
    for (int64_t i = 0; i < n_logits; ++i) {
      draft.look_back(first + n - n_logits + i, fitted(logits.row_span(i)));
    }
  }
  return true;
}

// Has the text's last `n_tokens` read; false where that costs more than may be spent.
bool ModelDrafting::begin_at(ModelDraft& draft, int64_t n_tokens) {
  if (!always_ && static_cast<double>(n_tokens) * row_us() > budget_.left() - spent_us_) {
    return false;
  }
  draft.restart(model_.pool(), draft.n_tokens() - n_tokens);
  return read_behind(draft);
}

// Brings the draft model's state to the end of the text: all of it where that may be spent, else
// what may.
bool ModelDrafting::catch_up(ModelDraft& draft) {
  const double left = budget_.left() - spent_us_;
  const auto costs = [&](int64_t n) { return static_cast<double>(n) * row_us(); };
  const int64_t n_tokens = draft.n_tokens();
  const bool fits = n_tokens + kMaxRounds <= model_.max_tokens();
  if (draft.started() && (draft.begin() == 0 || costs(n_tokens) * 2 > left || !fits)) {
    if (!is_behind(draft)) return true;
    if (always_ || costs(draft.n_unread()) <= left) return read_behind(draft);
  }
  if (fits && begin_at(draft, n_tokens)) return true;
  if (always_ || !draft.usable()) return false;
  const int64_t most = std::min(n_tokens, model_.max_tokens() / 2);
  const auto window = static_cast<int64_t>(0.7 * left / row_us());
  return window >= kLeastWindow && begin_at(draft, std::min(window, most));
}

void ModelDrafting::catch_up_all() {
  std::erase_if(willing_, [&](Willing& one) {
    const bool early = n_tried_ < kTrusted && one.draft->n_generated() < kLeastToLookAt;
    if (is_behind(*one.draft) && early && !always_) return true;
    return !catch_up(*one.draft);
  });
}

// Where guesses have not held, now and then what they would have been is compared with what came.
bool ModelDrafting::look() {
  if (steps_since_look_ < look_gap_ || best_gain(true) < kLeastGain) return false;
  for (const Willing& one : willing_) {
    ModelDraft& draft = *one.draft;
    if (draft.n_generated() < kLeastToLookAt) continue;
    const int64_t n = draft.n_tokens();
    bool looked = false;
    if (!draft.started() || draft.n_unread() > kFarBehind) {
      looked = begin_at(draft, n <= kFarBehind ? n : kLookWindow);
    } else if (static_cast<double>(draft.n_unread()) * row_us() <= budget_.left()) {
      looked = read_behind(draft);
    }
    if (!looked) continue;
    steps_since_look_ = 0;
    look_gap_ = std::min(look_gap_ * 2, kMostLookGap);
    return true;
  }
  return false;
}

bool ModelDrafting::goes_on() {
  bool any = false;
  for (Willing& one : willing_) {
    const double next = one.chance * one.draft->mean_chance();
    const bool likely = always_ || next >= kLeastChance;
    one.goes_on = one.goes_on && one.draft->usable() && n_rounds_ < one.room && likely;
    any = any || one.goes_on;
  }
  if (!any) return false;
  if (always_) return n_rounds_ < kRoundsAlways;
  projected_.clear();
  for (const Willing& one : willing_) projected_.push_back(one.expected);
  const double now = n_rounds_ == 0 ? 0 : gain(projected_, n_guesses_, round_us_);
  return best_gain(false) > std::max(now, kLeastGain);
}

// One more guess for each of those that go on.
void ModelDrafting::round() {
  parts_.clear();
  int64_t most_rows = 0;
  for (Willing& one : willing_) {
    if (!one.goes_on) continue;
    if (n_rounds_ == 0) one.draft->begin_round();
    const auto ids = one.draft->next_ids(kFewRows + 1);
    const auto n = static_cast<int64_t>(ids.size());
    if (!one.draft->state().reserve(n).ok()) {
      one.draft->give_up();
      one.goes_on = false;
      continue;
    }
    most_rows = std::max(most_rows, n);
    parts_.push_back({&one.draft->state(), ids, 1});
  }
  if (parts_.empty()) return;
  const double before = spent_us_;
  const Tensor logits = read(parts_, most_rows <= 4 ? Phase::kDecode : Phase::kPrefill);
  int64_t row = 0;
  for (Willing& one : willing_) {
    if (!one.goes_on) continue;
    if (n_rounds_ == 0) {
      one.draft->has_read(one.draft->n_unread());
    } else {
      one.draft->has_read_guess();
    }
    if (!one.draft->guess(fitted(logits.row_span(row++)))) {
      one.draft->give_up();
      continue;
    }
    one.chance *= one.draft->chance(n_rounds_ + 1);
    one.expected += one.chance;
    ++n_guesses_;
  }
  ++n_rounds_;
  round_us_ += spent_us_ - before;
}

void ModelDrafting::draft(std::span<const DraftedAnswer> answers) {
  willing_.clear();
  spent_us_ = round_us_ = 0;
  n_rounds_ = n_guesses_ = 0;
  n_answers_ = static_cast<int64_t>(answers.size());
  ++steps_since_look_;
  if (answers.empty() || answers.size() > kMaxAnswers) return;
  if (!always_ && (!cost_.ready() || budget_.left() < 0 || rests())) return;
  choose_willing(answers);
  if (willing_.empty()) return;
  if (!always_ && best_gain(false) < kLeastGain && !look()) return;
  if (always_ || best_gain(false) >= kLeastGain) {
    look_gap_ = kFirstLookGap;
    catch_up_all();
    while (goes_on()) round();
  }
  for (const Willing& one : willing_) {
    if (one.expected > 0 && one.draft->usable()) one.drafter->take_model_guesses();
  }
}

void ModelDrafting::settle(int64_t n_rows, double us, int64_t n_written) {
  const double plain = cost_.us(n_answers_);
  if (n_answers_ == 0 || plain == 0) return;
  budget_.earn(plain);
  if (idle()) return;
  double won = -spent_us_;
  if (n_rounds_ > 0) {
    ++n_tried_;
    ++steps_drafted_;
    // A step that another process held up is not the draft's doing.
    const double likely = std::min(us, 1.5 * cost_.us(std::min(n_rows, StepCost::kMaxRows)));
    won += plain * static_cast<double>(n_written) / static_cast<double>(n_answers_) - likely;
  }
  budget_.add(won, plain);
}

}  // namespace overtake
