#include "server/conversation_store.h"

#include <algorithm>
#include <list>
#include <map>
#include <mutex>
#include <utility>

namespace overtake {
namespace {

// What an empty conversation and an item take besides their texts, about: neither is free.
constexpr size_t kOverheadBytes = 256;

size_t bytes_of(const ConversationItem& item) {
  return kOverheadBytes + item.id.size() + item.body.size();
}

class MemoryStore : public ConversationStore {
 public:
  explicit MemoryStore(ConversationStoreLimits limits) : limits_(limits) {}

  void put(std::string_view tenant, Conversation conversation) override {
    const std::lock_guard lock(mutex_);
    Key key{tenant, conversation.id};
    remove(key);
    Entry entry;
    grow(&entry, kOverheadBytes + conversation.metadata.size());
    entry.conversation = std::move(conversation);
    ages_.push_back(key);
    entry.age = std::prev(ages_.end());
    entries_.emplace(std::move(key), std::move(entry));
    make_room();
  }

  std::optional<Conversation> find(std::string_view tenant, std::string_view id) const override {
    const std::lock_guard lock(mutex_);
    const Entry* entry = entry_of(tenant, id);
    return entry ? std::optional(entry->conversation) : std::nullopt;
  }

  bool set_metadata(std::string_view tenant, std::string_view id, std::string metadata) override {
    const std::lock_guard lock(mutex_);
    Entry* entry = touched(tenant, id);
    if (!entry) return false;
    shrink(entry, entry->conversation.metadata.size());
    grow(entry, metadata.size());
    entry->conversation.metadata = std::move(metadata);
    make_room();
    return true;
  }

  bool erase(std::string_view tenant, std::string_view id) override {
    const std::lock_guard lock(mutex_);
    return remove(Key{tenant, id});
  }

  AppendResult append(std::string_view tenant, std::string_view id,
                      std::vector<ConversationItem> items) override {
    const std::lock_guard lock(mutex_);
    Entry* entry = touched(tenant, id);
    if (!entry) return AppendResult::kNotFound;
    if (entry->bytes > limits_.max_conversation_bytes) return AppendResult::kFull;
    for (ConversationItem& item : items) {
      grow(entry, bytes_of(item));
      entry->items.push_back(std::move(item));
      places_[Key{tenant, entry->items.back().id}] = {entry, std::prev(entry->items.end())};
    }
    make_room();
    return AppendResult::kAppended;
  }

  std::optional<std::vector<ConversationItem>> items(std::string_view tenant,
                                                     std::string_view id) const override {
    const std::lock_guard lock(mutex_);
    const Entry* entry = entry_of(tenant, id);
    if (!entry) return std::nullopt;
    return std::vector<ConversationItem>(entry->items.begin(), entry->items.end());
  }

  bool erase_item(std::string_view tenant, std::string_view id, std::string_view item_id) override {
    const std::lock_guard lock(mutex_);
    Entry* entry = touched(tenant, id);
    const auto place = places_.find(Key{tenant, item_id});
    if (!entry || place == places_.end() || place->second.entry != entry) return false;
    shrink(entry, bytes_of(*place->second.item));
    entry->items.erase(place->second.item);
    places_.erase(place);
    return true;
  }

  std::optional<std::string> find_item(std::string_view tenant,
                                       std::string_view item_id) const override {
    const std::lock_guard lock(mutex_);
    const auto place = places_.find(Key{tenant, item_id});
    if (place == places_.end()) return std::nullopt;
    return place->second.item->body;
  }

 private:
  using Key = std::pair<std::string, std::string>;  // tenant, id
  struct Entry {
    Conversation conversation;
    std::list<ConversationItem> items;
    size_t bytes = 0;
    std::list<Key>::iterator age;
  };
  struct Place {
    Entry* entry = nullptr;
    std::list<ConversationItem>::iterator item;
  };

  const Entry* entry_of(std::string_view tenant, std::string_view id) const {
    const auto at = entries_.find(Key{tenant, id});
    return at == entries_.end() ? nullptr : &at->second;
  }
  // The same, of one that is written to: the last to go.
  Entry* touched(std::string_view tenant, std::string_view id) {
    const auto at = entries_.find(Key{tenant, id});
    if (at == entries_.end()) return nullptr;
    ages_.splice(ages_.end(), ages_, at->second.age);
    return &at->second;
  }
  void grow(Entry* entry, size_t bytes) {
    entry->bytes += bytes;
    bytes_ += bytes;
  }
  void shrink(Entry* entry, size_t bytes) {
    entry->bytes -= bytes;
    bytes_ -= bytes;
  }
  void make_room() {
    while (!ages_.empty() &&
           (entries_.size() > limits_.max_conversations || bytes_ > limits_.max_bytes)) {
      remove(Key(ages_.front()));
    }
  }
  bool remove(const Key& key) {
    const auto at = entries_.find(key);
    if (at == entries_.end()) return false;
    for (const ConversationItem& item : at->second.items) {
      const auto place = places_.find(Key{key.first, item.id});
      if (place != places_.end() && place->second.entry == &at->second) places_.erase(place);
    }
    bytes_ -= at->second.bytes;
    ages_.erase(at->second.age);
    entries_.erase(at);
    return true;
  }

  const ConversationStoreLimits limits_;
  mutable std::mutex mutex_;
  size_t bytes_ = 0;
  std::list<Key> ages_;  // the one that was not written to for longest first
  std::map<Key, Entry> entries_;
  std::map<Key, Place> places_;  // of items
};

}  // namespace

std::shared_ptr<ConversationStore> make_memory_conversation_store(ConversationStoreLimits limits) {
  return std::make_shared<MemoryStore>(limits);
}

}  // namespace overtake
