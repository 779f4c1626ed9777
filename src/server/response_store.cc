#include "server/response_store.h"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <utility>

namespace overtake {
namespace {

// One response's items. A later turn keeps the earlier ones alive, so that a conversation does not
// break when its beginning is deleted or pushed out; bytes are counted as long as they are held.
struct Turn {
  Turn(std::shared_ptr<Turn> earlier, std::string in, std::string out, size_t* counter)
      : previous(std::move(earlier)), input(std::move(in)), output(std::move(out)), bytes(counter) {
    *bytes += input.size() + output.size();
  }
  ~Turn() {
    *bytes -= input.size() + output.size();
    // One by one: a long chain would otherwise go as deep into the stack.
    while (previous && previous.use_count() == 1) previous = std::exchange(previous->previous, {});
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  std::shared_ptr<Turn> previous;
  std::string input;
  std::string output;
  size_t* bytes;
};

class MemoryStore : public ResponseStore {
 public:
  explicit MemoryStore(ResponseStoreLimits limits) : limits_(limits) {}

  bool put(std::string_view tenant, StoredResponse response) override {
    const std::lock_guard lock(mutex_);
    const auto earlier = entries_.find(Key{tenant, response.previous_id});
    // Gone while this one was written: a conversation without its beginning must not pass for it.
    if (earlier == entries_.end() && !response.previous_id.empty()) return false;
    auto turn =
        std::make_shared<Turn>(earlier == entries_.end() ? nullptr : earlier->second.turn,
                               std::move(response.input), std::move(response.output), &bytes_);
    Key key{tenant, response.id};
    remove(key);
    bytes_ += response.body.size();
    ages_.push_back(key);
    entries_.emplace(std::move(key),
                     Entry{std::move(response.previous_id), std::move(response.conversation_id),
                           std::move(response.body), std::move(turn), std::prev(ages_.end()),
                           response.is_background});
    while (!ages_.empty() &&
           (entries_.size() > limits_.max_responses || bytes_ > limits_.max_bytes)) {
      remove(Key(ages_.front()));
    }
    return true;
  }

  std::optional<StoredResponse> find(std::string_view tenant, std::string_view id) const override {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(Key{tenant, id});
    if (at == entries_.end()) return std::nullopt;
    const Entry& entry = at->second;
    return StoredResponse{std::string(id),   entry.previous_id,  entry.conversation_id, entry.body,
                          entry.turn->input, entry.turn->output, entry.is_background};
  }

  std::optional<std::vector<std::string>> history(std::string_view tenant, std::string_view id,
                                                  size_t max_bytes) const override {
    const std::lock_guard lock(mutex_);
    const auto at = entries_.find(Key{tenant, id});
    if (at == entries_.end()) return std::nullopt;
    std::vector<std::string> out;
    size_t bytes = 0;
    for (const Turn* turn = at->second.turn.get(); turn && bytes <= max_bytes;
         turn = turn->previous.get()) {
      bytes += turn->output.size() + turn->input.size();
      out.push_back(turn->output);
      out.push_back(turn->input);
    }
    std::reverse(out.begin(), out.end());
    return out;
  }

  bool erase(std::string_view tenant, std::string_view id) override {
    const std::lock_guard lock(mutex_);
    return remove(Key{tenant, id});
  }

 private:
  using Key = std::pair<std::string, std::string>;  // tenant, id
  struct Entry {
    std::string previous_id;
    std::string conversation_id;
    std::string body;
    std::shared_ptr<Turn> turn;
    std::list<Key>::iterator age;
    bool is_background;
  };

  bool remove(const Key& key) {
    const auto at = entries_.find(key);
    if (at == entries_.end()) return false;
    bytes_ -= at->second.body.size();
    ages_.erase(at->second.age);
    entries_.erase(at);
    return true;
  }

  const ResponseStoreLimits limits_;
  mutable std::mutex mutex_;
  size_t bytes_ = 0;     // outlives the turns, which count on it
  std::list<Key> ages_;  // oldest first
  std::map<Key, Entry> entries_;
};

}  // namespace

std::shared_ptr<ResponseStore> make_memory_response_store(ResponseStoreLimits limits) {
  return std::make_shared<MemoryStore>(limits);
}

}  // namespace overtake
