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

// For each cut that leaves a proper conversation, the shortest first, the messages that go.
std::vector<std::vector<size_t>> cuts_of(const std::vector<Message>& messages) {
  const std::vector<Unit> units = units_of(messages);
  std::vector<std::vector<size_t>> cuts;
  std::vector<size_t> gone;
  bool user_stays = false;  // before the unit that is next
  for (size_t i = 0; i < units.size(); ++i) {
    if (units[i].stays) {
      user_stays = user_stays || units[i].is_users;
      continue;
    }
    gone.insert(gone.end(), units[i].messages.begin(), units[i].messages.end());
    const bool is_last = i + 1 == units.size();
    if (user_stays || is_last || units[i + 1].is_users || units[i + 1].stays) cuts.push_back(gone);
  }
  for (auto& cut : cuts) std::sort(cut.begin(), cut.end());
  return cuts;
}

template <typename T>
void erase_at(const std::vector<size_t>& gone, std::vector<T>* list) {
  size_t kept = 0;
  for (size_t i = 0; i < list->size(); ++i) {
    if (std::binary_search(gone.begin(), gone.end(), i)) continue;
    if (kept != i) (*list)[kept] = std::move((*list)[i]);
    ++kept;
  }
  list->erase(list->begin() + static_cast<ptrdiff_t>(kept), list->end());
}

class Truncation {
 public:
  Truncation(Generator& generator, wire::Call* call) : generator_(generator), call_(*call) {
    const int64_t context = generator.info().context_length;
    const int64_t room = call->request.max_tokens.value_or(kUsualRoom);
    limit_ = context - std::min(room, context / 4);
  }

  // nullopt: it can not be told here.
  std::optional<bool> fits(const std::vector<size_t>& gone) const {
    GenerateRequest request = call_.choice_request(0);
    erase_at(gone, &std::get<ChatPrompt>(request.prompt).messages);
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
  if (truncation.fits({}).value_or(true)) return 0;
  const auto cuts = cuts_of(chat->messages);
  // The shortest that fits: the longer a cut, the shorter the prompt.
  size_t low = 0;
  for (size_t high = cuts.size(); low < high;) {
    const size_t middle = (low + high) / 2;
    const auto fits = truncation.fits(cuts[middle]);
    if (!fits) return 0;
    (*fits ? high : low) = *fits ? middle : middle + 1;
  }
  if (low == cuts.size()) return 0;
  erase_at(cuts[low], &chat->messages);
  erase_at(cuts[low], &call->origins);
  return cuts[low].size();
}

}  // namespace overtake
