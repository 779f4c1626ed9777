// `overtake serve`: models behind OpenAI's API and the chat page.
#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/kv_cache_option.h"
#include "cli/serve_config.h"
#include "cli/signal_watch.h"
#include "engine/local_generator.h"
#include "engine/null_generator.h"
#include "provider/remote/upstreams.h"
#include "server/reply.h"
#include "server/router.h"
#include "web/pages.h"

namespace overtake {
namespace {

// How long running answers may go on after the first signal.
constexpr int kDrainMs = 10'000;

struct ServeOptions {
  std::vector<std::string> models;
  std::string host = "127.0.0.1";
  uint16_t port = 8080;
  std::string config_path;
  std::string draft;
  std::string kv_cache_type;
  bool deterministic = false;
  bool keep_packed = false;
  bool plain = false;
};

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "::1" || host == "[::1]" || host.starts_with("127.");
}

// `draft`: the model that guesses ahead for this one; empty: none.
Result<std::shared_ptr<Generator>> load(const std::string& model, const std::string& draft,
                                        const ServeOptions& serving, Upstreams& upstreams) {
  std::shared_ptr<Generator> elsewhere;
  if (model == "null") {
    elsewhere = make_null_generator();
  } else if (::access(model.c_str(), F_OK) != 0) {
    elsewhere = upstreams.find(model);
  }
  if (elsewhere && draft.empty()) return elsewhere;
  if (elsewhere) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("only models on this machine take a draft model; --draft with {}; name "
                    "the model that it is for first",
                    model)};
  }
  const ResolvedModel resolved = TRY(resolve_model(model));
  LocalModelOptions options;
  options.path = resolved.path;
  options.name = resolved.name;
  options.deterministic = serving.deterministic;
  options.kv_type = TRY(read_kv_cache_type(serving.kv_cache_type));
  options.packed = serving.keep_packed ? PackedCopies::kKeep : PackedCopies::kUse;
  if (serving.plain) options.speculation = Speculation::kNone;
  if (!draft.empty()) options.draft_path = TRY(resolve_model(draft)).path;
  return make_local_generator(options);
}

Result<std::vector<std::shared_ptr<Generator>>> load_all(const ServeOptions& options,
                                                         Upstreams& upstreams) {
  std::vector<std::shared_ptr<Generator>> generators;
  for (const std::string& model : options.models) {
    const std::string draft = generators.empty() ? options.draft : "";
    auto generator = TRY(load(model, draft, options, upstreams));
    const std::string& name = generator->info().name;
    for (const auto& other : generators) {
      if (other->info().name != name) continue;
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("two models are called \"{}\"; {}; rename one of the files", name, model)};
    }
    generators.push_back(std::move(generator));
  }
  return generators;
}

void log_access(const AccessRecord& record) {
  log(LogLevel::kInfo,
      fmt::format("{} {} {} {:.1f} ms {} bytes{}{}{} id={}", record.method, record.path,
                  record.status, static_cast<double>(record.duration_us) * 1e-3, record.bytes,
                  record.complete ? "" : " client left", record.note.empty() ? "" : " ",
                  record.note, record.id));
}

// Every connection needs a descriptor; the soft limit is often 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void print_welcome(const ServerContext& context, const std::string& host, uint16_t port) {
  std::string names;
  for (const auto& generator : context.generators) {
    names += (names.empty() ? "" : ", ") + generator->info().name;
  }
  const bool bare_v6 = host.find(':') != host.npos && host.front() != '[';
  const std::string url = fmt::format("http://{}:{}", bare_v6 ? "[" + host + "]" : host, port);
  fmt::print(
      "Serving {} on {} (chat page and OpenAI API). Ctrl-C stops.\n\n"
      "  curl {}/v1/chat/completions -H 'Content-Type: application/json' \\\n"
      "    -d '{{\"model\": \"{}\", \"messages\": [{{\"role\": \"user\", \"content\": "
      "\"Hello!\"}}]}}'\n\n",
      names, url, url, context.generators.front()->info().name);
  std::fflush(stdout);
}

Result<int> serve(const ServeOptions& options) {
  if (!is_loopback(options.host)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("refusing to listen on {}; --host; there are no API keys yet, so only "
                             "this machine may be served: use 127.0.0.1",
                             options.host)};
  }
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  set_log_level(LogLevel::kInfo);
  SignalWatch signals;  // before the threads of models

  const auto context = std::make_shared<ServerContext>();
  HttpServerOptions http;
  http.host = options.host;
  http.port = options.port;
  http.on_done = log_access;
  http.error_body = refusal_body;
  http.error_headers = refusal_headers;
  // The port first: that it is taken should not show after a minute of loading.
  const auto server = TRY(HttpServer::listen(http, make_router(context)));
  context->pages = web_pages();
  context->allowed_hosts = hosts_of(options.host);
  context->upstreams = TRY(
      Upstreams::from(process_environment(), {.prices_file = overtake_home() + "/prices.json"}));
  context->generators = TRY(load_all(options, *context->upstreams));

  signals.start([&] {
    log(LogLevel::kInfo, "stopping: running answers may finish; a second signal stops at once");
    context->draining = true;
    server->stop(kDrainMs);
  });
  print_welcome(*context, options.host, server->port());
  server->run();
  return kExitDone;
}

std::function<Result<int>()> setup(CommandLine& line) {
  const auto given = std::make_shared<ServeOptions>();
  line.add("MODEL", given->models,
           "A model of the store, a GGUF file, a safetensors folder, a remote one "
           "(openai/gpt-4o), or \"null\"; the first is the default");
  const Option host = line.add("--host", given->host, "Address to listen on").shows_default();
  const Option port =
      line.add("--port", given->port, "Port to listen on; 0 takes any free one").shows_default();
  line.add("--config", given->config_path, "Settings (overtake.toml: host, port, models)");
  line.add(
      "--draft", given->draft,
      "A smaller model of the same vocabulary that guesses ahead for the first MODEL where that "
      "is faster");
  add_kv_cache_option(line, given->kv_cache_type);
  line.flag("--no-speculation", given->plain, "One token at a time, to measure by").hidden();
  line.flag("--keep-packed", given->keep_packed, kKeepPackedHelp);
  line.flag("--deterministic", given->deterministic,
            "The same text on every machine, at some cost of speed");
  return [given, host, port]() -> Result<int> {
    ServeOptions options = *given;
    if (!options.config_path.empty()) {
      const ServeConfig config = TRY(read_serve_config(options.config_path));
      if (!host.given()) options.host = config.host.value_or(options.host);
      if (!port.given()) options.port = config.port.value_or(options.port);
      if (options.models.empty()) options.models = config.models;
    }
    if (options.models.empty()) options.models.emplace_back();  // the default model
    return serve(options);
  };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_serve) = {"serve", "Serve models: OpenAI's API and a chat page", 2,
                                          setup};

}  // namespace overtake
