// `overtake list`: the models in the store.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/model_summary.h"
#include "cli/terminal.h"

namespace overtake {
namespace {

Result<ModelSummary> read_summary(const ResolvedModel& model) {
  return summarize(*TRY(open_checkpoint(model.path)));
}

Json to_json(const ResolvedModel& model, const Result<ModelSummary>& summary) {
  Json json = {{"name", model.name}, {"path", model.path}};
  if (!summary.ok()) {
    json["error"] = summary.error().message;
    return json;
  }
  json["architecture"] = summary->model_type;
  json["bytes"] = summary->file_bytes;
  json["parameters"] = summary->n_parameters;
  json["quantization"] = summary->main_type();
  json["context_length"] = summary->context_length ? Json(*summary->context_length) : Json();
  return json;
}

void print_table(const std::vector<ResolvedModel>& models) {
  using enum Table::Align;
  const Colors colors = Colors::for_stream(stdout);
  const auto heading = [&](const char* text) {
    return fmt::format("{}{}{}", colors.dim, text, colors.reset);
  };
  Table table({kLeft, kLeft, kRight, kRight, kLeft, kRight});
  table.add({heading("NAME"), heading("ARCHITECTURE"), heading("PARAMETERS"), heading("SIZE"),
             heading("TYPE"), heading("CONTEXT")});
  std::string problems;
  for (const ResolvedModel& model : models) {
    const Result<ModelSummary> summary = read_summary(model);
    if (!summary.ok()) {
      table.add({model.name, fmt::format("{}unreadable{}", colors.red, colors.reset)});
      problems += fmt::format("overtake: {}\n", summary.error().message);
      continue;
    }
    table.add({fmt::format("{}{}{}", colors.bold, model.name, colors.reset),
               shortened(printable(summary->model_type), 24), human_count(summary->n_parameters),
               human_bytes(summary->file_bytes), summary->main_type(),
               summary->context_length ? std::to_string(*summary->context_length) : "?"});
  }
  fmt::print("{}", table.text());
  std::fflush(stdout);
  fmt::print(stderr, "{}", problems);
}

Result<int> run_list(bool as_json) {
  const std::vector<ResolvedModel> models = installed_models();
  if (as_json) {
    Json out = Json::array();
    for (const ResolvedModel& model : models) out.push_back(to_json(model, read_summary(model)));
    fmt::print("{}\n", dump_json(out, 2));
  } else if (models.empty()) {
    fmt::print("No model is installed in {}/models. `make run` fetches the default one, smollm2.\n",
               overtake_home());
  } else {
    print_table(models);
  }
  return kExitDone;
}

std::function<Result<int>()> setup_list(CommandLine& line) {
  auto as_json = std::make_shared<bool>(false);
  line.flag("--json", *as_json, "Print JSON");
  return [as_json] { return run_list(*as_json); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_list) = {"list", "Models in the store", 30, setup_list};

}  // namespace overtake
