#include "server/conversation_store.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

std::vector<ConversationItem> items(std::initializer_list<const char*> ids, size_t bytes = 2) {
  std::vector<ConversationItem> out;
  for (const char* id : ids) out.push_back({id, std::string(bytes, '1')});
  return out;
}

TEST(ConversationStore, KeepsItemsInTheirOrder) {
  const auto store = make_memory_conversation_store();
  EXPECT_EQ(store->append("", "c", items({"a"})), AppendResult::kNotFound);
  store->put("", {"c", 7, "{}"});
  EXPECT_EQ(store->append("", "c", items({"a", "b"})), AppendResult::kAppended);
  EXPECT_EQ(store->append("", "c", items({"d"})), AppendResult::kAppended);
  EXPECT_TRUE(store->erase_item("", "c", "b"));
  EXPECT_FALSE(store->erase_item("", "c", "b"));
  const auto kept = store->items("", "c");
  ASSERT_TRUE(kept);
  ASSERT_EQ(kept->size(), 2u);
  EXPECT_EQ((*kept)[0].id + (*kept)[1].id, "ad");
  EXPECT_TRUE(store->set_metadata("", "c", "{\"k\":\"v\"}"));
  EXPECT_EQ(store->find("", "c")->metadata, "{\"k\":\"v\"}");
  EXPECT_EQ(store->find("", "c")->created_s, 7);
  EXPECT_TRUE(store->erase("", "c"));
  EXPECT_FALSE(store->items("", "c") || store->find("", "c") || store->erase("", "c"));
}

TEST(ConversationStore, NoTenantReachesAnothers) {
  const auto store = make_memory_conversation_store();
  store->put("one", {"c", 0, "{}"});
  store->append("one", "c", items({"a"}));
  EXPECT_FALSE(store->find("two", "c") || store->items("two", "c"));
  EXPECT_EQ(store->append("two", "c", items({"b"})), AppendResult::kNotFound);
  EXPECT_FALSE(store->set_metadata("two", "c", "") || store->erase_item("two", "c", "a"));
  EXPECT_FALSE(store->erase("two", "c"));
  EXPECT_EQ(store->items("one", "c")->size(), 1u);
}

TEST(ConversationStore, ThoseLongestUntouchedGoWhereALimitIsReached) {
  const auto few = make_memory_conversation_store({.max_conversations = 2});
  few->put("", {"a", 0, "{}"});
  few->put("", {"b", 0, "{}"});
  few->append("", "a", items({"x"}));
  few->put("", {"c", 0, "{}"});
  EXPECT_TRUE(few->find("", "a") && few->find("", "c"));
  EXPECT_FALSE(few->find("", "b"));
  const auto small = make_memory_conversation_store({.max_bytes = 10'000});
  small->put("", {"a", 0, "{}"});
  small->put("", {"b", 0, "{}"});
  small->append("", "a", items({"x"}, 6'000));
  small->append("", "b", items({"y"}, 6'000));
  EXPECT_FALSE(small->find("", "a"));
  EXPECT_TRUE(small->find("", "b"));
  // What was taken away is room again.
  for (int i = 0; i < 100; ++i) {
    small->erase_item("", "b", "y");
    small->append("", "b", items({"y"}, 6'000));
  }
  EXPECT_TRUE(small->find("", "b"));
}

TEST(ConversationStore, AFullConversationTakesNoMore) {
  const auto store = make_memory_conversation_store({.max_conversation_bytes = 1'000});
  store->put("", {"c", 0, "{}"});
  EXPECT_EQ(store->append("", "c", items({"a"}, 2'000)), AppendResult::kAppended);
  EXPECT_EQ(store->append("", "c", items({"b"})), AppendResult::kFull);
  EXPECT_TRUE(store->erase_item("", "c", "a"));
  EXPECT_EQ(store->append("", "c", items({"b"})), AppendResult::kAppended);
}

}  // namespace
}  // namespace overtake
