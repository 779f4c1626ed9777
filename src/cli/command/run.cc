// `overtake run`: a chat in the terminal, or one answer in a pipe.
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "base/file.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/store.h"
#include "cli/answer_printer.h"
#include "cli/chat_session.h"
#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/kv_cache_option.h"
#include "cli/pull_screen.h"
#include "cli/standard_input.h"
#include "cli/terminal.h"
#include "engine/local_generator.h"
#include "provider/remote/upstreams.h"

namespace overtake {
namespace {

constexpr size_t kMaxInputBytes = 64u << 20;

struct Options {
  std::string model;
  std::string prompt;
  std::string draft;
  std::string kv_cache_type;
  std::string json_schema;
  std::string grammar;
  std::string regex;
  ChatOptions chat;
  int n_threads = 0;
  bool keep_packed = false;
  bool raw = false;
  bool speed = false;
  bool plain = false;
};

Result<int> answer_once(Generator& generator, const Options& options, std::string prompt) {
  GenerateRequest request = chat_request(options.chat, {text_message(Role::kUser, prompt)});
  if (options.raw) request.prompt = TextPrompt{std::move(prompt)};
  const InterruptGuard guard;
  const PrintedAnswer printed = TRY(print_answer(TRY(generator.generate(std::move(request)))));
  if (options.speed || (is_terminal(stderr) && is_terminal(stdout))) {
    const Colors colors = Colors::for_stream(stderr);
    fmt::print(stderr, "{}{}{}\n", colors.dim, speed_line(printed), colors.reset);
  }
  constexpr int kInterrupted = 130;  // as shells have it
  return printed.reason == FinishReason::kCancelled ? kInterrupted : kExitDone;
}

// The model's file. One that only the catalogue has is fetched, if the person at the terminal says
// so.
Result<ResolvedModel> find_model(const std::string& name) {
  Result<ResolvedModel> found = resolve_model(name);
  const std::string wanted = name.empty() ? std::string(kDefaultModel) : name;
  const CatalogEntry* entry = find_in_catalog(wanted);
  if (found.ok() || found.error().code != ErrorCode::kNotFound || !entry) return found;
  const std::string first = entry->quantizations.empty() ? "" : entry->quantizations[0];
  const std::string question = fmt::format(
      "{} is not installed. Fetch {}{}, licence {}?", entry->title,
      entry->bytes > 0 ? "" : "about ", human_bytes(entry->estimated_bytes(first)), entry->licence);
  if (!confirm(question)) return found;
  TRY(pull_with_screen({.model = entry->name}));
  return resolve_model(entry->name);
}

// The model, here or at an upstream. A file of that name goes first.
Result<std::shared_ptr<Generator>> open_model(const Options& options) {
  if (::access(options.model.c_str(), F_OK) != 0) {
    const auto upstreams = TRY(
        Upstreams::from(process_environment(), {.prices_file = overtake_home() + "/prices.json"}));
    if (auto remote = upstreams->find(options.model)) {
      if (options.draft.empty() && options.kv_cache_type.empty()) return remote;
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("only models on this machine take {}; {} with {}; leave it out",
                      options.draft.empty() ? "a type of keys and values" : "a draft model",
                      options.draft.empty() ? "--kv-cache-type" : "--draft", options.model)};
    }
  }
  const ResolvedModel model = TRY(find_model(options.model));
  LocalModelOptions local;
  local.path = model.path;
  local.name = model.name;
  local.n_threads = options.n_threads;
  local.kv_type = TRY(read_kv_cache_type(options.kv_cache_type));
  local.packed = options.keep_packed ? PackedCopies::kKeep : PackedCopies::kUse;
  local.speculation = options.plain ? Speculation::kNone : Speculation::kWhereFaster;
  if (!options.draft.empty()) local.draft_path = TRY(find_model(options.draft)).path;
  return make_local_generator(local);
}

// What the answer has to be like, by the one option that says so.
Result<OutputFormat> read_form(const Options& options) {
  constexpr uint64_t kMaxFormBytes = 1 << 20;
  const int n_forms =
      !options.json_schema.empty() + !options.grammar.empty() + !options.regex.empty();
  if (n_forms > 1) {
    return Error{ErrorCode::kInvalidArgument,
                 "an answer has one form; --json-schema, --grammar and --regex together; give one"};
  }
  OutputFormat out;
  if (!options.json_schema.empty()) {
    out.kind = OutputFormat::Kind::kJsonSchema;
    out.schema = TRY(read_file(options.json_schema, kMaxFormBytes));
  } else if (!options.grammar.empty()) {
    out.kind = OutputFormat::Kind::kGrammar;
    out.grammar = TRY(read_file(options.grammar, kMaxFormBytes));
  } else if (!options.regex.empty()) {
    out.kind = OutputFormat::Kind::kRegex;
    out.grammar = options.regex;
  }
  return out;
}

Result<int> run(Options options) {
  // A single argument that no model could be called is the prompt for the default model.
  if (options.prompt.empty() && options.model.find_first_of(" \n?") != std::string::npos) {
    std::swap(options.model, options.prompt);
  }
  const bool interactive = options.prompt.empty() && is_terminal(stdin);
  std::string prompt = options.prompt;
  if (!interactive && !is_terminal(stdin)) {
    const std::string piped = TRY(read_standard_input(kMaxInputBytes));
    if (!prompt.empty() && !trim(piped).empty()) prompt += "\n\n";
    prompt += piped;
  }
  if (!interactive && trim(prompt).empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "no prompt; standard input is empty and no PROMPT was given; "
                 "overtake run MODEL \"...\""};
  }
  options.chat.format = TRY(read_form(options));
  const auto generator = TRY(open_model(options));
  if (!interactive) return answer_once(*generator, options, std::move(prompt));
  const std::string home = overtake_home();
  const bool has_home = ::access(home.c_str(), W_OK) == 0;
  return ChatSession(*generator, options.chat).run(has_home ? home + "/history" : "");
}

std::function<Result<int>()> setup(CommandLine& line) {
  auto options = std::make_shared<Options>();
  SamplingParams& sampling = options->chat.sampling;
  line.add("MODEL", options->model,
           "Model: a name, a GGUF file, a safetensors folder, or a remote one: openai/gpt-4o");
  line.add("PROMPT", options->prompt,
           "Answer this and leave; text on standard input is added to it");
  line.add("--system", options->chat.system, "System prompt");
  line.add("--temperature", sampling.temperature, "0: always the most probable token");
  line.add("--top-k", sampling.top_k, "Draw from the k most probable tokens");
  line.add("--top-p", sampling.top_p, "Draw from the tokens that make up this probability");
  line.add("--min-p", sampling.min_p, "Drop tokens below this share of the best one's");
  line.add("--repetition-penalty", sampling.repetition_penalty, "Above 1: repeat less");
  line.add("--presence-penalty", sampling.presence_penalty, "-2 to 2");
  line.add("--frequency-penalty", sampling.frequency_penalty, "-2 to 2");
  line.add("--seed", sampling.seed, "Same seed, same text");
  line.add("--max-tokens", options->chat.max_tokens, "Longest answer").positive();
  line.add("--stop", options->chat.stop, "Text that ends the answer (may be repeated)");
  line.add("--json-schema", options->json_schema,
           "Every answer is JSON by the schema in this file");
  line.add("--grammar", options->grammar, "Every answer is of the GBNF grammar in this file");
  line.add("--regex", options->regex, "Every answer matches this regular expression as a whole");
  line.add("--draft", options->draft,
           "A smaller model of the same vocabulary that guesses ahead where that is faster");
  add_kv_cache_option(line, options->kv_cache_type);
  line.add("--threads", options->n_threads, "Threads; all processors if not given").range(1, 1024);
  line.flag("--keep-packed", options->keep_packed, kKeepPackedHelp);
  line.flag("--raw", options->raw, "Continue the prompt as it is, without the chat template");
  line.flag("--no-speculation", options->plain, "One token at a time, to measure by").hidden();
  line.flag("--speed", options->speed, "Print model, tokens, speed and cost to standard error");
  return [options] { return run(*options); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_run) = {"run", "Chat in the terminal, or answer once", 10, setup};

}  // namespace overtake
