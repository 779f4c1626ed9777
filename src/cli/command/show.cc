// `overtake show MODEL`: what is in a model file, and what it takes to run it.
#include <fmt/core.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "catalog/catalog.h"
#include "catalog/pull_record.h"
#include "catalog/store.h"
#include "cli/command.h"
#include "cli/kv_cache_option.h"
#include "cli/model_summary.h"
#include "cli/terminal.h"
#include "model/limits.h"
#include "token/hf_tokenizer.h"

namespace overtake {
namespace {

// How much of the model's context, and how many at once, memory is told for.
struct Load {
  int64_t context = 0;  // 0: the model's own
  int64_t users = 1;
};

struct Shown {
  ResolvedModel model;
  ModelSummary summary;
  Result<ModelInfo> info;  // an error where this program can not run the model
  std::string chat_template;
  std::string source;  // where it was pulled from, or ""
  Load load;

  int64_t context() const { return load.context > 0 ? load.context : info->context_length; }
  uint64_t state_bytes_of_all() const {
    return state_bytes(*info, context()) * static_cast<uint64_t>(load.users);
  }
};

Json optional_json(const std::optional<int64_t>& value) { return value ? Json(*value) : Json(); }

Json to_json(const Shown& shown) {
  const ModelSummary& s = shown.summary;
  Json json = {{"name", shown.model.name},
               {"path", shown.model.path},
               {"format", s.format},
               {"title", s.title},
               {"architecture", s.model_type},
               {"parameters", s.n_parameters},
               {"bytes", s.file_bytes},
               {"licence", s.licence.empty() ? Json() : Json(s.licence)},
               {"context_length", optional_json(s.context_length)},
               {"n_heads", optional_json(s.n_heads)},
               {"ffn_width", optional_json(s.ffn_width)},
               {"tokenizer", s.tokenizer.empty() ? Json() : Json(s.tokenizer)},
               {"n_tokens", optional_json(s.n_tokens)},
               {"chat_template", s.has_chat_template},
               {"chat_template_text", s.has_chat_template ? Json(shown.chat_template) : Json()},
               {"source", shown.source.empty() ? Json() : Json(shown.source)},
               {"runs", shown.info.ok()}};
  json["types"] = Json::array();
  for (const TypeShare& share : s.types) {
    json["types"].push_back({{"type", share.type},
                             {"tensors", share.n_tensors},
                             {"parameters", share.n_elements},
                             {"bytes", share.bytes}});
  }
  if (!shown.info.ok()) {
    json["error"] = shown.info.error().message;
    return json;
  }
  const ModelInfo& info = *shown.info;
  json["vocab_size"] = info.vocab_size;
  json["width"] = info.width;
  json["n_layers"] = info.n_layers;
  json["n_kv_heads"] = info.kv_shape.n_kv_heads;
  json["head_dim"] = info.kv_shape.head_dim;
  const bool keeps = info.kv_shape.n_layers > 0;
  json["memory"] = {{"weight_bytes", info.weight_bytes},
                    {"kv_cache_type", keeps ? Json(kv_type_name(info.kv_shape.type)) : Json()},
                    {"kv_bytes_per_token", kv_bytes(info.kv_shape, kPageTokens) / kPageTokens},
                    {"kv_bytes_at_context", kv_bytes(info.kv_shape, info.context_length)},
                    {"recurrent_bytes", info.recurrent_shape.bytes()},
                    {"context", shown.context()},
                    {"users", shown.load.users},
                    {"state_bytes", shown.state_bytes_of_all()},
                    {"total_bytes", info.weight_bytes + shown.state_bytes_of_all()}};
  return json;
}

// "Q4_1  211 tensors  134 M parameters  84.1 MB", a line a type.
std::string types_text(const ModelSummary& summary) {
  using enum Table::Align;
  Table table({kLeft, kRight, kRight, kRight});
  for (const TypeShare& share : summary.types) {
    table.add(
        {share.type, fmt::format("{} tensor{}", share.n_tensors, share.n_tensors == 1 ? "" : "s"),
         fmt::format("{} parameters", human_count(share.n_elements)), human_bytes(share.bytes)});
  }
  return table.text(4);
}

void add_shapes(const Shown& shown, Table& table) {
  const ModelInfo& info = *shown.info;
  const auto number = [](const std::optional<int64_t>& n) { return n ? std::to_string(*n) : "?"; };
  if (info.kv_shape.n_layers > 0) {
    table.add({"layers", fmt::format("{}, {} wide, feed-forward {}", info.n_layers, info.width,
                                     number(shown.summary.ffn_width))});
    table.add({"attention",
               fmt::format("{} heads of {}, {} of keys and values", number(shown.summary.n_heads),
                           info.kv_shape.head_dim, info.kv_shape.n_kv_heads)});
  } else {
    table.add({"layers", fmt::format("{}, {} wide", info.n_layers, info.width)});
    table.add({"attention", "none"});
  }
  if (const RecurrentShape& recurrent = info.recurrent_shape; recurrent.n_layers > 0) {
    table.add({"state space", fmt::format("{} dimensions of a channel, convolution over {} tokens",
                                          recurrent.d_state, recurrent.conv_rows + 1)});
  }
  table.add({"vocabulary", with_commas(static_cast<uint64_t>(info.vocab_size))});
  table.add({"memory", fmt::format("{} of weights", human_bytes(info.weight_bytes))});
  table.add({"  for each user", state_text(info)});
  if (shown.load.context == 0 && shown.load.users == 1) return;
  const bool over = shown.context() > info.context_length;
  table.add({"  in all", fmt::format("{} for {} user{} of {} tokens{}",
                                     human_bytes(info.weight_bytes + shown.state_bytes_of_all()),
                                     shown.load.users, shown.load.users == 1 ? "" : "s",
                                     with_commas(static_cast<uint64_t>(shown.context())),
                                     over ? " (more than the model was made for)" : "")});
}

void print_text(const Shown& shown) {
  using enum Table::Align;
  const Colors colors = Colors::for_stream(stdout);
  const ModelSummary& s = shown.summary;
  const auto shown_text = [](const std::string& text, const char* otherwise) {
    return text.empty() ? std::string(otherwise) : shortened(printable(text), 60);
  };
  const std::string title = shown_text(s.title, "");
  fmt::print("{}{}{}{}\n", colors.bold, printable(shown.model.name), colors.reset,
             title.empty() ? "" : "  " + title);
  Table table({kLeft, kLeft});
  table.add({"file", fmt::format("{}, {}, {}", printable(shown.model.path), s.format,
                                 human_bytes(s.file_bytes))});
  table.add({"architecture", shown_text(s.model_type, "?")});
  const bool has_weights = !s.types.empty();
  table.add({"parameters", has_weights ? fmt::format("{} ({})", human_count(s.n_parameters),
                                                     with_commas(s.n_parameters))
                                       : "none: a vocabulary alone"});
  if (s.context_length) {
    table.add({"context",
               fmt::format("{} tokens", with_commas(static_cast<uint64_t>(*s.context_length)))});
  }
  if (shown.info.ok()) add_shapes(shown, table);
  table.add({"tokenizer", shown_text(s.tokenizer, "none in the file")});
  table.add({"chat template",
             s.has_chat_template
                 ? fmt::format("{} characters (--template prints it)", shown.chat_template.size())
                 : "none in the file"});
  table.add({"licence", shown_text(s.licence, "the file does not say")});
  if (has_weights) table.add({"tensor types", ""});
  fmt::print("{}{}", table.text(2), types_text(s));
  if (has_weights && !shown.info.ok()) {
    fmt::print("\n{}Overtake can not run it:{} {}\n", colors.yellow, colors.reset,
               printable(shown.info.error().message));
  }
}

struct Options {
  std::string model;
  std::string kv_cache_type;
  bool as_json = false;
  bool only_template = false;
  Load load;
};

// What neither summary nor loader tell: a folder's tokenizer, the template's text, and what pull
// has recorded.
void add_notes(const Checkpoint& checkpoint, Shown& shown) {
  // A folder's tokenizer lies in files beside its weights.
  const bool is_folder = checkpoint.format() == CheckpointFormat::kHuggingFace;
  const Result<Metadata> beside =
      is_folder ? read_hf_tokenizer(checkpoint.path()) : Result<Metadata>(Metadata());
  const Metadata& text = is_folder && beside.ok() ? *beside : checkpoint.metadata();
  (void)summarize_tokenizer(text, shown.summary);  // of another type than it should be: not shown
  const auto source = text.find_string("tokenizer.chat_template");
  if (source.ok()) shown.chat_template = source->value_or("");
  if (const auto record = read_pull_record(shown.model.path); record.ok() && *record) {
    shown.source = (*record)->source;
    if (shown.summary.licence.empty()) shown.summary.licence = (*record)->licence;
  }
  const CatalogEntry* entry = find_in_catalog(shown.model.name);
  if (entry && shown.summary.licence.empty()) shown.summary.licence = entry->licence;
}

Result<int> run_show(const Options& options) {
  ResolvedModel model = TRY(resolve_model(options.model));
  const std::unique_ptr<Checkpoint> checkpoint = TRY(open_checkpoint(model.path));
  Shown shown{.model = std::move(model),
              .summary = TRY(summarize(*checkpoint)),
              .info = verify_model(*checkpoint),
              .load = options.load};
  const auto kv_type = TRY(read_kv_cache_type(options.kv_cache_type));
  if (kv_type && shown.info.ok()) shown.info->kv_shape.type = *kv_type;
  // A file that contradicts itself is an error; a vocabulary alone, or an architecture that we
  // lack, is still shown.
  if (!shown.info.ok() && shown.info.error().code == ErrorCode::kDamaged &&
      !checkpoint->tensors().empty()) {
    return shown.info.error();
  }
  add_notes(*checkpoint, shown);
  if (options.only_template) {
    // As it is in a pipe; nothing in it may act on a terminal.
    fmt::print("{}\n",
               is_terminal(stdout) ? printable(shown.chat_template, true) : shown.chat_template);
  } else if (options.as_json) {
    fmt::print("{}\n", dump_json(to_json(shown), 2));
  } else {
    print_text(shown);
  }
  return kExitDone;
}

std::function<Result<int>()> setup_show(CommandLine& line) {
  auto options = std::make_shared<Options>();
  line.add("MODEL", options->model, "A name in the store, or a path (default: smollm2)");
  line.add("--context", options->load.context, "Tell the memory for this many tokens a user")
      .range(1, kMaxContext);
  line.add("--users", options->load.users, "Tell the memory for this many users at once")
      .range(1, 1'000'000);
  add_kv_cache_option(line, options->kv_cache_type);
  line.flag("--template", options->only_template, "Print the chat template, nothing else");
  line.flag("--json", options->as_json, "Print JSON");
  return [options] { return run_show(*options); };
}

}  // namespace

OVERTAKE_ENTRY(Command, command_show) = {"show", "What is in a model, and what it takes to run it",
                                         31, setup_show};

}  // namespace overtake
