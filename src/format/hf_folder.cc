#include "format/hf_folder.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "format/message.h"

namespace overtake {
namespace {

constexpr uint64_t kMaxConfigBytes = 16 << 20;
constexpr uint64_t kMaxIndexBytes = 100'000'000;
constexpr size_t kMaxShards = 4096;
// Every value repeats the keys of all objects around it, so without a bound a long key around many
// values would become any amount of memory.
constexpr size_t kMaxKeyBytes = 512;
constexpr JsonLimits kConfigLimits = {.max_depth = 64, .max_values = 1 << 18};
constexpr JsonLimits kIndexLimits = {.max_depth = 16, .max_values = 1 << 21};

Result<Json> read_json_file(const std::string& path, uint64_t max_bytes, JsonLimits limits) {
  const std::string text = TRY(read_file(path, max_bytes));
  Result<Json> json = parse_json(text, path, limits);
  if (!json.ok()) return Error{ErrorCode::kDamaged, json.error().message};
  return json;
}

// An array of values of one kind; nullopt for others.
std::optional<MetaValue> uniform_array(const Json& array) {
  const auto all = [&](auto is_kind) { return std::all_of(array.begin(), array.end(), is_kind); };
  const auto fits = [](const Json& v) {
    return v.is_number_integer() &&
           (!v.is_number_unsigned() || std::in_range<int64_t>(v.get<uint64_t>()));
  };
  if (all([](const Json& v) { return v.is_boolean(); })) {
    return MetaValue(array.get<std::vector<bool>>());
  }
  if (all(fits)) return MetaValue(array.get<std::vector<int64_t>>());
  if (all([](const Json& v) { return v.is_number(); })) {
    return MetaValue(array.get<std::vector<double>>());
  }
  if (all([](const Json& v) { return v.is_string(); })) {
    return MetaValue(array.get<std::vector<std::string>>());
  }
  return std::nullopt;
}

MetaValue scalar(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return value.get<double>();
  if (value.is_number_unsigned() && !std::in_range<int64_t>(value.get<uint64_t>())) {
    return value.get<uint64_t>();
  }
  return value.get<int64_t>();
}

Status add(std::string key, MetaValue value, std::string_view file, Metadata* metadata) {
  if (metadata->has(key)) {
    return damaged(fmt::format("key {} stands twice", escaped(key)), file);
  }
  metadata->set(std::move(key), std::move(value));
  return {};
}

// Depth is bounded by the parser.
Status flatten(const Json& value, const std::string& key, std::string_view file,
               Metadata* metadata) {
  if (value.is_null()) return {};
  if (key.size() > kMaxKeyBytes) {
    return damaged(fmt::format("key {} is longer than {} bytes", escaped(key), kMaxKeyBytes), file);
  }
  if (value.is_object()) {
    for (const auto& [name, element] : value.items()) {
      TRY(flatten(element, key.empty() ? name : key + "." + name, file, metadata));
    }
    return {};
  }
  if (!value.is_array()) return add(key, scalar(value), file, metadata);
  if (std::optional<MetaValue> array = uniform_array(value)) {
    return add(key, std::move(*array), file, metadata);
  }
  for (size_t i = 0; i < value.size(); ++i) {
    TRY(flatten(value[i], fmt::format("{}.{}", key, i), file, metadata));
  }
  return {};
}

// Python writes NaN and Infinity, which JSON does not have. They become what newer versions of
// transformers write in their place, {"__float__": "Infinity"}.
std::string without_python_numbers(std::string_view text) {
  constexpr std::string_view kNumbers[] = {"-Infinity", "Infinity", "NaN"};
  std::string out;
  bool in_string = false;
  for (size_t i = 0; i < text.size();) {
    const auto number = std::ranges::find_if(
        kNumbers, [&](std::string_view n) { return !in_string && text.substr(i).starts_with(n); });
    if (number != std::end(kNumbers)) {
      out += fmt::format("{{\"__float__\":\"{}\"}}", *number);
      i += number->size();
      continue;
    }
    if (text[i] == '"') in_string = !in_string;
    const size_t n = in_string && text[i] == '\\' && i + 1 < text.size() ? 2 : 1;
    out += text.substr(i, n);
    i += n;
  }
  return out;
}

// A checkpoint whose weights are packed in the way of some library.
Status check_not_quantized(const Metadata& config, const std::string& file) {
  constexpr std::string_view kPrefix = "quantization_config.";
  const auto first = config.all().lower_bound(kPrefix);
  if (first == config.all().end() || !first->first.starts_with(kPrefix)) return {};
  const auto method = config.find_string("quantization_config.quant_method");
  const std::string name = method.ok() && *method ? escaped(**method) : "unnamed";
  return Error{ErrorCode::kUnsupported,
               fmt::format("weights quantized by the method \"{}\"; {}; take the unquantized model "
                           "(F32, F16 or BF16), or a GGUF file of it",
                           name, file)};
}

// Tensor name -> file name. A file name must be a plain one: nothing outside the folder is opened.
Result<std::map<std::string, std::string>> read_weight_map(const std::string& path) {
  const Json index = TRY(read_json_file(path, kMaxIndexBytes, kIndexLimits));
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    return damaged("no object \"weight_map\"", path);
  }
  std::map<std::string, std::string> out;
  for (const auto& [name, file] : index["weight_map"].items()) {
    if (!file.is_string()) {
      return damaged(fmt::format("weight_map: tensor {} is in no file", escaped(name)), path);
    }
    const std::string& text = file.get_ref<const std::string&>();
    if (!text.ends_with(".safetensors") ||
        text.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos) {
      return damaged(
          fmt::format("weight_map: \"{}\" is not the name of a .safetensors file", escaped(text)),
          path);
    }
    out.emplace(name, text);
  }
  return out;
}

Status read_single(const std::string& path, HfFolder* folder) {
  folder->files.push_back(TRY(MappedFile::open(path)));
  ParsedTensors parsed = TRY(parse_safetensors(folder->files.back().bytes(), path));
  folder->parsed.tensors = std::move(parsed.tensors);
  folder->parsed.other_dtypes = std::move(parsed.other_dtypes);
  return {};
}

// Where each tensor was found, to say where else it is.
using Found = std::map<std::string, std::string, std::less<>>;

// Adds all tensors of one shard: transformers reads those that the index does not name as well.
Status read_shard(const std::filesystem::path& path, const std::string& file, HfFolder* folder,
                  Found* found) {
  const std::string shard = (path / file).string();
  std::error_code ignored;
  if (!std::filesystem::exists(shard, ignored)) {
    return Error{
        ErrorCode::kNotFound,
        fmt::format("{}, which model.safetensors.index.json names, is missing; {}; get it, "
                    "the model is incomplete",
                    file, path.string())};
  }
  folder->files.push_back(TRY(MappedFile::open(shard)));
  ParsedTensors parsed = TRY(parse_safetensors(folder->files.back().bytes(), shard));
  const auto note = [&](const std::string& name) -> Status {
    const auto [at, added] = found->emplace(name, file);
    if (added) return {};
    return damaged(fmt::format("tensor {} stands in {} and in {}", escaped(name), at->second, file),
                   path.string());
  };
  for (StoredTensor& tensor : parsed.tensors) {
    TRY(note(tensor.name));
    folder->parsed.tensors.push_back(std::move(tensor));
  }
  for (auto& [name, dtype] : parsed.other_dtypes) {
    TRY(note(name));
    folder->parsed.other_dtypes.emplace(name, std::move(dtype));
  }
  return {};
}

Status read_shards(const std::filesystem::path& path, const std::string& index_path,
                   HfFolder* folder) {
  const std::map<std::string, std::string> weight_map = TRY(read_weight_map(index_path));
  std::set<std::string_view> shards;
  for (const auto& [name, file] : weight_map) shards.insert(file);
  if (shards.empty() || shards.size() > kMaxShards) {
    return damaged(fmt::format("weight_map names {} files", shards.size()), index_path);
  }
  Found found;
  for (const std::string_view file : shards) {
    TRY(read_shard(path, std::string(file), folder, &found));
  }
  for (const auto& [name, file] : weight_map) {
    const auto at = found.find(name);
    if (at != found.end() && at->second == file) continue;
    return damaged(fmt::format("tensor {}, which model.safetensors.index.json says is here, is {}",
                               escaped(name), at == found.end() ? "missing" : "in " + at->second),
                   (path / file).string());
  }
  return {};
}

// Whether the folder has shards, whose index then is what is missing.
bool has_shards(const std::filesystem::path& path) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("model-0") && name.ends_with(".safetensors")) return true;
  }
  return false;
}

Status read_tensors(const std::filesystem::path& path, HfFolder* folder) {
  const std::string single = (path / "model.safetensors").string();
  const std::string index = single + ".index.json";
  std::error_code ignored;
  if (std::filesystem::is_regular_file(single, ignored)) return read_single(single, folder);
  if (std::filesystem::is_regular_file(index, ignored)) return read_shards(path, index, folder);
  if (has_shards(path)) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("parts of a model, but not model.safetensors.index.json, which says "
                             "what is in them; {}; get that file as well",
                             path.string())};
  }
  return Error{ErrorCode::kNotFound,
               fmt::format("neither model.safetensors nor model.safetensors.index.json; {}; give a "
                           "folder with safetensors (pickled .bin files are never read: they can "
                           "run code)",
                           path.string())};
}

}  // namespace

Status flatten_config(std::string_view text, std::string_view file, const std::string& prefix,
                      Metadata* metadata) {
  const Result<Json> json = parse_json(without_python_numbers(text), file, kConfigLimits);
  if (!json.ok()) return Error{ErrorCode::kDamaged, json.error().message};
  if (!json->is_object()) return damaged("not a JSON object", file);
  return flatten(*json, prefix, file, metadata);
}

Result<HfFolder> read_hf_folder(const std::string& path) {
  const std::filesystem::path folder_path(path);
  const std::string config = (folder_path / "config.json").string();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(config, ignored)) {
    return Error{ErrorCode::kNotFound,
                 fmt::format("no config.json; {}; give a .gguf file, or a folder with config.json "
                             "and *.safetensors",
                             path)};
  }
  HfFolder folder;
  folder.parsed.metadata = Metadata(config);
  TRY(flatten_config(TRY(read_file(config, kMaxConfigBytes)), config, "", &folder.parsed.metadata));
  TRY(check_not_quantized(folder.parsed.metadata, config));
  const std::string generation = (folder_path / "generation_config.json").string();
  if (std::filesystem::is_regular_file(generation, ignored)) {
    TRY(flatten_config(TRY(read_file(generation, kMaxConfigBytes)), generation, "generation_config",
                       &folder.parsed.metadata));
  }
  TRY(read_tensors(folder_path, &folder));
  return folder;
}

}  // namespace overtake
