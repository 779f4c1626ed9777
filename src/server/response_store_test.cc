#include "server/response_store.h"

#include <gtest/gtest.h>

namespace overtake {
namespace {

StoredResponse response(std::string id, std::string previous = {}) {
  return {id, std::move(previous), "", "{}", "[\"in " + id + "\"]", "[\"out " + id + "\"]"};
}

TEST(ResponseStore, GivesBackWhatWasPut) {
  const auto store = make_memory_response_store();
  store->put("", response("a"));
  ASSERT_TRUE(store->find("", "a"));
  EXPECT_EQ(store->find("", "a")->output, "[\"out a\"]");
  EXPECT_FALSE(store->find("", "b"));
  EXPECT_TRUE(store->erase("", "a"));
  EXPECT_FALSE(store->erase("", "a"));
}

TEST(ResponseStore, NoTenantReachesAnothers) {
  const auto store = make_memory_response_store();
  store->put("one", response("a"));
  EXPECT_FALSE(store->find("two", "a"));
  EXPECT_FALSE(store->history("two", "a", 100));
  EXPECT_FALSE(store->erase("two", "a"));
  store->put("two", response("b", "a"));  // goes on from what is not its own
  EXPECT_FALSE(store->find("two", "b"));
  EXPECT_TRUE(store->find("one", "a"));
}

TEST(ResponseStore, AConversationOutlivesItsDeletedBeginning) {
  const auto store = make_memory_response_store();
  store->put("", response("a"));
  store->put("", response("b", "a"));
  store->erase("", "a");
  const std::vector<std::string> all = {"[\"in a\"]", "[\"out a\"]", "[\"in b\"]", "[\"out b\"]"};
  EXPECT_EQ(store->history("", "b", 100), all);
  EXPECT_EQ(store->history("", "b", 10)->size(), 2u);  // no more than it takes to be too much
  store->put("", response("c", "a"));  // whose beginning is gone: never a conversation without it
  EXPECT_FALSE(store->put("", response("d", "a")));
  EXPECT_FALSE(store->find("", "c"));
}

TEST(ResponseStore, TheOldestGoWhereALimitIsReached) {
  const auto few = make_memory_response_store({.max_responses = 2});
  for (const char* id : {"a", "b", "c"}) few->put("", response(id));
  EXPECT_FALSE(few->find("", "a"));
  EXPECT_TRUE(few->find("", "b") && few->find("", "c"));
  const auto small = make_memory_response_store({.max_bytes = 100});
  StoredResponse large = response("d");
  large.input = std::string(60, ' ');
  small->put("", large);
  small->put("", response("e"));
  large.id = "f";
  small->put("", large);
  EXPECT_FALSE(small->find("", "d"));
  EXPECT_TRUE(small->find("", "f"));
}

// What a chain holds is counted, and a long one ends without a deep stack.
TEST(ResponseStore, LongConversationsAreBoundedToo) {
  const auto store = make_memory_response_store({.max_responses = 10, .max_bytes = 4u << 20});
  std::string last;
  for (int i = 0; i < 100'000; ++i) {
    store->put("", response(std::to_string(i), last));
    last = store->find("", std::to_string(i)) ? std::to_string(i) : "";
  }
  EXPECT_TRUE(store->erase("", last) || last.empty());
}

}  // namespace
}  // namespace overtake
