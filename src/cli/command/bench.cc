// `overtake bench`: how fast a model runs here, beside what this machine could do at most.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "catalog/store.h"
#include "cli/bench_report.h"
#include "cli/command.h"
#include "cli/kv_cache_option.h"
#include "format/checkpoint.h"

namespace overtake {
namespace {

struct Options {
  BenchOptions bench;
  std::string kv_cache_type;
  bool json = false;
  bool limits = false;
};

// One line on standard error while a person waits.
class ProgressLine {
 public:
  ~ProgressLine() { clear(); }
  void show(const std::string& what, double share, double seconds_left) {
    if (!is_terminal(stderr)) return;
    constexpr int kWidth = 24;
    std::string line = printable(what);
    if (seconds_left >= 0) {
      line += "  ";
      for (int i = 0; i < kWidth; ++i) line += i < share * kWidth ? "█" : "░";
      line += fmt::format("  {} left", human_duration(seconds_left));
    }
    fmt::print(stderr, "\r\x1b[K{}", shortened(line, terminal_width(stderr) - 1));
    std::fflush(stderr);
    drawn_ = true;
  }
  void clear() {
    if (drawn_) fmt::print(stderr, "\r\x1b[K");
    drawn_ = false;
  }

 private:
  bool drawn_ = false;
};

Result<int> run_limits(const Options& options, ProgressLine& progress) {
  uint64_t read_bytes = uint64_t{1} << 30;  // more than nearly all caches
  if (!options.bench.model.empty()) {
    const ResolvedModel found = TRY(resolve_model(options.bench.model));
    read_bytes = TRY(open_checkpoint(found.path))->file_bytes();
  }
  const Isa isa = TRY(choose_isa());
  ThreadPool pool(options.bench.n_threads > 0 ? options.bench.n_threads : default_thread_count());
  progress.show("measuring the machine's limits", 0, -1);
  const ReadLimit read = TRY(measure_read(pool, isa, read_bytes));
  const MachineLimits limits = limits_of(measure_peaks(pool, isa, PeakSet::kAll), read);
  progress.clear();
  if (options.json) {
    const Json json = limits_json(limits, std::string(isa_name(isa)), pool.n_threads());
    fmt::print("{}\n", dump_json(json, 2));
  } else {
    fmt::print("{}", limits_text(limits, pool.n_threads(), Colors::for_stream(stdout)));
  }
  return kExitDone;
}

Result<int> run(const Options& options) {
  ProgressLine progress;
  if (options.limits) return run_limits(options, progress);
  const SpeedPlan& plan = options.bench.plan;
  if (plan.n_prompt == 0 && plan.n_decode == 0) {
    return Error{ErrorCode::kInvalidArgument,
                 "nothing to measure; -p 0 and -n 0; give tokens to one of them"};
  }
  BenchOptions bench = options.bench;
  bench.kv_type = TRY(read_kv_cache_type(options.kv_cache_type));
  const BenchResult result =
      TRY(run_bench(bench, [&](const std::string& what, double share, double left) {
        progress.show(what, share, left);
      }));
  progress.clear();
  if (options.json) {
    fmt::print("{}\n", dump_json(bench_json(result), 2));
  } else {
    fmt::print("{}", bench_text(result, Colors::for_stream(stdout)));
  }
  return kExitDone;
}

std::function<Result<int>()> setup(CommandLine& line) {
  auto options = std::make_shared<Options>();
  BenchOptions& bench = options->bench;
  constexpr int64_t kMost = 1 << 24;
  line.add("MODEL", bench.model, "Model: a name, a GGUF file or a safetensors folder");
  line.add("-p,--prompt", bench.plan.n_prompt, "Tokens to read; 0: measure no prefill")
      .range(0, kMost)
      .shows_default();
  line.add("-n,--new", bench.plan.n_decode, "Tokens to write; 0: measure no decode")
      .range(0, kMost)
      .shows_default();
  line.add("-d,--depth", bench.plan.depth, "Tokens that stand before them").range(0, kMost);
  line.add("--batch", bench.plan.n_sequences, "Sequences at once; speeds are of all together")
      .range(1, 1024);
  line.add("--repeats", bench.repeats, "Repetitions of each; the median counts")
      .range(1, 1000)
      .shows_default();
  line.add("--threads", bench.n_threads, "Threads; all processors if not given").range(1, 1024);
  add_kv_cache_option(line, options->kv_cache_type);
  line.flag("--limits", options->limits,
            "Only the machine's limits: what each instruction set multiplies, how fast memory of "
            "MODEL's size (else 1 GiB) is read");
  line.flag("--json", options->json, "One JSON object instead of the table");
  return [options] { return run(*options); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_bench) = {
    "bench", "Measure a model's speed beside the machine's limits", 55, setup};

}  // namespace overtake
