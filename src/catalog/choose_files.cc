#include "catalog/choose_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/checked.h"
#include "base/text.h"
#include "catalog/file_name.h"

namespace overtake {
namespace {

using Files = std::vector<const RemoteFile*>;

constexpr size_t kMaxChosen = 1000;

// Best first: what most people should take where they do not say.
constexpr std::array kPreferred = {"q4_k_m", "q5_k_m", "q4_k_s", "q4_1", "q4_0", "q6_k",
                                   "q8_0",   "q5_1",   "q5_0",   "bf16", "f16",  "f32"};

// What a folder of safetensors may have beside its weights.
constexpr std::array kCompanions = {"config.json",
                                    "generation_config.json",
                                    "tokenizer.json",
                                    "tokenizer_config.json",
                                    "special_tokens_map.json",
                                    "added_tokens.json",
                                    "tokenizer.model",
                                    "vocab.json",
                                    "merges.txt",
                                    "chat_template.jinja",
                                    "chat_template.json",
                                    "model.safetensors.index.json"};

// The last word of a GGUF's name that spells a type: "Q4_K_M" of "x.Q4_K_M.gguf"; "" if none does.
std::string quantization_of(std::string_view name) {
  const std::string folded = folded_file_name(name);
  if (!folded.ends_with(".gguf")) return "";
  std::string_view stem(folded);
  stem.remove_suffix(5);
  for (;;) {
    const size_t at = stem.find_last_of(".-");
    const std::string_view word = stem.substr(at == stem.npos ? 0 : at + 1);
    const bool digit = word.size() > 1 && word[1] >= '0' && word[1] <= '9';
    const bool iq = word.starts_with("iq") || word.starts_with("tq") || word.starts_with("mxfp");
    if ((digit && (word[0] == 'q' || word[0] == 'f')) || iq || word == "bf16") {
      std::string out(word);
      std::ranges::transform(out, out.begin(), [](char c) { return char(std::toupper(c)); });
      return out;
    }
    if (at == stem.npos) return "";
    stem = stem.substr(0, at);
  }
}

bool is_part_of_split(std::string_view name) {
  const std::string folded = folded_file_name(name);
  const size_t of = folded.rfind("-of-");
  return folded.ends_with(".gguf") && of != folded.npos && folded.size() == of + 14;
}

// Models, not projectors of images or the matrices that quantizers use.
bool is_model_gguf(const RemoteFile& file) {
  const std::string folded = folded_file_name(file.name);
  return folded.ends_with(".gguf") && folded.find("mmproj") == folded.npos &&
         folded.find("imatrix") == folded.npos;
}

Files model_ggufs(const std::vector<RemoteFile>& all) {
  Files out;
  for (const RemoteFile& file : all) {
    if (is_model_gguf(file)) out.push_back(&file);
  }
  return out;
}

bool is_weights(std::string_view name) {
  return name == "model.safetensors" ||
         (name.starts_with("model-") && name.ends_with(".safetensors"));
}

// Weights and companions in the repository's root; empty if it is no folder that we read.
Files safetensors_folder(const std::vector<RemoteFile>& all) {
  Files out;
  bool has_config = false, has_weights = false;
  for (const RemoteFile& file : all) {
    if (file.path != file.name) continue;
    const bool weights = is_weights(file.name);
    has_weights |= weights;
    has_config |= file.name == "config.json";
    if (weights || std::ranges::find(kCompanions, file.name) != kCompanions.end()) {
      out.push_back(&file);
    }
  }
  return has_config && has_weights ? out : Files();
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (out.size() > 300) return out + " ...";
    out += (out.empty() ? "" : " ") + escaped(word);
  }
  return out;
}

Error nothing_there(const std::vector<RemoteFile>& all, std::string_view repo) {
  const bool pickles =
      std::ranges::any_of(all, [](const RemoteFile& file) { return is_pickle_name(file.name); });
  if (pickles) {
    return {ErrorCode::kUnsupported,
            fmt::format("only pickled weights (.bin, .pth); {}; loading a pickle can run any code "
                        "that its author put in, so Overtake never does: look for a repository "
                        "with safetensors or GGUF",
                        escaped(repo))};
  }
  return {ErrorCode::kNotFound,
          fmt::format("no model in it that Overtake reads; {}; it takes a .gguf file, or "
                      "config.json with model*.safetensors",
                      escaped(repo))};
}

Error in_parts(std::string_view n_parts, std::string_view repo) {
  return {ErrorCode::kUnsupported,
          fmt::format("a GGUF in {} parts; {}; take a quantization in one file, or fetch the parts "
                      "and merge them (llama-gguf-split --merge)",
                      n_parts, escaped(repo))};
}

Result<Files> with_quantization(const std::vector<RemoteFile>& all, std::string_view wish,
                                std::string_view repo) {
  Files found;
  const std::string wanted = folded_file_name(wish);
  for (const RemoteFile* file : model_ggufs(all)) {
    if (folded_file_name(quantization_of(file->name)) == wanted) found.push_back(file);
  }
  if (found.size() == 1 && !is_part_of_split(found[0]->name)) return found;
  if (found.empty()) {
    const std::vector<std::string> there = quantizations_of(all);
    if (there.empty()) return nothing_there(all, repo);
    return Error{ErrorCode::kNotFound, fmt::format("no quantization or file \"{}\"; {}; there are: "
                                                   "{}",
                                                   escaped(wish), escaped(repo), listed(there))};
  }
  if (std::ranges::all_of(found, [](const RemoteFile* f) { return is_part_of_split(f->name); })) {
    return in_parts(std::to_string(found.size()), repo);
  }
  std::vector<std::string> names;
  for (const RemoteFile* file : found) names.push_back(file->path);
  return Error{
      ErrorCode::kInvalidArgument,
      fmt::format("{} files are {}; {}; say which, such as hf:{}:{} (of: {})", found.size(),
                  escaped(wish), escaped(repo), escaped(repo), escaped(names[0]), listed(names))};
}

Result<Files> without_wish(const std::vector<RemoteFile>& all, std::string_view repo) {
  if (Files folder = safetensors_folder(all); !folder.empty()) return folder;
  Files whole = model_ggufs(all);
  std::erase_if(whole, [](const RemoteFile* file) { return is_part_of_split(file->name); });
  if (whole.size() == 1) return whole;
  for (const char* wanted : kPreferred) {
    for (const RemoteFile* file : whole) {
      if (folded_file_name(quantization_of(file->name)) == wanted) return Files{file};
    }
  }
  if (!whole.empty()) return Files{whole.front()};
  return nothing_there(all, repo);
}

Result<Files> find(const std::vector<RemoteFile>& all, std::string_view wish,
                   std::string_view repo) {
  if (wish.empty()) return without_wish(all, repo);
  if (is_pickle_name(wish)) {
    return nothing_there({RemoteFile{.path = std::string(wish), .name = std::string(wish)}}, repo);
  }
  for (const RemoteFile& file : all) {
    if (file.path != wish && file.name != wish) continue;
    if (is_part_of_split(file.name)) return in_parts("several", repo);
    if (is_model_gguf(file)) return Files{&file};
    if (is_weights(file.name)) return without_wish(all, repo);
  }
  return with_quantization(all, wish, repo);
}

}  // namespace

std::vector<std::string> quantizations_of(const std::vector<RemoteFile>& all) {
  std::set<std::string> out;
  for (const RemoteFile* file : model_ggufs(all)) {
    const std::string word = quantization_of(file->name);
    if (!word.empty() && !is_part_of_split(file->name)) out.insert(word);
  }
  return {out.begin(), out.end()};
}

Result<std::vector<RemoteFile>> choose_files(const std::vector<RemoteFile>& all,
                                             std::string_view wish, std::string_view repo) {
  std::vector<RemoteFile> out;
  std::set<std::string> names;
  uint64_t total = 0;
  for (const RemoteFile* file : TRY(find(all, wish, repo))) {
    TRY(check_file_name(file->name));
    if (!names.insert(folded_file_name(file->name)).second) {
      return Error{ErrorCode::kPermissionDenied,
                   fmt::format("two files differ in nothing but case (\"{}\"); {}; they would "
                               "overwrite each other on some systems: nothing was written",
                               escaped(file->name), escaped(repo))};
    }
    const auto sum = checked_add(total, file->bytes.value_or(0));
    if (!sum || out.size() >= kMaxChosen) {
      return Error{ErrorCode::kDamaged,
                   fmt::format("more files or bytes than any model has; {}; do not trust this "
                               "source",
                               escaped(repo))};
    }
    total = *sum;
    out.push_back(*file);
  }
  return out;
}

}  // namespace overtake
