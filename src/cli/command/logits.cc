// `overtake logits`: what a model computes for a list of token ids, at every position.
#include <charconv>
#include <filesystem>
#include <map>
#include <memory>

#include "base/file.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/kv_cache_option.h"
#include "engine/trace.h"
#include "format/checkpoint.h"
#include "format/safetensors.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"

namespace overtake {
namespace {

struct Options {
  std::string model;
  std::string ids;
  std::string ids_file;
  std::string out;
  std::string kv_cache_type;
  int64_t chunk = 512;
  bool hidden = false;
};

// Numbers between commas or white space.
Result<std::vector<int32_t>> parse_ids(std::string_view text, const std::string& where) {
  std::vector<int32_t> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    while (at < end && (*at == ',' || *at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
      ++at;
    if (at == end) break;
    int32_t id = 0;
    const auto [next, problem] = std::from_chars(at, end, id);
    if (problem != std::errc()) {
      return Error{ErrorCode::kInvalidArgument,
                   "not a token id: \"" + std::string(at, std::min(end, at + 20)) + "\"; " + where +
                       "; give numbers with commas between them"};
    }
    out.push_back(id);
    at = next;
  }
  if (out.empty()) {
    return Error{ErrorCode::kInvalidArgument, "no token ids; " + where + "; give at least one"};
  }
  return out;
}

void append(Tensor rows, std::vector<float>& to) {
  for (int64_t i = 0; i < rows.rows; ++i) to.insert(to.end(), rows.row(i), rows.row(i) + rows.cols);
}

Result<int> run(const Options& options) {
  const std::vector<int32_t> ids =
      options.ids_file.empty()
          ? TRY(parse_ids(options.ids, "--ids"))
          : TRY(parse_ids(TRY(read_file(options.ids_file, 64u << 20)), options.ids_file));
  const auto checkpoint = TRY(open_checkpoint(TRY(resolve_model(options.model)).path));
  ThreadPool pool(default_thread_count());
  const auto backend = make_cpu_backend(pool, TRY(choose_isa()));
  const auto model = TRY(load_model(*checkpoint, *backend));
  if (const auto type = TRY(read_kv_cache_type(options.kv_cache_type))) model->set_kv_type(*type);
  const auto ops = backend->make_ops();

  std::vector<float> logits;
  std::map<int, std::vector<float>> hidden;
  TraceOptions trace{.chunk = options.chunk};
  if (options.hidden) {
    trace.hidden = [&](int k, int64_t, Tensor rows) { append(rows, hidden[k]); };
  }
  TRY(trace_prompt(*model, *ops, ids, [&](int64_t, Tensor rows) { append(rows, logits); }, trace));

  const int64_t n = static_cast<int64_t>(ids.size());
  std::vector<SafetensorsOutput> tensors = {{"logits", {n, model->info().vocab_size}, logits}};
  for (const auto& [k, values] : hidden) {
    tensors.push_back({"hidden." + std::to_string(k), {n, model->info().width}, values});
  }
  TRY(write_safetensors(options.out, tensors));
  return kExitDone;
}

std::function<Result<int>()> setup(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add("MODEL", options->model, "Model: a name, a GGUF file or a safetensors folder")
      .required();
  Option ids = line.add("--ids", options->ids, "Token ids: 1,2,3");
  const Option file = line.add("--ids-file", options->ids_file, "File with token ids");
  ids.excludes(file);
  line.add("--out", options->out, "safetensors file to write: logits [n_tokens, vocab]").required();
  line.flag("--hidden", options->hidden, "Also write hidden.K [n_tokens, width] of every layer");
  add_kv_cache_option(line, options->kv_cache_type);
  line.add("--chunk", options->chunk, "Tokens a step; the result does not depend on it")
      .range(1, 1 << 16);
  return [options] { return run(*options); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_logits) = {"logits", "Write a model's logits for a list of ids", 60,
                                           setup};

}  // namespace overtake
