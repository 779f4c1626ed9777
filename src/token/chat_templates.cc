#include "token/chat_templates.h"

#include <fmt/core.h>

namespace overtake {
namespace {

constexpr std::string_view kKey = "tokenizer.chat_template";

}  // namespace

Result<ChatTemplates> ChatTemplates::load(const Metadata& metadata) {
  ChatTemplates out;
  for (auto it = metadata.all().lower_bound(kKey); it != metadata.all().end(); ++it) {
    const std::string& key = it->first;
    if (!key.starts_with(kKey)) break;
    const bool named = key.size() > kKey.size() + 1 && key[kKey.size()] == '.';
    if (!named && key != kKey) continue;  // "tokenizer.chat_templates" lists the names
    const auto source = TRY(metadata.find_string(key));
    std::string name = named ? key.substr(kKey.size() + 1) : "";
    // GGUF writers give the default no name, but not all of them.
    if (name == "default") name.clear();
    out.by_name_.try_emplace(std::move(name), ChatTemplate::parse(*source));
  }
  return out;
}

Result<const ChatTemplate*> ChatTemplates::choose(bool with_tools) const {
  auto found = with_tools ? by_name_.find("tool_use") : by_name_.end();
  if (found == by_name_.end()) found = by_name_.find("");
  if (found != by_name_.end()) {
    if (!found->second.ok()) return found->second.error();
    return &*found->second;
  }
  if (by_name_.empty()) {
    return Error{ErrorCode::kUnsupported, "it comes without a chat template"};
  }
  std::string names;
  for (const auto& [name, parsed] : by_name_) names += (names.empty() ? "" : ", ") + name;
  return Error{ErrorCode::kUnsupported,
               fmt::format("it comes with several chat templates ({}) and no default", names)};
}

}  // namespace overtake
