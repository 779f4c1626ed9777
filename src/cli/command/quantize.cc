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
#include "engine/calibrate.h"
#include "model/convert.h"
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

Result<Mix> choose_mix(const std::string& option) {
  if (const Mix* found = find_mix(option)) return *found;
  std::string known;
  for (const Mix& mix : mixes())
    known += fmt::format("{}{}", known.empty() ? "" : ", ", mix.option);
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("unknown type \"{}\"; --type; take one of {}", printable(option), known)};
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

// What the model's matrices see of the text that --calibrate names.
Result<Importance> read_text(const Checkpoint& checkpoint, const GgufPlan& plan, Run& run) {
  const Options& options = run.options;
  const auto tokenizer = TRY(Tokenizer::load(checkpoint));
  std::vector<int32_t> ids = tokenizer->encode_user(TRY(read_file(options.calibrate, kMaxText)));
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

Result<int> run_quantize(const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  // Past a limit on file sizes, writing should fail and not end the process.
  std::signal(SIGXFSZ, SIG_IGN);
  Run run{.options = options};
  run.watch.start([&] { run.cancelled = true; });
  run.isa = TRY(choose_isa());
  const Mix mix = TRY(choose_mix(options.type));
  const auto checkpoint = TRY(open_checkpoint(TRY(resolve_model(options.model)).path));
  TRY(check_paths(checkpoint->path(), options));
  TRY(verify_model(*checkpoint));
  warn_of_source(*checkpoint);
  const GgufPlan plan = TRY(plan_gguf(*checkpoint));
  const Importance importance = TRY(find_importance(*checkpoint, plan, run));
  const std::vector<const QuantType*> types = mixed_types(plan, mix);
  const QuantizeOptions settings = {.types = types,
                                    .importance = &importance,
                                    .file_type = mix.file_type,
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
