// `overtake convert`: a Hugging Face folder becomes one GGUF file, or a GGUF file one of another
// type.
#include "model/convert.h"

#include <fmt/core.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>

#include "base/file.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/model_summary.h"
#include "cli/signal_watch.h"
#include "cli/terminal.h"
#include "parallel/thread_pool.h"

namespace overtake {
namespace {

struct Options {
  std::string model;
  std::string out;
  std::string type;
  bool force = false;
};

// The type in which most of the weights are stored: the file loses nothing then.
std::string stored_type(const Checkpoint& checkpoint) {
  const Result<ModelSummary> summary = summarize(checkpoint);
  for (const ConvertType& type : convert_types()) {
    if (summary.ok() && summary->main_type() == type.type) return std::string(type.option);
  }
  return "f16";
}

Result<ConvertType> find_type(const std::string& option) {
  std::string known;
  for (const ConvertType& type : convert_types()) {
    if (type.option == option) return type;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", type.option);
  }
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("unknown type \"{}\"; --type; take one of {}", printable(option), known)};
}

// What a person should know of the file that nobody would see otherwise.
void print_notes(const GgufPlan& plan) {
  const auto tokenizer = plan.metadata().find_string("tokenizer.ggml.model");
  if (tokenizer.ok() && *tokenizer == "no_vocab") {
    fmt::print(stderr,
               "note: the folder has no tokenizer, so the file has none: it computes with token "
               "ids (logits, bench), not with text\n");
  }
  const std::vector<std::string> left_out = plan.left_out();
  if (left_out.empty()) return;
  fmt::print(stderr, "note: {} tensor{} that the model does not use left out: {}{}\n",
             left_out.size(), left_out.size() == 1 ? "" : "s", printable(left_out.front()),
             left_out.size() == 1 ? "" : ", ...");
}

Status write_with_progress(const Checkpoint& checkpoint, const GgufPlan& plan,
                           const Options& options, ConvertType type) {
  // Past a limit on file sizes, writing should fail and not end the process.
  std::signal(SIGXFSZ, SIG_IGN);
  SignalWatch watch;
  std::atomic<bool> cancelled = false;
  watch.start([&] { cancelled = true; });
  ThreadPool pool(default_thread_count());
  std::unique_ptr<ProgressBar> bar;
  GgufWriteOptions write{.file_type = type.file_type,
                         .quantized = find_quant_type(type.type)->block > 1,
                         .overwrite = options.force,
                         .progress = {}};
  write.progress = [&](uint64_t done, uint64_t total) -> Status {
    if (!bar) bar = std::make_unique<ProgressBar>(stderr, "Converting", total);
    bar->update(done);
    if (!cancelled) return {};
    return Error{ErrorCode::kCancelled,
                 fmt::format("interrupted; {}; nothing was left there", options.out)};
  };
  const std::vector<TensorForm> forms = convert_forms(plan, type);
  return write_gguf(checkpoint, {plan, forms, options.out}, write, pool);
}

Result<int> run_convert(Options options) {
  const auto begin = std::chrono::steady_clock::now();
  const auto checkpoint = TRY(open_checkpoint(TRY(resolve_model(options.model)).path));
  if (options.type.empty()) options.type = stored_type(*checkpoint);
  const ConvertType type = TRY(find_type(options.type));
  TRY(verify_model(*checkpoint));
  const GgufPlan plan = TRY(plan_gguf(*checkpoint));
  TRY(write_with_progress(*checkpoint, plan, options, type));

  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const uint64_t bytes = TRY(MappedFile::open(options.out)).bytes().size();
  fmt::print("Wrote {}: {} tensors, {}, {} in {} ({}/s)\n", printable(options.out),
             plan.tensors().size(), type.type, human_bytes(bytes), human_duration(seconds),
             human_bytes(static_cast<uint64_t>(static_cast<double>(bytes) / seconds)));
  print_notes(plan);
  return kExitDone;
}

std::function<Result<int>()> setup(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add("HF_DIR", options->model,
           "Folder with config.json and *.safetensors (or a GGUF file, for another type), or a "
           "model's name in the store")
      .required();
  line.add("OUT", options->out, "GGUF file to write").required();
  line.add("--type", options->type,
           "Type of the matrices: f32, f16, bf16 or q8_0 (default: as they are stored). Norms and "
           "biases stay f32");
  line.flag("--force", options->force, "Replace OUT if it exists");
  return [options] { return run_convert(*options); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_convert) = {
    "convert", "Make one GGUF file of a Hugging Face folder", 45, setup};

}  // namespace overtake
