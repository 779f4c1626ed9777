// `overtake rm MODEL`: removes a model from the store.
#include <fmt/core.h>

#include <cstdio>
#include <memory>

#include "catalog/model_folder.h"
#include "catalog/packed_copies.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/confirm.h"
#include "cli/terminal.h"

namespace overtake {
namespace {

Result<int> run_rm(const std::string& name, bool yes) {
  ModelFolder folder = TRY(ModelFolder::open(name, false));
  const std::vector<std::string> names = folder.names();
  uint64_t bytes = 0;
  for (const std::string& each : names) bytes += folder.size_of(each).value_or(0);
  std::string what = fmt::format("{}: {} file{}, {}", folder.path(), names.size(),
                                 names.size() == 1 ? "" : "s", human_bytes(bytes));
  const std::vector<PackedCopyFile> copies = packed_copies_of(folder.path());
  if (!copies.empty()) {
    uint64_t packed = 0;
    for (const PackedCopyFile& copy : copies) packed += copy.bytes;
    what += fmt::format(", and {} packed cop{}, {}", copies.size(),
                        copies.size() == 1 ? "y" : "ies", human_bytes(packed));
  }
  if (!yes && !is_terminal(stdin)) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("nobody can be asked; {}; give --yes to remove it without a question", what)};
  }
  if (!yes && !confirm("Remove " + what + "?")) {
    fmt::print("Kept.\n");
    return kExitFailed;
  }
  TRY(folder.remove_all());
  remove_packed_copies(copies);
  fmt::print("Removed {}\n", what);
  return kExitDone;
}

std::function<Result<int>()> setup_rm(CommandLine& line) {
  struct Options {
    std::string model;
    bool yes = false;
  };
  auto options = std::make_shared<Options>();
  line.add("MODEL", options->model, "A name in the store, as `overtake list` has it").required();
  line.flag("--yes", options->yes, "Do not ask");
  return [options] { return run_rm(options->model, options->yes); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_rm) = {"rm", "Remove a model from the store", 32, setup_rm};

}  // namespace overtake
