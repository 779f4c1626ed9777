// `overtake pull MODEL`: fetches a model into the store.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "cli/command.h"
#include "cli/pull_screen.h"
#include "cli/terminal.h"

namespace overtake {
namespace {

constexpr int kInterrupted = 130;  // as shells have it

Result<int> run_pull(const PullRequest& request, bool as_json) {
  const Result<PulledModel> pulled = pull_with_screen(request);
  if (!pulled.ok()) {
    if (pulled.error().code != ErrorCode::kCancelled) return pulled.error();
    fmt::print(stderr, "overtake: {}\n", pulled.error().message);
    return kInterrupted;
  }
  if (as_json) {
    const Json json = {{"name", pulled->name},       {"path", pulled->path},
                       {"bytes", pulled->bytes},     {"fetched_bytes", pulled->fetched_bytes},
                       {"licence", pulled->licence}, {"verified", pulled->all_published}};
    fmt::print("{}\n", dump_json(json, 2));
    return kExitDone;
  }
  fmt::print(
      "{}: {}, {}, licence {}\n", pulled->name, human_bytes(pulled->bytes),
      pulled->all_published ? "digests as published" : "no digest was published to check against",
      pulled->licence.empty() ? "unknown" : printable(pulled->licence));
  fmt::print("overtake run {}\n", pulled->name);
  return kExitDone;
}

std::function<Result<int>()> setup_pull(CommandLine& line) {
  struct Options {
    PullRequest request;
    bool as_json = false;
  };
  auto options = std::make_shared<Options>();
  line.add("MODEL", options->request.model,
           "A name of `overtake list --all`, hf:OWNER/REPO[:QUANTIZATION or FILE], or the https "
           "address of a .gguf file (default: smollm2)");
  line.add("--name", options->request.name, "What the store shall call it");
  line.flag("--quiet", options->request.quiet, "Show no progress");
  line.flag("--json", options->as_json, "Print JSON at the end");
  return [options] { return run_pull(options->request, options->as_json); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_pull) = {"pull", "Fetch a model into the store", 20, setup_pull};

}  // namespace overtake
