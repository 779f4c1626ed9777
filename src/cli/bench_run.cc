#include "cli/bench_run.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "catalog/store.h"
#include "cli/machine.h"
#include "engine/engine_check.h"

namespace overtake {
namespace {

using Clock = std::chrono::steady_clock;
// Two pages and a rest: whole panels, and what is left of one.
constexpr int64_t kCheckTokens = 36;
constexpr int64_t kCheckAnswer = 8;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// One bench under way. Steps are the fill, a first run of each phase, and the repetitions.
class Bench {
 public:
  Bench(const BenchOptions& options, const BenchProgress& progress)
      : options_(options), progress_(progress) {}

  Result<BenchResult> run();

 private:
  Status load();
  Status check();
  Status warm_up();
  Status measure();
  BenchPhase weigh(int64_t n, const std::vector<SpeedSample>& samples, const Work& work);
  Result<SpeedSample> timed(bool prefill);
  void step(const std::string& what);

  const BenchOptions& options_;
  const BenchProgress& progress_;
  std::unique_ptr<LocalModel> model_;
  std::unique_ptr<SpeedTrial> trial_;
  BenchResult result_;
  std::vector<SpeedSample> prefills_, decodes_;
  double done_s_ = 0, total_s_ = -1;
};

void Bench::step(const std::string& what) {
  const bool known = total_s_ > 0;
  progress_(what, known ? std::min(done_s_ / total_s_, 1.0) : 0,
            known ? std::max(total_s_ - done_s_, 0.0) : -1);
}

Status Bench::load() {
  const ResolvedModel found = TRY(resolve_model(options_.model));
  step("loading " + found.name);
  const Clock::time_point start = Clock::now();
  model_ = TRY(LocalModel::load({.path = found.path,
                                 .name = found.name,
                                 .n_threads = options_.n_threads,
                                 .kv_type = options_.kv_type,
                                 .packed = PackedCopies::kUse}));
  result_.load_s = seconds_since(start);
  trial_ = TRY(SpeedTrial::make(*model_, options_.plan));
  const ModelInfo& info = model_->model().info();
  TRY(trial_->continue_greedily(random_tokens(info.vocab_size, kCheckAnswer, 1), 1));
  result_.first_token_s = seconds_since(start);
  result_.rest_bytes = read_process_memory().resident;
  result_.model = found.name;
  result_.arch = info.arch;
  result_.isa = model_->backend().name();
  result_.file_bytes = model_->checkpoint().file_bytes();
  result_.weight_bytes = info.weight_bytes;
  if (info.kv_shape.n_layers > 0) result_.kv_type = info.kv_shape.type;
  result_.n_threads = model_->pool().n_threads();
  result_.plan = options_.plan;
  result_.repeats = options_.repeats;
  return {};
}

Status Bench::check() {
  step("checking the result");
  const ModelInfo& info = model_->model().info();
  const int64_t n = std::min(kCheckTokens, info.max_positions);
  const auto ids = random_tokens(info.vocab_size, n, 2);
  const auto ops = model_->backend().make_ops();
  result_.check = TRY(check_engine(model_->model(), *ops, ids));
  const std::vector<int32_t> prompt(ids.begin(),
                                    ids.begin() + std::max<int64_t>(1, n - kCheckAnswer));
  const auto first = TRY(trial_->continue_greedily(prompt, kCheckAnswer));
  if (first.size() == kCheckAnswer &&
      first == TRY(trial_->continue_greedily(prompt, kCheckAnswer))) {
    return {};
  }
  return Error{ErrorCode::kInternal,
               "two greedy answers to one prompt differ; the engine's check before measuring; its "
               "speed would mean nothing: try another OVERTAKE_ISA, and report this"};
}

Result<SpeedSample> Bench::timed(bool prefill) {
  SpeedSample sample = TRY(prefill ? trial_->prefill() : trial_->decode());
  done_s_ += sample.seconds;
  return sample;
}

// What any phase of the plan asks for, once: memory is taken, clocks rise, and how long a
// repetition takes is known.
Status Bench::warm_up() {
  const SpeedPlan& plan = options_.plan;
  if (plan.depth > 0) {
    step(fmt::format("reading {} tokens for the depth", plan.depth * plan.n_sequences));
    TRY(trial_->fill());
  }
  step("warming up");
  if (plan.n_prompt > 0) TRY(timed(true));
  if (plan.n_decode > 0) TRY(timed(false));
  total_s_ = done_s_ * static_cast<double>(options_.repeats);
  done_s_ = 0;
  return {};
}

// Phases and limits in turns, so that all see the same weather.
Status Bench::measure() {
  const Isa isa = TRY(choose_isa());
  ThreadPool& pool = model_->pool();
  std::vector<InstructionPeak> peaks = measure_peaks(pool, isa, PeakSet::kBest);
  ReadMeter reading(pool, isa, weights_read(*model_));
  for (int64_t i = 0; i < options_.repeats; ++i) {
    const std::string turn = fmt::format("{} of {}", i + 1, options_.repeats);
    reading.run();
    step("prefill " + turn);
    if (options_.plan.n_prompt > 0) prefills_.push_back(TRY(timed(true)));
    step("decode " + turn);
    if (options_.plan.n_decode > 0) decodes_.push_back(TRY(timed(false)));
    reading.run();
  }
  result_.peak_bytes = read_process_memory().peak;
  for (const InstructionPeak& peak : measure_peaks(pool, isa, PeakSet::kBest)) {
    peaks.push_back(peak);
  }
  result_.limits = limits_of(std::move(peaks), reading.limit());
  return {};
}

BenchPhase Bench::weigh(int64_t n, const std::vector<SpeedSample>& samples, const Work& work) {
  BenchPhase phase = summarize_phase(n, samples);
  phase.work = work;
  phase.bound = bound_of(work, result_.limits);
  const double seconds = static_cast<double>(samples.back().n_tokens) / phase.median;
  phase.share = std::min(phase.bound.seconds / seconds, 1.0);
  return phase;
}

Result<BenchResult> Bench::run() {
  TRY(load());
  TRY(check());
  TRY(warm_up());
  TRY(measure());
  const SpeedPlan& plan = options_.plan;
  if (!prefills_.empty()) {
    const Work work = prefill_work(*model_, plan, prefills_.back().n_cached);
    result_.prefill = weigh(plan.n_prompt, prefills_, work);
  }
  if (!decodes_.empty()) {
    result_.decode = weigh(plan.n_decode, decodes_, decode_work(*model_, plan));
  }
  return std::move(result_);
}

}  // namespace

BenchPhase summarize_phase(int64_t n, const std::vector<SpeedSample>& samples) {
  BenchPhase out;
  out.n = n;
  out.n_cached = samples.back().n_cached;
  for (const SpeedSample& sample : samples) out.tokens_s.push_back(sample.tokens_s());
  std::vector<double> sorted = out.tokens_s;
  std::ranges::sort(sorted);
  const size_t middle = sorted.size() / 2;
  out.median = sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  out.spread = (sorted.back() - sorted.front()) / out.median;
  return out;
}

Result<BenchResult> run_bench(const BenchOptions& options, const BenchProgress& progress) {
  return Bench(options, progress).run();
}

}  // namespace overtake
