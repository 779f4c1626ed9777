#include "server/background_responses.h"

#include <algorithm>
#include <vector>

#include "base/check.h"

namespace overtake {
namespace {

// What an event takes besides its text, about.
constexpr size_t kOverheadBytes = 48;

// Watchers may go, and take others along, while they are called.
void wake_watchers(const BackgroundResponse& response) {
  std::vector<std::function<void()>> watchers;
  for (const auto& [owner, watcher] : response.watchers) watchers.push_back(watcher);
  for (const auto& watcher : watchers) watcher();
}

}  // namespace

size_t BackgroundResponses::bytes_of(const BackgroundResponse& response) {
  size_t bytes = response.input.size() + response.body.size();
  for (const std::string& event : response.events) bytes += kOverheadBytes + event.size();
  return bytes;
}

BackgroundResponses::~BackgroundResponses() {
  for (const auto& [key, response] : responses_) {
    response->so_far = {};
    response->cancel = {};
  }
}

bool BackgroundResponses::has_room() const {
  size_t bytes = 0;
  for (const BackgroundResponse* each : running_) bytes += each->input.size() + each->body.size();
  return running_.size() < limits_.max_running && bytes <= limits_.max_bytes / 2;
}

std::shared_ptr<BackgroundResponse> BackgroundResponses::add(std::string tenant, std::string id,
                                                             std::string input) {
  auto response = std::make_shared<BackgroundResponse>();
  response->tenant = std::move(tenant);
  response->id = std::move(id);
  response->input = std::move(input);
  running_.insert(response.get());
  bytes_ += response->input.size();
  responses_[{response->tenant, response->id}] = response;
  make_room(response.get());
  return response;
}

std::shared_ptr<BackgroundResponse> BackgroundResponses::find(std::string_view tenant,
                                                              std::string_view id) const {
  const auto at = responses_.find(Key{tenant, id});
  return at == responses_.end() ? nullptr : at->second;
}

bool BackgroundResponses::erase(std::string_view tenant, std::string_view id) {
  const auto response = find(tenant, id);
  if (!response) return false;
  if (const auto cancel = response->cancel) cancel();
  OVERTAKE_CHECK(response->ended);
  if (find(tenant, id)) drop(response);  // it may have had to go as it ended
  return true;
}

void BackgroundResponses::set_state(BackgroundResponse& response, std::string status,
                                    std::string body) {
  bytes_ -= response.body.size();
  bytes_ += body.size();
  response.status = std::move(status);
  response.body = std::move(body);
  make_room(&response);
}

void BackgroundResponses::append(BackgroundResponse& response, std::string_view events) {
  while (!events.empty()) {
    const size_t end = std::min(events.find("\n\n"), events.size() - 2) + 2;
    response.events.emplace_back(events.substr(0, end));
    bytes_ += kOverheadBytes + end;
    events.remove_prefix(end);
  }
  make_room(&response);
  wake_watchers(response);
}

void BackgroundResponses::end(const std::shared_ptr<BackgroundResponse>& response) {
  response->ended = true;
  response->so_far = {};
  response->cancel = {};
  running_.erase(response.get());
  ended_.push_back(response);
  response->age = std::prev(ended_.end());
  make_room(nullptr);
  wake_watchers(*response);
}

// `response` has ended.
void BackgroundResponses::drop(const std::shared_ptr<BackgroundResponse>& response) {
  const auto held = response;
  bytes_ -= bytes_of(*held);
  held->first_event = held->end_event();
  held->events.clear();
  held->body.clear();
  held->input.clear();
  ended_.erase(held->age);
  responses_.erase(Key{held->tenant, held->id});
  wake_watchers(*held);
}

void BackgroundResponses::drop_first_event(BackgroundResponse& response) {
  bytes_ -= kOverheadBytes + response.events.front().size();
  response.events.pop_front();
  ++response.first_event;
}

void BackgroundResponses::make_room(BackgroundResponse* growing) {
  while (!ended_.empty() && (ended_.size() > limits_.max_ended || bytes_ > limits_.max_bytes)) {
    drop(std::shared_ptr(ended_.front()));
  }
  while (growing && bytes_ > limits_.max_bytes && !growing->events.empty()) {
    drop_first_event(*growing);
  }
}

}  // namespace overtake
