#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <vector>

#include "cli/command.h"
#include "cli/terminal.h"

namespace overtake {

int run_command_line(int argc, char** argv) {
  CLI::App app{"Overtake runs open language models at the hardware's limit and serves them.",
               "overtake"};
  app.set_version_flag("--version", OVERTAKE_VERSION);
  app.require_subcommand(0, 1);

  std::vector<const Command*> commands(all_commands().begin(), all_commands().end());
  std::sort(commands.begin(), commands.end(),
            [](const Command* a, const Command* b) { return a->order < b->order; });
  std::function<Result<int>()> chosen;
  for (const Command* command : commands) {
    CLI::App* sub = app.add_subcommand(std::string(command->name), std::string(command->summary));
    CommandLine line(*sub);
    auto run = command->setup(line);
    sub->callback([&chosen, run] { chosen = run; });
  }

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForVersion& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    std::fprintf(stderr, "overtake: %s; command line; see `overtake --help`\n", e.what());
    return kExitUsage;
  }
  if (!chosen) {
    std::fputs(app.help().c_str(), stdout);
    return kExitDone;
  }
  const Result<int> result = chosen();
  if (result.ok()) return *result;
  // A message may quote a file; nothing in it may act on the terminal.
  std::fprintf(stderr, "overtake: %s\n", printable(result.error().message, true).c_str());
  return result.error().code == ErrorCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

}  // namespace overtake
