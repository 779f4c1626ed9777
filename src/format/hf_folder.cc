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

// Takes from each shard the tensors that the index says are there, all of them.
Status read_shards(const std::filesystem::path& path, const std::string& index_path,
                   HfFolder* folder) {
  const std::map<std::string, std::string> weight_map = TRY(read_weight_map(index_path));
  std::map<std::string, std::set<std::string_view>> shards;
  for (const auto& [name, file] : weight_map) shards[file].insert(name);
  if (shards.size() > kMaxShards) {
    return damaged(fmt::format("weight_map names {} files", shards.size()), index_path);
  }
  for (auto& [file, names] : shards) {
    const std::string shard = (path / file).string();
    folder->files.push_back(TRY(MappedFile::open(shard)));
    ParsedTensors parsed = TRY(parse_safetensors(folder->files.back().bytes(), shard));
    for (StoredTensor& tensor : parsed.tensors) {
      if (names.erase(tensor.name)) folder->parsed.tensors.push_back(std::move(tensor));
    }
    for (const auto& [name, dtype] : parsed.other_dtypes) {
      if (names.erase(name)) folder->parsed.other_dtypes.emplace(name, dtype);
    }
    if (!names.empty()) {
      return damaged(fmt::format("tensor {}, which model.safetensors.index.json says is here, is "
                                 "missing",
                                 escaped(*names.begin())),
                     shard);
    }
  }
  return {};
}

Status read_tensors(const std::filesystem::path& path, HfFolder* folder) {
  const std::string single = (path / "model.safetensors").string();
  const std::string index = single + ".index.json";
  std::error_code ignored;
  if (std::filesystem::is_regular_file(single, ignored)) return read_single(single, folder);
  if (std::filesystem::is_regular_file(index, ignored)) return read_shards(path, index, folder);
  return Error{ErrorCode::kNotFound,
               fmt::format("neither model.safetensors nor model.safetensors.index.json; {}; give a "
                           "folder with safetensors (pickled .bin files are never read: they can "
                           "run code)",
                           path.string())};
}

}  // namespace

Status flatten_config(std::string_view text, std::string_view file, const std::string& prefix,
                      Metadata* metadata) {
  const Result<Json> json = parse_json(text, file, kConfigLimits);
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
  const std::string generation = (folder_path / "generation_config.json").string();
  if (std::filesystem::is_regular_file(generation, ignored)) {
    TRY(flatten_config(TRY(read_file(generation, kMaxConfigBytes)), generation, "generation_config",
                       &folder.parsed.metadata));
  }
  TRY(read_tensors(folder_path, &folder));
  return folder;
}

}  // namespace overtake
