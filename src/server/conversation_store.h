// ConversationStore: the items that clients keep under POST /v1/conversations. As with the
// ResponseStore there is no database yet: it lives in memory and ends with the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overtake {

struct Conversation {
  std::string id;
  int64_t created_s = 0;  // since 1970
  std::string metadata;   // a JSON object's text; the store does not look into it
};

struct ConversationItem {
  std::string id;    // of its own among the tenant's items
  std::string body;  // a JSON object's text
};

enum class AppendResult { kAppended, kNotFound, kFull };

// Thread-safe. No tenant sees or reaches another's.
class ConversationStore {
 public:
  virtual ~ConversationStore() = default;
  virtual void put(std::string_view tenant, Conversation conversation) = 0;
  virtual std::optional<Conversation> find(std::string_view tenant, std::string_view id) const = 0;
  // Whether it was there; so in all that follow.
  virtual bool set_metadata(std::string_view tenant, std::string_view id, std::string metadata) = 0;
  virtual bool erase(std::string_view tenant, std::string_view id) = 0;

  // All of them or none.
  virtual AppendResult append(std::string_view tenant, std::string_view id,
                              std::vector<ConversationItem> items) = 0;
  // Oldest first. nullopt: there is no such conversation.
  virtual std::optional<std::vector<ConversationItem>> items(std::string_view tenant,
                                                             std::string_view id) const = 0;
  virtual bool erase_item(std::string_view tenant, std::string_view id,
                          std::string_view item_id) = 0;
  // The body of an item, in whichever conversation it is.
  virtual std::optional<std::string> find_item(std::string_view tenant,
                                               std::string_view item_id) const = 0;
};

struct ConversationStoreLimits {
  size_t max_conversations = 10'000;
  size_t max_bytes = 256u << 20;  // of all texts together
  // One that holds more takes no more items: no model reads more than one request's bytes again.
  size_t max_conversation_bytes = 16u << 20;
};
// Where a limit is reached those go that were not written to for longest.
std::shared_ptr<ConversationStore> make_memory_conversation_store(
    ConversationStoreLimits limits = {});

}  // namespace overtake
