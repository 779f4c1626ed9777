#include "wire/openai/call_ids.h"

#include <fmt/core.h>

#include <utility>

namespace overtake::openai {

std::string CallIds::id_of(const ToolCall& call) {
  if (!call.id.empty()) return call.id;
  std::string id = fmt::format("call_{}", n_made_++);
  open_.push_back({call.name, id});
  return id;
}

std::string CallIds::answered_by(const Message& message) {
  if (!message.tool_call_id.empty()) return message.tool_call_id;
  for (auto call = open_.begin(); call != open_.end(); ++call) {
    if (!message.name.empty() && call->name != message.name) continue;
    std::string id = std::move(call->id);
    open_.erase(call);
    return id;
  }
  return {};
}

}  // namespace overtake::openai
