// plan_gguf: an arch's plan, and the keys around it that no arch has to know.
#include <fmt/core.h>

#include <algorithm>
#include <filesystem>

#include "base/file.h"
#include "base/text.h"
#include "model/arch.h"
#include "model/convert.h"
#include "token/hf_tokenizer.h"

namespace overtake {
namespace {

// A folder's name is what its owner calls the model.
std::string name_of(const std::string& path) {
  const std::filesystem::path full = std::filesystem::path(path).lexically_normal();
  const std::string name = full.filename().string();
  return name.empty() ? full.parent_path().filename().string() : name;
}

// The licence that the model card states: README.md begins with settings between lines of "---".
std::string licence_of(const std::string& folder) {
  const auto card = read_file((std::filesystem::path(folder) / "README.md").string(), 4 << 20);
  if (!card.ok() || !card->starts_with("---\n")) return "";
  const size_t end = std::min(card->find("\n---", 3), card->size());
  const std::string_view settings = std::string_view(*card).substr(0, end);
  constexpr std::string_view kKey = "\nlicense:";
  const size_t at = settings.find(kKey);
  if (at == settings.npos) return "";
  std::string_view value = settings.substr(at + kKey.size());
  value = trim(value.substr(0, value.find('\n')));
  const bool plain = std::ranges::all_of(value, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == '+';
  });
  return plain && value.size() <= 64 ? std::string(value) : "";
}

Result<std::vector<int64_t>> end_tokens(const Metadata& config) {
  std::vector<int64_t> out;
  for (const char* key : {"generation_config.eos_token_id", "eos_token_id"}) {
    for (const int64_t id : TRY(config.find_ints(key)).value_or(std::vector<int64_t>())) {
      if (std::find(out.begin(), out.end(), id) == out.end()) out.push_back(id);
    }
  }
  return out;
}

// generation_config.json under the names that a folder's metadata has it, and under those that
// llama.cpp reads.
Status add_generation_keys(const Metadata& config, Metadata* out) {
  constexpr std::pair<std::string_view, const char*> kNumbers[] = {
      {"temperature", "general.sampling.temp"},
      {"top_p", "general.sampling.top_p"},
      {"min_p", "general.sampling.min_p"},
      {"repetition_penalty", "general.sampling.penalty_repeat"}};
  constexpr std::string_view kPrefix = "generation_config.";
  for (const auto& [key, value] : config.all()) {
    if (key.starts_with(kPrefix)) out->set(key, value);
  }
  for (const auto& [name, key] : kNumbers) {
    const auto number = TRY(config.find_double(fmt::format("{}{}", kPrefix, name)));
    if (number) out->set(key, static_cast<double>(static_cast<float>(*number)));
  }
  if (const auto top_k = TRY(config.find_int("generation_config.top_k"))) {
    out->set("general.sampling.top_k", *top_k);
  }
  if (std::vector<int64_t> ids = TRY(end_tokens(config)); !ids.empty()) {
    out->set("generation_config.eos_token_id", std::move(ids));
  }
  return {};
}

// The folder's tokenizer, or that there is none.
Status add_tokenizer_keys(const std::string& folder, Metadata* out) {
  Result<Metadata> read = read_hf_tokenizer(folder);
  if (!read.ok() && read.error().code == ErrorCode::kNotFound) {
    out->set("tokenizer.ggml.model", "no_vocab");
    return {};
  }
  const Metadata tokenizer = TRY(std::move(read));
  for (const auto& [key, value] : tokenizer.all()) out->set(key, value);
  if (auto scores = TRY(out->find_doubles("tokenizer.ggml.scores"))) {
    for (double& score : *scores) score = static_cast<double>(static_cast<float>(score));
    out->set("tokenizer.ggml.scores", std::move(*scores));
  }
  return {};
}

// A GGUF file as it is, to be written with another type.
Result<GgufPlan> plan_again(const Checkpoint& checkpoint) {
  const TensorNames names(checkpoint, "", {"", ""});
  GgufPlan plan(checkpoint, names, checkpoint.model_type());
  for (const auto& [key, value] : checkpoint.metadata().all()) {
    if (key != "general.alignment") plan.metadata().set(key, value);
  }
  for (const StoredTensor& tensor : checkpoint.tensors()) {
    TRY(plan.add_tensor(tensor.name, tensor.name));
  }
  return plan;
}

}  // namespace

Result<GgufPlan> plan_gguf(const Checkpoint& checkpoint) {
  if (checkpoint.format() == CheckpointFormat::kGguf) return plan_again(checkpoint);
  const Arch* arch = TRY(find_arch(checkpoint));
  if (!arch->to_gguf) {
    return Error{ErrorCode::kUnsupported,
                 fmt::format("models of type \"{}\" have no form in GGUF; {}; run the folder as it "
                             "is",
                             checkpoint.model_type(), checkpoint.path())};
  }
  GgufPlan plan = TRY(arch->to_gguf(checkpoint));
  Metadata& out = plan.metadata();
  out.set("general.type", "model");
  out.set("general.name", name_of(checkpoint.path()));
  const std::string licence = licence_of(checkpoint.path());
  if (!licence.empty()) out.set("general.license", licence);
  TRY(add_generation_keys(checkpoint.metadata(), &out));
  TRY(add_tokenizer_keys(checkpoint.path(), &out));
  return plan;
}

}  // namespace overtake
