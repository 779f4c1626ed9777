// BackgroundResponses: answers of POST /v1/responses that go on without their client, and the
// events by which one can be followed again. They live in memory and end with the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace overtake {

// One of them. Whoever holds it when it has been dropped finds it ended and without events.
struct BackgroundResponse {
  std::string tenant;
  std::string id;
  std::string input;  // its items, a JSON array's text

  std::string status;            // as KeptAnswer's
  std::string body;              // the response as it is now; empty: the ResponseStore has it
  bool ended = false;            // no more events will come
  std::function<void()> cancel;  // empty once it has ended
  // The response with what it has said so far; empty once it has ended.
  std::function<std::string()> so_far;

  // Server-sent events; the first of them has the number `first_event`.
  std::deque<std::string> events;
  int64_t first_event = 0;
  int64_t end_event() const { return first_event + static_cast<int64_t>(events.size()); }

  // Called after each change, until its reader takes it away.
  std::map<const void*, std::function<void()>> watchers;

  std::list<std::shared_ptr<BackgroundResponse>>::iterator age;  // of one that has ended
};

struct BackgroundLimits {
  size_t max_running = 64;
  size_t max_ended = 10'000;
  size_t max_bytes = 128u << 20;  // of all texts together
};

// Event loop's thread only. No tenant sees or reaches another's. Where a limit is reached those go
// that ended first, then the oldest events of the one that grows.
class BackgroundResponses {
 public:
  explicit BackgroundResponses(BackgroundLimits limits = {}) : limits_(limits) {}
  ~BackgroundResponses();  // those that run end with it, unheard
  BackgroundResponses(const BackgroundResponses&) = delete;

  // Whether one more may run: what those that do can not let go of fills half the room at most.
  bool has_room() const;
  std::shared_ptr<BackgroundResponse> add(std::string tenant, std::string id, std::string input);
  std::shared_ptr<BackgroundResponse> find(std::string_view tenant, std::string_view id) const;
  // Cancels it if it runs. Whether it was there.
  bool erase(std::string_view tenant, std::string_view id);

  void set_state(BackgroundResponse& response, std::string status, std::string body);
  // Whole server-sent events, any number of them.
  void append(BackgroundResponse& response, std::string_view events);
  // After its last event.
  void end(const std::shared_ptr<BackgroundResponse>& response);

 private:
  using Key = std::pair<std::string, std::string>;  // tenant, id
  static size_t bytes_of(const BackgroundResponse& response);
  void drop(const std::shared_ptr<BackgroundResponse>& response);
  void drop_first_event(BackgroundResponse& response);
  void make_room(BackgroundResponse* growing);

  BackgroundLimits limits_;
  size_t bytes_ = 0;
  std::set<const BackgroundResponse*> running_;
  std::map<Key, std::shared_ptr<BackgroundResponse>> responses_;
  std::list<std::shared_ptr<BackgroundResponse>> ended_;  // the first that ended first
};

}  // namespace overtake
