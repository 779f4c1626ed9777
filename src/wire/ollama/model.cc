#include "wire/ollama/model.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "catalog/digest.h"
#include "wire/ollama/answer.h"

namespace overtake::ollama {
namespace {

// Served models stay in memory until the server ends.
constexpr const char* kNever = "9999-12-31T23:59:59Z";

// Ollama's clients expect a tag on every name.
std::string tagged(const std::string& name) {
  return name.find(':') == name.npos ? name + ":latest" : name;
}

// "135M", "1.1B"; empty where it is not known.
std::string parameter_size(int64_t n_parameters) {
  if (n_parameters <= 0) return "";
  const auto count = static_cast<double>(n_parameters);
  if (count >= 1e9) return fmt::format("{:.1f}B", count / 1e9);
  return fmt::format("{:.2f}M", count / 1e6);
}

Json details_json(const GeneratorInfo& info) {
  Json families = Json::array();
  if (!info.architecture.empty()) families.push_back(info.architecture);
  return Json{{"parent_model", ""},
              {"format", ""},
              {"family", info.architecture},
              {"families", std::move(families)},
              {"parameter_size", parameter_size(info.n_parameters)},
              {"quantization_level", ""}};
}

// What tags and ps share. The digest tells models apart, as clients use it; it is not the file's.
Json entry_json(const GeneratorInfo& info) {
  const std::string digest = sha256_of(fmt::format("{}\n{}", info.name, info.created_s));
  return Json{{"name", tagged(info.name)},
              {"model", tagged(info.name)},
              {"size", info.size_bytes},
              {"digest", digest},
              {"details", details_json(info)}};
}

}  // namespace

Json tag_json(const GeneratorInfo& info) {
  Json out = entry_json(info);
  out["modified_at"] = utc_time(info.created_s);
  return out;
}

Json running_json(const GeneratorInfo& info) {
  Json out = entry_json(info);
  out["expires_at"] = kNever;
  out["size_vram"] = 0;
  out["context_length"] = info.context_length;
  return out;
}

Json show_json(const GeneratorInfo& info) {
  const std::string arch = info.architecture.empty() ? "unknown" : info.architecture;
  Json model_info{{"general.architecture", arch}, {arch + ".context_length", info.context_length}};
  if (info.n_parameters > 0) model_info["general.parameter_count"] = info.n_parameters;
  Json capabilities = Json::array({"completion"});
  if (info.features.has(Feature::kTools)) capabilities.push_back("tools");
  if (info.features.has(Feature::kEmbeddings)) capabilities.push_back("embedding");
  if (info.features.has(Feature::kImages)) capabilities.push_back("vision");
  return Json{{"modelfile", ""},
              {"parameters", ""},
              {"template", ""},
              {"license", ""},
              {"details", details_json(info)},
              {"model_info", std::move(model_info)},
              {"capabilities", std::move(capabilities)},
              {"modified_at", utc_time(info.created_s)}};
}

}  // namespace overtake::ollama
