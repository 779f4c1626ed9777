// `overtake embed`: a text as a vector.
#include <fmt/core.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/standard_input.h"
#include "engine/local_generator.h"
#include "provider/remote/upstreams.h"
#include "wire/embed_call.h"

namespace overtake {
namespace {

constexpr size_t kMaxInputBytes = 64u << 20;

struct Options {
  std::string model;
  std::string text;
  bool has_text = false;
  std::optional<int64_t> dimensions;
  bool truncate = false;
  int n_threads = 0;
  bool as_json = false;
};

struct Embedded {
  EmbeddingEvent embedding;
  UsageEvent usage;
};

// The model, here or at an upstream. A file of that name goes first.
Result<std::shared_ptr<Generator>> open_model(const Options& options) {
  if (::access(options.model.c_str(), F_OK) != 0) {
    const auto upstreams = TRY(
        Upstreams::from(process_environment(), {.prices_file = overtake_home() + "/prices.json"}));
    if (auto remote = upstreams->find(options.model)) return remote;
  }
  const ResolvedModel model = TRY(resolve_model(options.model));
  return make_local_generator(
      {.path = model.path, .name = model.name, .n_threads = options.n_threads});
}

Result<Embedded> embed(Generator& generator, const Options& options, std::string text) {
  EmbedRequest request;
  request.inputs.push_back({TextPrompt{std::move(text)}});
  request.dimensions = options.dimensions;
  request.truncate = options.truncate;
  Answer answer = TRY(generator.embed(std::move(request)));
  Embedded out;
  for (;;) {
    Event event = answer->next();
    if (auto* embedding = std::get_if<EmbeddingEvent>(&event)) {
      out.embedding = std::move(*embedding);
    } else if (auto* usage = std::get_if<UsageEvent>(&event)) {
      out.usage = std::move(*usage);
    } else if (auto* failed = std::get_if<FailedEvent>(&event)) {
      return std::move(failed->error);
    } else if (std::holds_alternative<FinishedEvent>(event)) {
      return out;
    }
  }
}

void print(const Options& options, const GeneratorInfo& model, const Embedded& embedded) {
  const std::string values = wire::floats_json(embedded.embedding.values);
  if (!options.as_json) {
    std::string line = values.substr(1, values.size() - 2);
    for (char& c : line) c = c == ',' ? ' ' : c;
    fmt::print("{}\n", line);
    return;
  }
  std::string more;
  if (embedded.embedding.truncated) more += R"("truncated":true,)";
  if (const auto cost = embedded.usage.cost_nano_usd) {
    more += fmt::format(R"("cost_nano_usd":{},)", *cost);
  }
  fmt::print(R"({{"model":{},"dimensions":{},"prompt_tokens":{},{}"embedding":{}}})"
             "\n",
             dump_json(Json(model.name)), embedded.embedding.values.size(),
             embedded.usage.prompt_tokens, more, values);
}

Result<int> run(const Options& options) {
  const bool from_input = !options.has_text || options.text == "-";
  std::string text = from_input ? TRY(read_standard_input(kMaxInputBytes)) : options.text;
  if (text.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "no text; standard input is empty and no TEXT was given; "
                 "overtake embed MODEL \"...\""};
  }
  const auto generator = TRY(open_model(options));
  const Embedded embedded = TRY(embed(*generator, options, std::move(text)));
  print(options, generator->info(), embedded);
  return kExitDone;
}

std::function<Result<int>()> setup(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add("MODEL", options->model,
           "Model: a name, a GGUF file, a safetensors folder, or a remote one: "
           "openai/text-embedding-3-small")
      .required();
  const Option text = line.add("TEXT", options->text,
                               "The text, every byte of it; - or nothing: standard input. Put -- "
                               "before a text that begins with a dash");
  line.add("--dimensions", options->dimensions, "Keep so many of the vector's first numbers")
      .positive();
  line.flag("--truncate", options->truncate,
            "Leave out the end of a text that does not fit the model's context");
  line.add("--threads", options->n_threads, "Threads; all processors if not given").range(1, 1024);
  line.flag("--json", options->as_json, "Print JSON");
  return [options, text] {
    options->has_text = text.given();
    return run(*options);
  };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_embed) = {"embed", "A text as a vector", 42, setup};

}  // namespace overtake
