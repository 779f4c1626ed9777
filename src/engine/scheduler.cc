#include "engine/scheduler.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/time.h"
#include "engine/embed_reads.h"
#include "engine/speculation/draft_planner.h"

namespace overtake {
namespace {

// The state of a request that has ended, kept for the next one whose prompt begins alike: the next
// turn of a chat reads only what is new. Never crosses from one tenant to another.
struct KeptState {
  std::string tenant;
  std::vector<int32_t> ids;  // [state.n_tokens()]
  SequenceState state;
  std::optional<SequenceState> draft;  // the draft model's, of as many tokens or fewer
};

// What the memory for state is divided into. Recurrent state has one size a sequence, keys and
// values grow with it: where a model has both, recurrent state gets at most half.
struct StateBudget {
  int64_t pages = 0;
  int64_t slots = 0;
};

StateBudget divide(const ModelInfo& info, uint64_t bytes, const SchedulerOptions& options) {
  StateBudget out;
  const uint64_t slot_bytes = info.recurrent_shape.bytes();
  const bool pages = info.kv_shape.n_layers > 0;
  if (slot_bytes > 0) {
    // Each sequence that runs or is kept has its state and one checkpoint.
    const int64_t most = 2 * (options.max_sequences + options.max_kept);
    const uint64_t share = pages ? bytes / 2 : bytes;
    out.slots = std::clamp<int64_t>(static_cast<int64_t>(share / slot_bytes), 1, most);
    bytes -= std::min(bytes, static_cast<uint64_t>(out.slots) * slot_bytes);
  }
  if (pages) {
    // A draft model never holds more of a sequence than the model does: whoever was promised pages
    // of one may have as many of the other.
    size_t page_bytes = info.kv_shape.page_bytes();
    if (options.draft) page_bytes += options.draft->model().info().kv_shape.page_bytes();
    out.pages = std::max<int64_t>(1, static_cast<int64_t>(bytes / page_bytes));
  }
  return out;
}

StatePool make_pool(const ModelInfo& info, uint64_t bytes, const SchedulerOptions& options) {
  const StateBudget budget = divide(info, bytes, options);
  return StatePool(info.kv_shape, budget.pages, info.recurrent_shape, budget.slots);
}

}  // namespace

struct Scheduler::Impl {
  Impl(const LocalModel& model, uint64_t kv_bytes, SchedulerOptions options)
      : model(model),
        options(options),
        pool(make_pool(model.model().info(), kv_bytes, options)),
        ops(model.backend().make_ops()),
        planner(options.speculation == Speculation::kAlways),
        embeds(model.model().info().width, options.max_queued) {
    if (options.draft) planner.add_model(model, *options.draft, pool.max_pages());
  }

  void run();
  void step();
  void admit();
  std::optional<int64_t> pages_left_after(int64_t wanted) const;
  bool try_admit(Sequence& sequence);
  bool try_admit_embedding();
  void adopt_kept_state(Sequence& sequence);
  void make_room(int64_t pages_left, SequenceState& state);
  void take_slot(SequenceState& state);
  int64_t checkpoint_position(const Sequence& sequence) const;
  void drop_ended();
  void plan_drafts();
  bool build_batch();
  void add_rows(Sequence& sequence, int64_t n_rows);
  void take_results(const Tensor& logits);
  void retire(size_t index, bool keep);
  int64_t pages_for(int64_t n_tokens) const;
  int64_t pages_promised() const;

  const LocalModel& model;
  const SchedulerOptions options;
  StatePool pool;
  std::unique_ptr<Ops> ops;
  DraftPlanner planner;  // before what has state of its draft model

  std::mutex mutex;
  std::condition_variable work;
  std::deque<std::unique_ptr<Sequence>> queue;  // guarded by mutex
  bool stopping = false;                        // guarded by mutex

  // The scheduler thread's own.
  EmbedReads embeds;  // but for its submit()
  std::vector<std::unique_ptr<Sequence>> active;
  std::deque<KeptState> kept;  // the latest last
  std::vector<int32_t> batch_ids;
  std::vector<int64_t> batch_positions;
  std::vector<int32_t> logit_rows;
  std::vector<Segment> segments;
  std::vector<Sequence*> in_step;  // of each segment; embeddings' segments come after them
  struct Choice {
    Sequence* sequence;
    int64_t first_row;  // of the step's logits
    int64_t n_rows;
  };
  std::vector<Choice> choices;
  std::vector<DraftPlanner::Answer> answers;
  bool reads_prompts = false;  // in the step under way
  int64_t n_written = 0;       // tokens that it brought
  std::thread thread;
};

Scheduler::Scheduler(const LocalModel& model, uint64_t kv_bytes, SchedulerOptions options)
    : impl_(std::make_unique<Impl>(model, kv_bytes, options)) {
  impl_->thread = std::thread([this] { impl_->run(); });
}

Scheduler::~Scheduler() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->work.notify_all();
  impl_->thread.join();
}

int64_t Scheduler::max_tokens() const {
  const StatePool& pool = impl_->pool;
  return pool.shape().n_layers > 0 ? pool.max_pages() * kPageTokens : INT64_MAX;
}

Status Scheduler::submit(std::unique_ptr<Sequence> sequence) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping) {
      return Error{ErrorCode::kUnavailable, "the model is being unloaded; try again later"};
    }
    if (static_cast<int64_t>(impl_->queue.size()) >= impl_->options.max_queued) {
      return Error{ErrorCode::kExhausted,
                   "too many requests are waiting for this model; try again in a while"};
    }
    sequence->queued_at_us = now_us();
    impl_->queue.push_back(std::move(sequence));
  }
  impl_->work.notify_one();
  return {};
}

Status Scheduler::submit(std::shared_ptr<EmbedJob> job) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping) {
      return Error{ErrorCode::kUnavailable, "the model is being unloaded; try again later"};
    }
    TRY(impl_->embeds.submit(std::move(job)));
  }
  impl_->work.notify_one();
  return {};
}

void Scheduler::Impl::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex);
      work.wait(lock,
                [&] { return stopping || !queue.empty() || !active.empty() || embeds.any(); });
      if (stopping) break;
    }
    step();
  }
  const Error error{ErrorCode::kUnavailable, "the server is shutting down; try again elsewhere"};
  for (const auto& sequence : active) sequence->fail(error, true);
  active.clear();
  embeds.fail_all(error);
  const std::lock_guard lock(mutex);
  for (const auto& sequence : queue) sequence->fail(error, true);
  queue.clear();
}

void Scheduler::Impl::step() {
  drop_ended();
  embeds.begin_step(now_us());
  admit();
  plan_drafts();
  if (!build_batch()) return;
  const Batch batch{batch_ids, batch_positions, segments, logit_rows};
  const auto begin = std::chrono::steady_clock::now();
  const Tensor logits = model.model().forward(batch, *ops);
  const std::chrono::duration<double, std::micro> time = std::chrono::steady_clock::now() - begin;
  for (size_t i = 0; i < in_step.size(); ++i) {
    SequenceState& state = *segments[i].state;
    state.commit(segments[i].n_rows);
    // A checkpoint may fail for want of memory: then there is none.
    if (state.n_tokens() == checkpoint_position(*in_step[i])) (void)state.checkpoint().ok();
  }
  take_results(logits);
  if (!reads_prompts) planner.learn(batch.n_tokens(), time.count(), n_written);
  embeds.take_results(now_us());
}

// Recurrent state goes back only to where a copy of it was kept. One near the prompt's end serves
// the same prompt again and, where a chat's next turn is rendered otherwise, all turns before. 0
// for none.
int64_t Scheduler::Impl::checkpoint_position(const Sequence& sequence) const {
  constexpr int64_t kWorthKeeping = 128;  // tokens: it costs a step of its own
  const int64_t position = (sequence.n_prompt() - 1) / kPageTokens * kPageTokens;
  return pool.recurrent().max_slots() > 0 && position >= kWorthKeeping ? position : 0;
}

// Requests whose reader left or whose time is over.
void Scheduler::Impl::drop_ended() {
  const int64_t now = now_us();
  const auto over = [&](const Sequence& sequence) {
    return sequence.request().deadline_us && *sequence.request().deadline_us < now;
  };
  const Error late{ErrorCode::kDeadline,
                   "the request's deadline has passed; ask for less or allow more time"};
  for (size_t i = active.size(); i-- > 0;) {
    if (active[i]->stream()->cancelled()) {
      active[i]->finish(FinishReason::kCancelled, now);
      retire(i, true);
    } else if (over(*active[i])) {
      active[i]->fail(late, true);
      retire(i, true);
    }
  }
  const std::lock_guard lock(mutex);
  std::erase_if(queue, [&](const std::unique_ptr<Sequence>& sequence) {
    if (sequence->stream()->cancelled()) {
      sequence->admitted_at_us = now;
      sequence->finish(FinishReason::kCancelled, now);
      return true;
    }
    if (over(*sequence)) {
      sequence->fail(late, true);
      return true;
    }
    return false;
  });
}

int64_t Scheduler::Impl::pages_for(int64_t n_tokens) const {
  return pool.shape().n_layers > 0 ? (n_tokens + kPageTokens - 1) / kPageTokens : 0;
}

// Pages that running requests may come to hold: none of them can run out on the way.
int64_t Scheduler::Impl::pages_promised() const {
  int64_t pages = 0;
  for (const auto& sequence : active) {
    pages += pages_for(sequence->n_prompt() + sequence->max_new());
  }
  return pool.shape().n_layers > 0 ? pages + embeds.pages_promised() : pages;
}

// In order of arrival, whether it is an answer or an embedding that is wanted.
void Scheduler::Impl::admit() {
  for (;;) {
    const auto embed_arrival = embeds.next_arrival();
    std::unique_ptr<Sequence> next;
    {
      const std::lock_guard lock(mutex);
      const bool any = static_cast<int64_t>(active.size()) < options.max_sequences &&
                       !queue.empty() &&
                       (!embed_arrival || queue.front()->queued_at_us <= *embed_arrival);
      if (any && !try_admit(*queue.front())) return;
      if (any) {
        next = std::move(queue.front());
        queue.pop_front();
      }
    }
    if (!next) {
      if (!embed_arrival || !try_admit_embedding()) return;
      continue;
    }
    next->admitted_at_us = now_us();
    if (next->drafter()) planner.admit(*next->drafter());
    active.push_back(std::move(next));
  }
}

// Pages that nobody was promised once `wanted` more are; nothing where there is no room for one
// more sequence.
std::optional<int64_t> Scheduler::Impl::pages_left_after(int64_t wanted) const {
  const int64_t left = pool.max_pages() - pages_promised() - wanted;
  // Every running sequence holds its recurrent state from its admission on.
  const int64_t slots = pool.recurrent().max_slots();
  const int64_t n_running = static_cast<int64_t>(active.size()) + embeds.n_active();
  if (left < 0 || (slots > 0 && n_running >= slots)) return std::nullopt;
  return left;
}

// Gives `sequence` a state if its pages can be promised; kept states make room, the oldest first.
bool Scheduler::Impl::try_admit(Sequence& sequence) {
  const auto left = pages_left_after(pages_for(sequence.n_prompt() + sequence.max_new()));
  if (!left) return false;
  adopt_kept_state(sequence);
  make_room(*left, *sequence.state);
  return true;
}

// The same for the next input of embeddings, which has to be read from its beginning.
bool Scheduler::Impl::try_admit_embedding() {
  const auto left = pages_left_after(pages_for(embeds.next_length()));
  if (!left) return false;
  SequenceState state(pool);
  make_room(*left, state);
  embeds.begin_next(std::move(state), now_us());
  return true;
}

void Scheduler::Impl::make_room(int64_t pages_left, SequenceState& state) {
  const auto kept_pages = [&] {
    int64_t pages = 0;
    for (const KeptState& entry : kept) pages += pages_for(entry.state.n_tokens());
    return pages;
  };
  while (!kept.empty() && kept_pages() > pages_left) kept.pop_front();
  if (pool.recurrent().max_slots() > 0) take_slot(state);
}

// What is only kept for its use later makes room: states of ended requests, then checkpoints.
void Scheduler::Impl::take_slot(SequenceState& state) {
  while (!state.reserve(1).ok() && !kept.empty()) kept.pop_front();
  if (state.reserve(1).ok()) return;
  state.drop_checkpoints();
  for (const auto& other : active) other->state->drop_checkpoints();
  // If it is the system that has no memory, the first step's reserve() says so.
  (void)state.reserve(1).ok();
}

void Scheduler::Impl::adopt_kept_state(Sequence& sequence) {
  // At least one token is read, so that there are logits; those of prompt tokens need all read.
  const int64_t most = sequence.request().prompt_logprobs ? 0 : sequence.n_prompt() - 1;
  int64_t best_length = kPageTokens - 1;  // shorter ones are not worth their keeping
  auto best = kept.end();
  for (auto entry = kept.begin(); entry != kept.end(); ++entry) {
    if (entry->tenant != sequence.request().principal.tenant) continue;
    const auto& a = entry->ids;
    const auto& b = sequence.ids();
    const int64_t limit = std::min<int64_t>(static_cast<int64_t>(a.size()), most);
    int64_t length = 0;
    while (length < limit && a[length] == b[length]) ++length;
    length = entry->state.restorable(length);
    if (length > best_length) {
      best_length = length;
      best = entry;
    }
  }
  if (best == kept.end()) {
    sequence.state.emplace(pool);
    return;
  }
  sequence.state.emplace(std::move(best->state));
  sequence.state->truncate(best_length);
  sequence.n_cached = best_length;
  if (best->draft && sequence.drafter() && sequence.drafter()->model()) {
    best->draft->truncate(std::min(best->draft->n_tokens(), best_length));
    sequence.drafter()->model()->adopt(std::move(*best->draft));
  }
  kept.erase(best);
}

// What the answers being written may go on with: tokens that are read beside their last one.
void Scheduler::Impl::plan_drafts() {
  answers.clear();
  bool reading = embeds.n_active() > 0;
  for (const auto& sequence : active) {
    reading = reading || sequence->n_generated() == 0;
    if (sequence->n_generated() == 0 || !sequence->drafter()) continue;
    // With each guess that is right comes one more token: the last is never a guess.
    const int64_t left = sequence->max_new() - sequence->n_generated();
    answers.push_back({sequence->drafter(), left - 1});
  }
  planner.plan(answers, !reading);
}

// Rows of `sequence` from the first id that it has not read, its draft behind them.
void Scheduler::Impl::add_rows(Sequence& sequence, int64_t n_rows) {
  const int64_t first_row = static_cast<int64_t>(batch_ids.size());
  const int64_t begin = sequence.state->n_tokens();
  const int64_t n_ids = static_cast<int64_t>(sequence.ids().size());
  for (int64_t i = begin; i < begin + n_rows; ++i) {
    batch_ids.push_back(i < n_ids ? sequence.ids()[i] : sequence.draft()[i - n_ids]);
    batch_positions.push_back(i);
    const bool chooses = i + 1 >= n_ids;
    if (chooses || (sequence.request().prompt_logprobs && i < sequence.n_prompt())) {
      logit_rows.push_back(static_cast<int32_t>(first_row + i - begin));
    }
  }
  const Phase phase = sequence.n_generated() == 0 ? Phase::kPrefill : Phase::kDecode;
  const int64_t rope_span = std::max(n_ids, begin + n_rows);
  segments.push_back({&*sequence.state, first_row, n_rows, rope_span, phase});
  sequence.rows_in_step = n_rows;
  in_step.push_back(&sequence);
}

// A row for every answer and its draft's, then prompts in order of arrival while the budget lasts.
bool Scheduler::Impl::build_batch() {
  batch_ids.clear();
  batch_positions.clear();
  logit_rows.clear();
  segments.clear();
  in_step.clear();
  reads_prompts = false;
  const bool busy = std::any_of(active.begin(), active.end(),
                                [](const auto& sequence) { return sequence->n_generated() > 0; });
  int64_t budget = busy ? options.prefill_rows_busy : options.prefill_rows;
  // Prompts go first, so that a list of texts holds no chat up, but do not take all.
  const int64_t for_embeddings = embeds.n_active() > 0 ? budget / 4 : 0;
  budget -= for_embeddings;
  for (size_t i = 0; i < active.size(); ++i) {
    Sequence& sequence = *active[i];
    int64_t n_rows = sequence.n_unread();
    if (sequence.n_generated() == 0) {
      // Every row of a prompt with log probabilities has logits: fewer rows keep them small.
      n_rows = std::min(n_rows, sequence.request().prompt_logprobs ? budget / 8 : budget);
      const int64_t to_checkpoint = checkpoint_position(sequence) - sequence.state->n_tokens();
      if (to_checkpoint > 0) n_rows = std::min(n_rows, to_checkpoint);
      budget -= n_rows;
      reads_prompts = reads_prompts || n_rows > 0;
    } else {
      n_rows += static_cast<int64_t>(sequence.draft().size());
    }
    if (n_rows == 0) continue;
    if (auto reserved = sequence.state->reserve(n_rows); !reserved.ok()) {
      sequence.fail(std::move(reserved).error(), true);
      retire(i--, false);
      continue;
    }
    add_rows(sequence, n_rows);
  }
  embeds.add_rows(budget + for_embeddings, {batch_ids, batch_positions, segments});
  reads_prompts = reads_prompts || segments.size() > in_step.size();
  return !segments.empty();
}

void Scheduler::Impl::take_results(const Tensor& logits) {
  // Prompt log probabilities first, in order; then each sequence's next token, side by side.
  choices.clear();
  int64_t row = 0;
  for (size_t s = 0; s < in_step.size(); ++s) {
    const Segment& segment = segments[s];
    const int64_t n_ids = static_cast<int64_t>(in_step[s]->ids().size());
    while (row < logits.rows && logit_rows[row] < segment.first_row + segment.n_rows) {
      const int64_t position = batch_positions[logit_rows[row]];
      if (in_step[s]->request().prompt_logprobs) {
        in_step[s]->take_prompt_logits(position, logits.row_span(row));
      }
      if (position + 1 == n_ids) choices.push_back({in_step[s], row, 0});
      if (position + 1 >= n_ids) ++choices.back().n_rows;
      ++row;
    }
  }
  model.pool().parallel_for(static_cast<int>(choices.size()), [&](int i) {
    const Choice& choice = choices[i];
    choice.sequence->choose(
        {logits.row(choice.first_row), choice.n_rows, logits.cols, logits.stride});
  });
  const int64_t now = now_us();
  n_written = 0;
  for (const Choice& choice : choices) {
    n_written -= choice.sequence->n_generated();
    const bool ended = choice.sequence->advance(now);
    n_written += choice.sequence->n_generated();
    if (choice.n_rows > 1) {  // what was read of guesses that were wrong is forgotten
      const auto n_ids = static_cast<int64_t>(choice.sequence->ids().size());
      choice.sequence->state->truncate(std::min(n_ids - 1, choice.sequence->n_confirmed()));
    }
    if (!ended) continue;
    const auto place = std::find_if(active.begin(), active.end(), [&](const auto& sequence) {
      return sequence.get() == choice.sequence;
    });
    retire(static_cast<size_t>(place - active.begin()), true);
  }
}

void Scheduler::Impl::retire(size_t index, bool keep) {
  Sequence& sequence = *active[index];
  int64_t n_kept = sequence.state ? sequence.state->n_tokens() : 0;
  if (model.backend().phases_differ()) {
    // In the next turn's prompt the answer is read like the rest of it, so that a hit changes
    // nothing.
    n_kept = n_kept > 0 ? sequence.state->restorable(std::min(n_kept, sequence.n_prompt())) : 0;
  }
  if (keep && n_kept >= kPageTokens && !model.model().info().length_dependent) {
    auto ids = sequence.ids();
    ids.resize(static_cast<size_t>(n_kept));
    sequence.state->truncate(n_kept);
    ModelDraft* draft = sequence.drafter() ? sequence.drafter()->model() : nullptr;
    kept.push_back({sequence.request().principal.tenant, std::move(ids), std::move(*sequence.state),
                    draft ? draft->release(n_kept) : std::optional<SequenceState>()});
    if (static_cast<int64_t>(kept.size()) > options.max_kept) kept.pop_front();
  }
  active.erase(active.begin() + static_cast<ptrdiff_t>(index));
}

}  // namespace overtake
