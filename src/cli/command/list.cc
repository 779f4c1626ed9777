// `overtake list`: the models in the store, and with --all those that pull knows by name.
#include <fmt/core.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/packed_copies.h"
#include "catalog/pull_record.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/model_summary.h"
#include "cli/terminal.h"
#include "provider/remote/upstreams.h"

namespace overtake {
namespace {

// What the model's file says, and where that is silent on its licence, what pull or the catalogue
// know.
Result<ModelSummary> read_summary(const ResolvedModel& model) {
  ModelSummary summary = TRY(summarize(*TRY(open_checkpoint(model.path))));
  const auto record = read_pull_record(model.path);
  if (summary.licence.empty() && record.ok() && *record) summary.licence = (*record)->licence;
  const CatalogEntry* entry = find_in_catalog(model.name);
  if (summary.licence.empty() && entry) summary.licence = entry->licence;
  return summary;
}

// On disk beside the model.
uint64_t packed_bytes(const ResolvedModel& model) {
  uint64_t bytes = 0;
  for (const PackedCopyFile& copy : packed_copies_of(model.path)) bytes += copy.bytes;
  return bytes;
}

Json to_json(const ResolvedModel& model, const Result<ModelSummary>& summary) {
  Json json = {{"name", model.name}, {"path", model.path}};
  if (!summary.ok()) {
    json["error"] = summary.error().message;
    return json;
  }
  json["architecture"] = summary->model_type;
  json["bytes"] = summary->file_bytes;
  json["packed_bytes"] = packed_bytes(model);
  json["parameters"] = summary->n_parameters;
  json["quantization"] = summary->main_type();
  json["context_length"] = summary->context_length ? Json(*summary->context_length) : Json();
  json["licence"] = summary->licence.empty() ? Json() : Json(summary->licence);
  return json;
}

std::string first_quantization(const CatalogEntry& entry) {
  return entry.quantizations.empty() ? "" : entry.quantizations[0];
}

Json to_json(const CatalogEntry& entry) {
  return {{"name", entry.name},
          {"title", entry.title},
          {"architecture", entry.family},
          {"parameters", entry.n_parameters},
          {"context_length", entry.context_length > 0 ? Json(entry.context_length) : Json()},
          {"licence", entry.licence},
          {"source", "hf:" + entry.repo},
          {"original", entry.original},
          {"quantizations", entry.quantizations},
          {"gated", entry.gated},
          {"bytes", entry.bytes > 0 ? Json(entry.bytes) : Json()},
          {"estimated_bytes", entry.estimated_bytes(first_quantization(entry))},
          {"sha256", entry.sha256.empty() ? Json("from the hub") : Json(entry.sha256)},
          {"installed", false}};
}

bool is_installed(const std::vector<ResolvedModel>& models, const CatalogEntry& entry) {
  return std::ranges::find(models, entry.name, &ResolvedModel::name) != models.end();
}

void print_catalog(const std::vector<ResolvedModel>& models) {
  using enum Table::Align;
  const Colors colors = Colors::for_stream(stdout);
  Table table({kLeft, kLeft, kRight, kLeft, kRight, kLeft});
  for (const CatalogEntry& entry : catalog()) {
    if (is_installed(models, entry)) continue;
    std::string kinds;
    for (const std::string& each : entry.quantizations) kinds += (kinds.empty() ? "" : " ") + each;
    const std::string first = first_quantization(entry);
    table.add({fmt::format("{}{}{}", colors.bold, entry.name, colors.reset), entry.title,
               (entry.bytes > 0 ? "" : "~") + human_bytes(entry.estimated_bytes(first)),
               kinds.empty() ? "BF16" : kinds,
               entry.context_length > 0 ? std::to_string(entry.context_length) : "any",
               entry.licence + (entry.gated ? " (gated)" : "")});
  }
  fmt::print("\nTo be fetched with `overtake pull NAME[:QUANTIZATION]`:\n\n{}", table.text());
}

std::string size_text(const ResolvedModel& model, const ModelSummary& summary) {
  const uint64_t packed = packed_bytes(model);
  return human_bytes(summary.file_bytes) +
         (packed > 0 ? fmt::format(" + {} packed", human_bytes(packed)) : "");
}

void print_table(const std::vector<ResolvedModel>& models) {
  using enum Table::Align;
  const Colors colors = Colors::for_stream(stdout);
  const auto heading = [&](const char* text) {
    return fmt::format("{}{}{}", colors.dim, text, colors.reset);
  };
  Table table({kLeft, kLeft, kRight, kRight, kLeft, kRight, kLeft});
  table.add({heading("NAME"), heading("ARCHITECTURE"), heading("PARAMETERS"), heading("SIZE"),
             heading("TYPE"), heading("CONTEXT"), heading("LICENCE")});
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
               size_text(model, *summary), summary->main_type(),
               summary->context_length ? std::to_string(*summary->context_length) : "?",
               summary->licence.empty() ? "?" : shortened(printable(summary->licence), 30)});
  }
  fmt::print("{}", table.text());
  std::fflush(stdout);
  fmt::print(stderr, "{}", problems);
}

void print_json(const std::vector<ResolvedModel>& models, bool all) {
  Json out = Json::array();
  for (const ResolvedModel& model : models) {
    out.push_back(to_json(model, read_summary(model)));
    if (all) out.back()["installed"] = true;
  }
  for (const CatalogEntry& entry : catalog()) {
    if (all && !is_installed(models, entry)) out.push_back(to_json(entry));
  }
  fmt::print("{}\n", dump_json(out, 2));
}

// Nano-USD a token as USD a million tokens.
double usd_a_million(int64_t nano) { return static_cast<double>(nano) / 1e3; }

Json to_json(const TokenPrices& prices) {
  return {{"input", usd_a_million(prices.input)},
          {"cached_input", usd_a_million(prices.cached_input)},
          {"cache_write", usd_a_million(prices.cache_write)},
          {"output", usd_a_million(prices.output)}};
}

// As in prices.json.
Json to_json(const ModelPrices& prices) {
  Json json = to_json(prices.tokens);
  if (prices.long_prompt_above > 0) {
    json["long_prompt"] = to_json(prices.long_prompt);
    json["long_prompt"]["above"] = prices.long_prompt_above;
  }
  json["as_of"] = prices.as_of;
  return json;
}

void add_remote(const std::string& name, const std::optional<ModelPrices>& prices, Table* table) {
  if (!prices) return table->add({name});
  const Colors colors = Colors::for_stream(stdout);
  const std::string more = prices->long_prompt_above > 0
                               ? fmt::format(", up to {} of prompt", prices->long_prompt_above)
                               : "";
  table->add({name, fmt::format("${} in", usd_a_million(prices->tokens.input)),
              fmt::format("${} out", usd_a_million(prices->tokens.output)),
              fmt::format("{}USD a million tokens{}, prices of {}{}", colors.dim, more,
                          prices->as_of, colors.reset)});
}

// Asks every upstream that has a key or a URL. One that fails does not hide the others.
Result<int> list_remote(bool as_json) {
  const auto upstreams = TRY(
      Upstreams::from(process_environment(), {.prices_file = overtake_home() + "/prices.json"}));
  Json out = Json::array();
  Table table(
      {Table::Align::kLeft, Table::Align::kRight, Table::Align::kRight, Table::Align::kLeft});
  int n_asked = 0, n_failed = 0;
  for (const auto& upstream : upstreams->all()) {
    if (!upstream->given) continue;
    ++n_asked;
    const auto models = upstreams->list(*upstream);
    if (!models.ok()) {
      ++n_failed;
      fmt::print(stderr, "overtake: {}\n", models.error().message);
      continue;
    }
    for (const std::string& model : *models) {
      const std::string name = upstream->name + "/" + printable(model);
      const auto generator = upstreams->find(upstream->name + "/" + model);
      const auto prices = generator ? generator->info().prices : std::nullopt;
      add_remote(name, prices, &table);
      out.push_back({{"name", name}, {"upstream", upstream->name}});
      if (prices) out.back()["prices"] = to_json(*prices);
    }
  }
  if (!as_json) fmt::print("{}", table.text());
  if (as_json) fmt::print("{}\n", dump_json(out, 2));
  if (n_asked == 0) {
    fmt::print(stderr,
               "No upstream is configured. Set OPENAI_API_KEY, or OVERTAKE_UPSTREAM_NAME_URL for a "
               "server that speaks OpenAI's API.\n");
  }
  return n_failed > 0 ? kExitFailed : kExitDone;
}

Result<int> run_list(bool all, bool as_json) {
  const std::vector<ResolvedModel> models = installed_models();
  if (as_json) {
    print_json(models, all);
    return kExitDone;
  }
  if (models.empty()) {
    fmt::print(
        "No model is installed in {}/models. `overtake pull` fetches the default one, "
        "smollm2.\n",
        overtake_home());
  } else {
    print_table(models);
  }
  if (all) print_catalog(models);
  return kExitDone;
}

std::function<Result<int>()> setup_list(CommandLine& line) {
  struct Options {
    bool all = false;
    bool as_json = false;
    bool remote = false;
  };
  auto options = std::make_shared<Options>();
  line.flag("--all", options->all, "Also the models that `overtake pull` knows by name");
  line.flag("--remote", options->remote, "The models of the configured upstreams instead");
  line.flag("--json", options->as_json, "Print JSON");
  return [options] {
    if (options->remote) return list_remote(options->as_json);
    return run_list(options->all, options->as_json);
  };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_list) = {"list", "Models in the store", 30, setup_list};

}  // namespace overtake
