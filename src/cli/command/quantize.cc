// `overtake quantize`: a model in a fraction of its size, with as little error as its type allows.
#include "model/quantize/quantize.h"

#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

#include "base/file.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/model_summary.h"
#include "cli/signal_watch.h"
#include "cli/terminal.h"
#include "engine/calibrate.h"
#include "engine/reaction.h"
#include "model/convert.h"
#include "model/quantize/budget.h"
#include "model/quantize/imatrix_file.h"
#include "model/quantize/mix.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"
#include "token/tokenizer.h"

namespace overtake {
namespace {

struct Options {
  std::string model;
  std::string out;
  std::string type;
  std::optional<double> budget_gb;
  std::string imatrix;
  std::string calibrate;
  std::string imatrix_out;
  bool force = false;
};

constexpr uint64_t kMaxText = 1u << 30;

// What the whole run shares. The watch comes before the first thread.
struct Run {
  const Options& options;
  SignalWatch watch;
  std::atomic<bool> cancelled = false;
  ThreadPool pool{default_thread_count()};
  Isa isa = Isa::kScalar;

  Status check() const {
    if (!cancelled) return {};
    return Error{ErrorCode::kCancelled,
                 fmt::format("interrupted; {}; nothing was left there", options.out)};
  }
};

Result<Mix> find_type(const std::string& option) {
  if (const Mix* found = find_mix(option)) return *found;
  std::string known;
  for (const Mix& mix : mixes())
    known += fmt::format("{}{}", known.empty() ? "" : ", ", mix.option);
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("unknown type \"{}\"; --type; take one of {}", printable(option), known)};
}

// Decimal gigabytes, as bytes that are no more.
uint64_t budget_bytes(double gb) {
  constexpr double kMost = 1e18;
  return static_cast<uint64_t>(std::floor(std::min(gb * 1e9, kMost)));
}

Status check_target(const Options& options) {
  if (options.budget_gb && !(*options.budget_gb > 0)) {
    return Error{ErrorCode::kInvalidArgument,
                 "not a size; --budget-gb; give the most gigabytes that the file may have"};
  }
  if (options.budget_gb || !options.type.empty()) return {};
  return Error{ErrorCode::kInvalidArgument,
               "nothing says how small the file should be; overtake quantize; give --type or "
               "--budget-gb"};
}

// Whatever can be refused is, before minutes of work.
Status check_paths(const std::string& in, const Options& options) {
  std::error_code ignored;
  if (std::filesystem::equivalent(in, options.out, ignored)) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("IN and OUT are one file; {}; choose another name for OUT", options.out)};
  }
  for (const std::string& path : {options.out, options.imatrix_out}) {
    if (options.force || !std::filesystem::exists(path, ignored)) continue;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("the file exists already; {}; choose another name, or give --force to "
                             "replace it",
                             path)};
  }
  return {};
}

void warn_of_source(const Checkpoint& checkpoint) {
  const Result<ModelSummary> summary = summarize(checkpoint);
  if (!summary.ok()) return;
  const QuantType* type = find_quant_type(summary->main_type());
  if (!type || !type->integer) return;
  fmt::print(stderr,
             "warning: {} is quantized already ({}): its error stays and adds to the new one; a "
             "file of f32, f16 or bf16 gives a better model\n",
             printable(checkpoint.path()), type->name);
}

void print_losses(const std::vector<TensorLoss>& losses) {
  Table table({Table::Align::kLeft, Table::Align::kLeft, Table::Align::kRight, Table::Align::kRight,
               Table::Align::kRight});
  table.add({"tensor", "type", "numbers", "size", "error"});
  int64_t n_kept = 0;
  for (const TensorLoss& loss : losses) {
    if (loss.type->name == "F32") {
      ++n_kept;
      continue;
    }
    table.add({printable(loss.name), std::string(loss.type->name),
               human_count(static_cast<uint64_t>(loss.n_elements)),
               human_bytes(static_cast<uint64_t>(loss.type->row_bytes(loss.n_elements))),
               fmt::format("{:.3f} %", 100 * loss.relative())});
  }
  fmt::print("{}{} tensors stay F32\n", table.text(), n_kept);
}

std::function<Status(uint64_t, uint64_t)> progress(Run& run, const char* label) {
  auto bar = std::make_shared<std::unique_ptr<ProgressBar>>();
  return [&run, label, bar](uint64_t done, uint64_t total) {
    if (!*bar) *bar = std::make_unique<ProgressBar>(stderr, label, total);
    (*bar)->update(done);
    return run.check();
  };
}

// The text that --calibrate names, in tokens.
Result<std::vector<int32_t>> read_ids(const Checkpoint& checkpoint, const Options& options) {
  const auto tokenizer = TRY(Tokenizer::load(checkpoint));
  return tokenizer->encode_user(TRY(read_file(options.calibrate, kMaxText)));
}

// What the model's matrices see of the text.
Result<Importance> read_text(const Checkpoint& checkpoint, const GgufPlan& plan, Run& run) {
  const Options& options = run.options;
  const std::vector<int32_t> ids = TRY(read_ids(checkpoint, options));
  const auto backend = make_cpu_backend(run.pool, run.isa);
  CalibrationOptions settings;
  int64_t n_tokens = 0;
  const auto shown = progress(run, "Reading the text");
  settings.progress = [&](int64_t done, int64_t total) {
    n_tokens = total;
    // A token passes every byte of the weights.
    const uint64_t bytes = checkpoint.file_bytes();
    return shown(bytes * static_cast<uint64_t>(done), bytes * static_cast<uint64_t>(total));
  };
  Importance out = TRY(calibrate(checkpoint, plan, ids, *backend, settings));
  fmt::print("Read {} tokens of {}\n", n_tokens, printable(options.calibrate));
  if (!options.imatrix_out.empty()) {
    const int64_t n_chunks = std::max<int64_t>(1, n_tokens / settings.chunk);
    const ImatrixSource source{options.calibrate, n_chunks, n_tokens / n_chunks};
    TRY(write_imatrix(options.imatrix_out, out, source, options.force));
  }
  return out;
}

Result<Importance> find_importance(const Checkpoint& checkpoint, const GgufPlan& plan, Run& run) {
  const Options& options = run.options;
  if (!options.imatrix.empty()) {
    Importance out = TRY(read_imatrix(options.imatrix));
    size_t n_used = 0;
    for (const PlannedTensor& tensor : plan.tensors()) n_used += !out.of(tensor.name).empty();
    if (n_used > 0) return out;
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("none of its tensors is one of the model; {}; take the importance "
                             "matrix of this model",
                             options.imatrix)};
  }
  if (!options.calibrate.empty()) return read_text(checkpoint, plan, run);
  if (options.imatrix_out.empty()) return Importance();
  return Error{ErrorCode::kInvalidArgument,
               "nothing to keep; --imatrix-out; give a text with --calibrate"};
}

// Which tensor gets which type, and what the file is called after that.
struct Target {
  std::string name;
  std::vector<const QuantType*> types;
  int64_t file_type = 0;
};

// The mix that loses least of those that fit the budget.
Result<Target> fit_budget(const Checkpoint& checkpoint, const GgufPlan& plan,
                          const Importance& importance, Run& run) {
  const Options& options = run.options;
  SensitivityOptions settings{.importance = &importance, .isa = run.isa, .progress = {}};
  // Both bars count bytes, in proportion to what is done.
  const auto bytes_of = [&](uint64_t passes, auto shown) {
    return [passes, shown, bytes = checkpoint.file_bytes()](uint64_t done, uint64_t total) {
      return shown(bytes * passes / total * done, bytes * passes);
    };
  };
  settings.progress = bytes_of(1, progress(run, "Measuring errors"));
  std::vector<MatrixSensitivity> matrices =
      TRY(measure_errors(checkpoint, plan, settings, run.pool));
  const uint64_t budget = budget_bytes(*options.budget_gb);
  // A budget that cannot be kept is refused before the longest part of the work.
  BudgetMix mix = TRY(mix_within(plan, matrices, budget));
  if (!options.calibrate.empty()) {
    const auto backend = make_cpu_backend(run.pool, run.isa);
    ReactionOptions reaction{.pool = run.pool, .backend = *backend, .importance = &importance};
    reaction.isa = run.isa;
    reaction.progress = bytes_of(matrices.size(), progress(run, "Measuring reactions"));
    const std::vector<int32_t> ids = TRY(read_ids(checkpoint, options));
    TRY(measure_reactions(checkpoint, plan, ids, reaction, matrices));
    mix = TRY(mix_within(plan, matrices, budget));
  }
  return Target{fmt::format("a mix for {} GB", *options.budget_gb), std::move(mix.types),
                mix.file_type};
}

Result<Target> choose_target(const Checkpoint& checkpoint, const GgufPlan& plan,
                             const Importance& importance, Run& run) {
  if (run.options.budget_gb) return fit_budget(checkpoint, plan, importance, run);
  const Mix mix = TRY(find_type(run.options.type));
  return Target{std::string(mix.option), mixed_types(plan, mix), mix.file_type};
}

Result<int> run_quantize(const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  // Past a limit on file sizes, writing should fail and not end the process.
  std::signal(SIGXFSZ, SIG_IGN);
  Run run{.options = options};
  run.watch.start([&] { run.cancelled = true; });
  run.isa = TRY(choose_isa());
  TRY(check_target(options));
  if (!options.budget_gb) TRY(find_type(options.type));
  const auto checkpoint = TRY(open_checkpoint(TRY(resolve_model(options.model)).path));
  TRY(check_paths(checkpoint->path(), options));
  TRY(verify_model(*checkpoint));
  warn_of_source(*checkpoint);
  const GgufPlan plan = TRY(plan_gguf(*checkpoint));
  const Importance importance = TRY(find_importance(*checkpoint, plan, run));
  const Target target = TRY(choose_target(*checkpoint, plan, importance, run));
  const QuantizeOptions settings = {.types = target.types,
                                    .importance = &importance,
                                    .file_type = target.file_type,
                                    .overwrite = options.force,
                                    .isa = run.isa,
                                    .progress = progress(run, "Quantizing")};
  const std::vector<TensorLoss> losses =
      TRY(quantize_gguf(*checkpoint, plan, options.out, settings, run.pool));
  print_losses(losses);

  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const uint64_t bytes = TRY(MappedFile::open(options.out)).bytes().size();
  int64_t n_weights = 0;
  for (const TensorLoss& loss : losses) n_weights += loss.n_elements;
  fmt::print(
      "Wrote {}: {}, {}, {:.2f} bits a weight, in {} (from {})\n", printable(options.out),
      target.name, human_bytes(bytes),
      8.0 * static_cast<double>(bytes) / static_cast<double>(std::max<int64_t>(n_weights, 1)),
      human_duration(seconds), human_bytes(checkpoint->file_bytes()));
  return kExitDone;
}

std::function<Result<int>()> setup(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add("IN", options->model,
           "GGUF file or Hugging Face folder of f32, f16 or bf16 weights, or a model's name in the "
           "store")
      .required();
  line.add("OUT", options->out, "GGUF file to write").required();
  const Option type = line.add(
      "--type", options->type,
      "q8_0, q6_k, q5_k_m, q4_k_m, q4_k_s, q4_0, q3_k_m or iq4_xs: from large and exact to small; "
      "this or --budget-gb must be given");
  line.add(
          "--budget-gb", options->budget_gb,
          "The most that OUT may have, in decimal gigabytes (0.1: 100,000,000 bytes): every matrix "
          "gets the type with which the whole loses least, measured on its numbers, and with "
          "--calibrate on the model's answers too (it reads as many times 256 tokens as it has "
          "matrices)")
      .excludes(type);
  const Option imatrix =
      line.add("--imatrix", options->imatrix,
               "Importance matrix of this model, as llama-imatrix or --imatrix-out writes it: "
               "columns that matter more are kept more exactly");
  line.add("--calibrate", options->calibrate,
           "Text file: the model reads up to 16,384 tokens of it, and what reaches each matrix "
           "is its importance")
      .excludes(imatrix);
  line.add("--imatrix-out", options->imatrix_out, "Keep what --calibrate found in this file");
  line.flag("--force", options->force, "Replace OUT, and the file of --imatrix-out, if they exist");
  return [options] { return run_quantize(*options); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_quantize) = {"quantize", "Make a smaller GGUF file of a model", 46,
                                             setup};

}  // namespace overtake
