#include "server/input_truncation.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace overtake {
namespace {

constexpr int64_t kUsualRoom = 1024;

bool is_instruction(const Message& message) {
  return message.role == Role::kSystem || message.role == Role::kDeveloper;
}

// What is said in one piece: a message, or one with calls and the outputs of these.
struct Unit {
  std::vector<size_t> messages;
  bool is_users = false;
  bool stays = false;
};

// Those that are no instructions, in the order of their beginnings.
std::vector<Unit> units_of(const std::vector<Message>& messages) {
  std::vector<Unit> units;
  std::map<std::string, size_t> calls;  // by id: the unit
  size_t last_user = messages.size();
  for (size_t i = 0; i < messages.size(); ++i) {
    const Message& message = messages[i];
    if (is_instruction(message)) continue;
    const auto call = calls.find(message.tool_call_id);
    if (message.role == Role::kTool && call != calls.end()) {
      units[call->second].messages.push_back(i);
      continue;
    }
    for (const ToolCall* each : message.tool_calls()) calls[each->id] = units.size();
    if (message.role == Role::kUser) last_user = units.size();
    units.push_back({{i}, message.role == Role::kUser});
  }
  if (last_user < units.size()) units[last_user].stays = true;
  for (Unit& unit : units) {
    unit.stays = unit.stays || unit.messages.back() + 1 == messages.size();
  }
  return units;
}

// In which order messages go, and after how many of them a proper conversation is left.
struct Cuts {
  std::vector<size_t> order;
  std::vector<size_t> lengths;  // rising
};

Cuts cuts_of(const std::vector<Message>& messages) {
  const std::vector<Unit> units = units_of(messages);
  Cuts cuts;
  bool user_stays = false;  // before the unit that is next
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i].stays) {
      user_stays = user_stays || units[i].is_users;
      continue;
    }
    cuts.order.insert(cuts.order.end(), units[i].messages.begin(), units[i].messages.end());
    const bool is_last = i + 1 == units.size();
    if (user_stays || is_last || units[i + 1].is_users || units[i + 1].stays) {
      cuts.lengths.push_back(cuts.order.size());
    }
  }
  return cuts;
}

// What stays when the first `n_gone` have gone; as true.
std::vector<bool> staying(const Cuts& cuts, size_t n_gone, size_t n_messages) {
  std::vector<bool> stays(n_messages, true);
  for (size_t i = 0; i < n_gone; ++i) stays[cuts.order[i]] = false;
  return stays;
}

template <typename T>
std::vector<T> kept_of(const std::vector<T>& list, const std::vector<bool>& stays) {
  std::vector<T> kept;
  for (size_t i = 0; i < list.size(); ++i) {
    if (stays[i]) kept.push_back(list[i]);
  }
  return kept;
}

class Truncation {
 public:
  Truncation(Generator& generator, wire::Call* call) : generator_(generator), call_(*call) {
    const int64_t context = generator.info().context_length;
    const int64_t room = call->request.max_tokens.value_or(kUsualRoom);
    limit_ = context - std::min(room, context / 4);
  }

  // nullopt: it can not be told here.
  std::optional<bool> fits(ChatPrompt prompt) const {
    GenerateRequest request = call_.request;
    request.prompt = std::move(prompt);
    auto answer = generator_.count_tokens(std::move(request));
    if (!answer.ok()) {
      if (answer.error().code == ErrorCode::kContextLength) return false;
      return std::nullopt;
    }
    const auto event = (*answer)->try_next();
    const auto* usage = event ? std::get_if<UsageEvent>(&*event) : nullptr;
    if (!usage) return std::nullopt;
    return usage->prompt_tokens <= limit_;
  }

 private:
  Generator& generator_;
  const wire::Call& call_;
  int64_t limit_;
};

}  // namespace

size_t truncate_input(Generator& generator, wire::Call* call) {
  auto* chat = std::get_if<ChatPrompt>(&call->prompts.front());
  if (!chat || generator.info().context_length <= 0) return 0;
  const Truncation truncation(generator, call);
  if (truncation.fits(*chat).value_or(true)) return 0;
  const size_t n_messages = chat->messages.size();
  const Cuts cuts = cuts_of(chat->messages);
  // The shortest that fits: the longer a cut, the shorter the prompt.
  size_t low = 0;
  for (size_t high = cuts.lengths.size(); low < high;) {
    const size_t middle = (low + high) / 2;
    ChatPrompt shorter = *chat;
    shorter.messages = kept_of(chat->messages, staying(cuts, cuts.lengths[middle], n_messages));
    const auto fits = truncation.fits(std::move(shorter));
    if (!fits) return 0;
    (*fits ? high : low) = *fits ? middle : middle + 1;
  }
  if (low == cuts.lengths.size()) return 0;
  const auto stays = staying(cuts, cuts.lengths[low], n_messages);
  chat->messages = kept_of(chat->messages, stays);
  if (call->origins.size() == n_messages) call->origins = kept_of(call->origins, stays);
  return cuts.lengths[low];
}

}  // namespace overtake
