#include "token/hf_tokenizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>

#include "base/file.h"
#include "base/text.h"
#include "token/base64.h"
#include "token/hf_json.h"
#include "token/hf_model.h"

namespace overtake {
namespace {

using namespace hf;  // NOLINT: this file is the door of that room

constexpr uint64_t kMaxModelBytes = 64 << 20;
constexpr uint64_t kMaxTemplateBytes = 4 << 20;

bool is_file(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

// The JSON files beside the vocabulary; an empty object for each that is missing.
struct Settings {
  Json tokenizer = Json::object();   // tokenizer_config.json
  Json special = Json::object();     // special_tokens_map.json
  Json generation = Json::object();  // generation_config.json
  Json model = Json::object();       // config.json
  std::string tokenizer_file;
};

Result<Json> read_settings_file(const std::filesystem::path& path) {
  return TRY(read_json_file(path.string())).value_or(Json::object());
}

Result<Settings> read_settings(const std::filesystem::path& folder) {
  Settings out;
  out.tokenizer_file = (folder / "tokenizer_config.json").string();
  out.tokenizer = TRY(read_settings_file(out.tokenizer_file));
  out.special = TRY(read_settings_file(folder / "special_tokens_map.json"));
  out.generation = TRY(read_settings_file(folder / "generation_config.json"));
  out.model = TRY(read_settings_file(folder / "config.json"));
  return out;
}

// A special token is written as its text or as an object with it.
std::optional<std::string> token_text(const Json& settings, std::string_view name) {
  const Json* value = field(settings, name);
  if (value && value->is_object()) value = field(*value, "content");
  if (!value || !value->is_string()) return std::nullopt;
  return value->get<std::string>();
}

std::optional<int64_t> as_id(const Json& value, const HfVocabulary& vocabulary) {
  const bool is_id = value.is_number_unsigned() &&
                     value.get<uint64_t>() < static_cast<uint64_t>(vocabulary.size());
  return is_id ? std::optional<int64_t>(value.get<int64_t>()) : std::nullopt;
}

// tokenizer_config.json names the token, else special_tokens_map.json; the configurations of the
// model and of generation give its id.
std::optional<int64_t> find_role(const Settings& settings, const std::string& role,
                                 const HfVocabulary& vocabulary) {
  for (const Json* json : {&settings.tokenizer, &settings.special}) {
    const auto text = token_text(*json, role + "_token");
    if (!text) continue;
    const int64_t id = vocabulary.find(*text);
    if (id >= 0) return id;
  }
  for (const Json* json : {&settings.generation, &settings.model}) {
    const Json* value = field(*json, role + "_token_id");
    if (value && value->is_array() && !value->empty()) value = &value->front();
    if (!value) continue;
    if (const auto id = as_id(*value, vocabulary)) return id;
  }
  return std::nullopt;
}

// A control token is one in whatever file says so.
void set_roles(const Settings& settings, HfVocabulary* vocabulary, Metadata* metadata) {
  constexpr std::pair<const char*, const char*> kRoles[] = {
      {"bos", "tokenizer.ggml.bos_token_id"},       {"eos", "tokenizer.ggml.eos_token_id"},
      {"pad", "tokenizer.ggml.padding_token_id"},   {"unk", "tokenizer.ggml.unknown_token_id"},
      {"sep", "tokenizer.ggml.seperator_token_id"}, {"cls", "tokenizer.ggml.cls_token_id"},
      {"mask", "tokenizer.ggml.mask_token_id"}};
  for (const auto& [role, key] : kRoles) {
    const auto id = find_role(settings, role, *vocabulary);
    if (!id) continue;
    if (vocabulary->type(*id) == TokenType::kNormal && role != std::string_view("unk")) {
      vocabulary->set_type(*id, TokenType::kControl);
    }
    if (role != std::string_view("unk") || !metadata->has(key)) {
      metadata->set(key, static_cast<uint64_t>(*id));
    }
  }
  std::vector<int64_t> ends;
  for (const Json* json : {&settings.generation, &settings.model}) {
    const Json* value = field(*json, "eos_token_id");
    if (!value) continue;
    const Json one = Json::array({*value});
    for (const Json& entry : value->is_array() ? *value : one) {
      const auto id = as_id(entry, *vocabulary);
      if (id && std::find(ends.begin(), ends.end(), *id) == ends.end()) ends.push_back(*id);
    }
  }
  if (!ends.empty()) metadata->set("overtake.tokenizer.end_token_ids", std::move(ends));
}

// Added tokens that stand outside of the vocabulary's file: what the file has counts more.
Status add_if_new(int64_t id, const Json& entry, HfVocabulary* vocabulary) {
  const auto text = token_text(entry, "content");
  if (text && (vocabulary->has(id) || vocabulary->find(*text) >= 0)) return {};
  return vocabulary->put_added(id, entry);
}

Status read_added_files(const std::filesystem::path& folder, const Settings& settings,
                        bool override_model, HfVocabulary* vocabulary) {
  const auto add = [&](int64_t id, const Json& entry) {
    return override_model ? vocabulary->put_added(id, entry) : add_if_new(id, entry, vocabulary);
  };
  const std::string path = (folder / "added_tokens.json").string();
  const Json added = TRY(read_settings_file(path));
  for (const auto& [text, id] : added.items()) {
    TRY(add(TRY(token_id(id, text, path)), Json{{"content", text}}));
  }
  const Json* decoder = field(settings.tokenizer, "added_tokens_decoder");
  if (!decoder || !decoder->is_object()) return {};
  for (const auto& [number, entry] : decoder->items()) {
    int64_t id = -1;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), id);
    if (error != std::errc() || end != number.data() + number.size()) {
      return damaged(fmt::format("added token \"{}\" has no number", escaped(number)),
                     settings.tokenizer_file);
    }
    TRY(add(id, entry));
  }
  return {};
}

// A list of named templates holds the one for chats as "default".
Status set_template_list(const Json& list, std::string_view file, Metadata* metadata) {
  std::vector<std::string> names;
  for (const Json& entry : list) {
    const auto name = TRY(find_string(entry, "name", file));
    const auto text = TRY(find_string(entry, "template", file));
    if (!name || !text) return damaged("a chat template without name or text", file);
    if (*name == "default") {
      metadata->set("tokenizer.chat_template", *text);
    } else {
      metadata->set("tokenizer.chat_template." + *name, *text);
      names.push_back(*name);
    }
  }
  if (!names.empty()) metadata->set("tokenizer.chat_templates", std::move(names));
  return {};
}

Status set_template(const Json& holder, std::string_view file, Metadata* metadata) {
  const Json* value = field(holder, "chat_template");
  if (!value) return {};
  if (value->is_array()) return set_template_list(*value, file, metadata);
  if (!value->is_string()) return damaged("\"chat_template\" is neither text nor list", file);
  metadata->set("tokenizer.chat_template", value->get<std::string>());
  return {};
}

// transformers writes named templates as files of their own, beside chat_template.jinja.
Status read_named_templates(const std::filesystem::path& folder, Metadata* metadata) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator files(folder / "additional_chat_templates", error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    const std::filesystem::path& file = files->path();
    if (file.extension() != ".jinja" || !is_file(file)) continue;
    const std::string name = file.stem().string();
    metadata->set("tokenizer.chat_template." + name,
                  TRY(read_file(file.string(), kMaxTemplateBytes)));
    names.push_back(name);
  }
  std::ranges::sort(names);
  if (!names.empty()) metadata->set("tokenizer.chat_templates", std::move(names));
  return {};
}

// A file of its own counts more than what stands in the settings.
Status read_template(const std::filesystem::path& folder, const Settings& settings,
                     Metadata* metadata) {
  TRY(set_template(settings.tokenizer, settings.tokenizer_file, metadata));
  const std::string json = (folder / "chat_template.json").string();
  TRY(set_template(TRY(read_settings_file(json)), json, metadata));
  TRY(read_named_templates(folder, metadata));
  const std::filesystem::path jinja = folder / "chat_template.jinja";
  if (!is_file(jinja)) return {};
  metadata->set("tokenizer.chat_template", TRY(read_file(jinja.string(), kMaxTemplateBytes)));
  return {};
}

Status set_flags(const Settings& settings, Metadata* metadata) {
  for (const char* name : {"add_bos_token", "add_eos_token"}) {
    const auto value = TRY(find_bool(settings.tokenizer, name, settings.tokenizer_file));
    if (value) metadata->set(std::string("tokenizer.ggml.") + name, *value);
  }
  return {};
}

int64_t embedding_rows(const Settings& settings) {
  for (const Json* json : {&settings.model, field(settings.model, "text_config")}) {
    const Json* rows = json ? field(*json, "vocab_size") : nullptr;
    if (rows && rows->is_number_unsigned() && rows->get<uint64_t>() <= kMaxTokenId + 1) {
      return rows->get<int64_t>();
    }
  }
  return 0;
}

// Llama 3's original tokenizer.model is a list of tokens in base64, each with its rank.
bool is_token_list(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find('\n'));
  const size_t space = line.find(' ');
  return space != line.npos && space > 0 &&
         line.find_first_not_of("0123456789", space + 1) == line.npos &&
         decode_base64(line.substr(0, space)).has_value();
}

Status read_model_file(const std::string& path, const Settings& settings, HfVocabulary* vocabulary,
                       Metadata* metadata) {
  const std::string bytes = TRY(read_file(path, kMaxModelBytes));
  if (is_lfs_pointer(std::as_bytes(std::span(bytes)))) return lfs_pointer(path);
  if (is_token_list(bytes)) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("a list of tokens without the expression that cuts texts; {}; put the "
                             "model's tokenizer.json beside it",
                             path)};
  }
  const std::string& file = settings.tokenizer_file;
  const bool legacy = TRY(bool_or(settings.tokenizer, "legacy", false, file));
  metadata->set("tokenizer.ggml.add_bos_token", true);
  TRY(read_sentencepiece(bytes, legacy, vocabulary, metadata));
  if (!TRY(bool_or(settings.tokenizer, "add_prefix_space", true, file))) {
    metadata->set("tokenizer.ggml.add_space_prefix", false);
  }
  return {};
}

}  // namespace

Result<Metadata> read_hf_tokenizer(const std::string& folder) {
  const std::filesystem::path path(folder);
  const Settings settings = TRY(read_settings(path));
  Metadata metadata(folder);
  const std::string json_path = (path / "tokenizer.json").string();
  std::string model_path = (path / "tokenizer.model").string();
  if (!is_file(model_path) && is_file(path / "spiece.model")) {
    model_path = (path / "spiece.model").string();
  }
  HfVocabulary vocabulary(is_file(json_path) ? json_path : model_path);
  const auto json = TRY(read_json_file(json_path));
  if (json) {
    metadata.set("tokenizer.ggml.add_bos_token", false);  // what follows may say otherwise
    TRY(read_tokenizer_json(*json, &vocabulary, &metadata));
  } else if (is_file(model_path)) {
    TRY(read_model_file(model_path, settings, &vocabulary, &metadata));
  } else {
    return Error{ErrorCode::kNotFound,
                 fmt::format("no tokenizer; {}; put the model's tokenizer.json (or "
                             "tokenizer.model) beside its config.json, or work with token ids",
                             folder)};
  }
  TRY(read_added_files(path, settings, !json, &vocabulary));
  TRY(vocabulary.fit(embedding_rows(settings)));
  set_roles(settings, &vocabulary, &metadata);
  TRY(set_flags(settings, &metadata));
  TRY(read_template(path, settings, &metadata));
  const bool with_scores = TRY(metadata.find_string("tokenizer.ggml.model")) != "gpt2";
  vocabulary.write(with_scores, &metadata);
  return metadata;
}

}  // namespace overtake
