// `overtake quantize`: a model in a fraction of its size, with as little error as its type allows.
#include "model/quantize/quantize.h"

#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/file.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/model_summary.h"
#include "cli/signal_watch.h"
#include "cli/terminal.h"
#include "model/convert.h"
#include "model/quantize/mix.h"
#include "parallel/thread_pool.h"

namespace overtake {
namespace {

struct Options {
  std::string model;
  std::string out;
  std::string type;
  bool force = false;
};

Result<Mix> choose_mix(const std::string& option) {
  if (const Mix* found = find_mix(option)) return *found;
  std::string known;
  for (const Mix& mix : mixes())
    known += fmt::format("{}{}", known.empty() ? "" : ", ", mix.option);
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("unknown type \"{}\"; --type; take one of {}", printable(option), known)};
}

Status check_paths(const std::string& in, const std::string& out) {
  std::error_code ignored;
  if (!std::filesystem::equivalent(in, out, ignored)) return {};
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("IN and OUT are one file; {}; choose another name for OUT", out)};
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

Result<std::vector<TensorLoss>> quantize_with_progress(const Checkpoint& checkpoint,
                                                       const GgufPlan& plan, const Options& options,
                                                       QuantizeOptions settings) {
  // Past a limit on file sizes, writing should fail and not end the process.
  std::signal(SIGXFSZ, SIG_IGN);
  SignalWatch watch;
  std::atomic<bool> cancelled = false;
  watch.start([&] { cancelled = true; });
  ThreadPool pool(default_thread_count());
  std::unique_ptr<ProgressBar> bar;
  settings.overwrite = options.force;
  settings.isa = TRY(choose_isa());
  settings.progress = [&](uint64_t done, uint64_t total) -> Status {
    if (!bar) bar = std::make_unique<ProgressBar>(stderr, "Quantizing", total);
    bar->update(done);
    if (!cancelled) return {};
    return Error{ErrorCode::kCancelled,
                 fmt::format("interrupted; {}; nothing was left there", options.out)};
  };
  return quantize_gguf(checkpoint, plan, options.out, settings, pool);
}

Result<int> run_quantize(const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  const Mix mix = TRY(choose_mix(options.type));
  const auto checkpoint = TRY(open_checkpoint(TRY(resolve_model(options.model)).path));
  TRY(check_paths(checkpoint->path(), options.out));
  TRY(verify_model(*checkpoint));
  warn_of_source(*checkpoint);
  const GgufPlan plan = TRY(plan_gguf(*checkpoint));
  const std::vector<const QuantType*> types = mixed_types(plan, mix);
  const std::vector<TensorLoss> losses = TRY(quantize_with_progress(
      *checkpoint, plan, options, {.types = types, .file_type = mix.file_type}));
  print_losses(losses);

  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const uint64_t bytes = TRY(MappedFile::open(options.out)).bytes().size();
  int64_t n_weights = 0;
  for (const TensorLoss& loss : losses) n_weights += loss.n_elements;
  fmt::print(
      "Wrote {}: {}, {}, {:.2f} bits a weight, in {} (from {})\n", printable(options.out),
      mix.option, human_bytes(bytes),
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
  line.add("--type", options->type,
           "q8_0, q6_k, q5_k_m, q4_k_m, q4_k_s, q4_0, q3_k_m or iq4_xs: from large and exact to "
           "small")
      .required();
  line.flag("--force", options->force, "Replace OUT if it exists");
  return [options] { return run_quantize(*options); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_quantize) = {"quantize", "Make a smaller GGUF file of a model", 46,
                                             setup};

}  // namespace overtake
