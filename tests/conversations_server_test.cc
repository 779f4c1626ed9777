// OpenAI's Conversations over the whole server, alone and under Responses.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/json.h"
#include "raw_client.h"
#include "scripted_generator.h"
#include "server/router.h"

namespace overtake {
namespace {

using testing::post;
using testing::RawClient;
using testing::ScriptedGenerator;

struct Reply {
  int status;
  Json body;
};

class ConversationsServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    scripted_->set("", {.n_tokens = 2});
    scripted_->set("fails", {.n_tokens = 2, .fail = Error{ErrorCode::kUnavailable, "gone"}});
    context_->generators = {scripted_};
    context_->allowed_hosts = hosts_of("127.0.0.1");
    HttpServerOptions options;
    options.port = 0;
    auto server = HttpServer::listen(options, make_router(context_));
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  void TearDown() override {
    if (!thread_.joinable()) return;
    server_->stop(0);
    thread_.join();
  }

  Reply ask(const std::string& bytes) {
    const auto response = RawClient(server_->port()).ask(bytes);
    return {response.status, parse_json(response.body, "answer").value()};
  }
  Reply send(const std::string& path, const Json& body) {
    return ask(post("/v1/" + path, dump_json(body)));
  }
  Reply get(const std::string& path) { return ask(testing::get("/v1/" + path)); }
  Reply erase(const std::string& path) {
    return ask("DELETE /v1/" + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  std::string begin(const Json& body = Json::object()) {
    const Reply reply = send("conversations", body);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return "conversations/" + reply.body.value("id", "");
  }
  static Json message(const std::string& text) { return {{"role", "user"}, {"content", text}}; }

  std::shared_ptr<ScriptedGenerator> scripted_ = std::make_shared<ScriptedGenerator>();
  std::shared_ptr<ServerContext> context_ = std::make_shared<ServerContext>();
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(ConversationsServerTest, AreMadeChangedAndDeleted) {
  const std::string at = begin({{"metadata", {{"k", "v"}}}});
  const Json made = get(at).body;
  EXPECT_TRUE(made["id"].get<std::string>().starts_with("conv_"));
  EXPECT_EQ(made["object"], "conversation");
  EXPECT_EQ(made["metadata"]["k"], "v");
  EXPECT_GT(made["created_at"], 1'700'000'000);
  EXPECT_EQ(send(at, {{"metadata", {{"k", "w"}}}}).body["metadata"]["k"], "w");
  EXPECT_EQ(get(at).body["created_at"], made["created_at"]);
  const Reply deleted = erase(at);
  EXPECT_EQ(deleted.body["object"], "conversation.deleted");
  EXPECT_EQ(deleted.body["deleted"], true);
  for (const Reply& gone :
       {get(at), erase(at), send(at, {{"metadata", nullptr}}), get(at + "/items"),
        send(at + "/items", {{"items", {message("a")}}}), erase(at + "/items/x")}) {
    EXPECT_EQ(gone.status, 404);
    EXPECT_EQ(gone.body["error"]["code"], "conversation_not_found");
  }
}

TEST_F(ConversationsServerTest, ItemsAreAddedListedAndTakenAway) {
  const std::string at = begin({{"items", {message("0")}}}) + "/items";
  Json more = Json::array({message("1"), message("2")});
  more[0]["id"] = "mine";  // every item has an id of its own
  more.push_back({{"type", "function_call"}, {"call_id", "c"}, {"name", "f"}, {"arguments", "{}"}});
  const Reply added = send(at, {{"items", more}});
  ASSERT_EQ(added.status, 200) << added.body;
  EXPECT_EQ(added.body["data"].size(), 3u);
  EXPECT_EQ(added.body["data"][2]["status"], "completed");
  const std::string id = added.body["first_id"];
  EXPECT_NE(id, "mine");
  EXPECT_EQ(get(at + "/" + id).body["content"][0]["text"], "1");
  const Json page = get(at + "?limit=2&order=asc").body;
  EXPECT_EQ(page["data"][0]["content"][0]["text"], "0");
  EXPECT_EQ(page["last_id"], id);
  EXPECT_EQ(page["has_more"], true);
  EXPECT_EQ(get(at + "?order=asc&after=" + id).body["data"].size(), 2u);
  EXPECT_EQ(erase(at + "/" + id).body["object"], "conversation");
  EXPECT_EQ(get(at).body["data"].size(), 3u);
  EXPECT_EQ(get(at + "/" + id).body["error"]["code"], "item_not_found");
  EXPECT_EQ(erase(at + "/" + id).body["error"]["code"], "item_not_found");
  EXPECT_EQ(erase(at).status, 405);
  EXPECT_EQ(send(at + "/" + id, Json::object()).status, 405);
}

TEST_F(ConversationsServerTest, WhatIsWrongIsNamed) {
  const std::string at = begin();
  const auto refused = [&](const std::string& path, const Json& body) {
    const Reply reply = send(path, body);
    EXPECT_EQ(reply.status, 400) << body;
    return reply.body["error"]["param"];
  };
  const Json many(std::vector<Json>(21, message("a")));
  EXPECT_EQ(refused("conversations", {{"items", many}}), "items");
  EXPECT_EQ(refused("conversations", {{"items", "a"}}), "items");
  EXPECT_EQ(refused("conversations", {{"metadata", {{"k", 1}}}}), "metadata");
  EXPECT_EQ(refused("conversations", {{"metadata", {{"k", std::string(513, 'a')}}}}), "metadata");
  EXPECT_EQ(refused(at, Json::object()), "metadata");
  EXPECT_EQ(refused(at + "/items", Json::object()), "items");
  EXPECT_EQ(refused(at + "/items", {{"items", Json::array()}}), "items");
  EXPECT_EQ(refused(at + "/items", {{"items", {message("a"), 1}}}), "items[1]");
  EXPECT_EQ(refused(at + "/items", {{"items", {{{"content", "x"}}}}}), "items[0].type");
  EXPECT_EQ(get(at + "/items").body["data"].size(), 0u);
  EXPECT_EQ(send("conversations", Json::array()).status, 400);
}

TEST_F(ConversationsServerTest, ResponsesGoOnInTheirConversation) {
  const std::string at = begin({{"items", {message("before")}}});
  const std::string id = at.substr(at.find('/') + 1);
  const Reply first = send("responses", {{"input", "hi"}, {"conversation", id}});
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(first.body["conversation"], (Json{{"id", id}}));
  const auto texts = [&] {
    std::string out;
    const Json list = get(at + "/items?order=asc").body;
    for (const Json& item : list["data"]) {
      out += item["content"][0]["text"].get<std::string>() + "|";
    }
    return out;
  };
  EXPECT_EQ(texts(), "before|hi| 0 1|");
  EXPECT_EQ(get(at + "/items").body["first_id"], first.body["output"][0]["id"]);
  Json more{{"input", "on"}, {"conversation", {{"id", id}}}, {"store", false}, {"stream", true}};
  EXPECT_EQ(RawClient(server_->port()).ask(post("/v1/responses", dump_json(more))).status, 200);
  EXPECT_EQ(texts(), "before|hi| 0 1|on| 0 1|");
  // The input may be left out, as there is something to answer.
  EXPECT_EQ(send("responses", {{"conversation", id}, {"store", false}}).status, 200);
  EXPECT_EQ(texts(), "before|hi| 0 1|on| 0 1| 0 1|");
  const Json failing{{"conversation", id}, {"input", "x"}, {"metadata", {{"workload", "fails"}}}};
  EXPECT_EQ(send("responses", failing).status, 503);
  EXPECT_EQ(texts(), "before|hi| 0 1|on| 0 1| 0 1|");
  // By itself a response of a conversation has no beginning.
  const Json alone{{"previous_response_id", first.body["id"]}, {"input", "x"}};
  EXPECT_EQ(send("responses", alone).body["error"]["param"], "previous_response_id");
  erase(at);
  const Reply gone = send("responses", {{"input", "hi"}, {"conversation", id}});
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.body["error"]["code"], "conversation_not_found");
}

TEST_F(ConversationsServerTest, AnEmptyConversationNeedsAnInput) {
  const std::string at = begin();
  const Json body{{"conversation", at.substr(at.find('/') + 1)}, {"instructions", "i"}};
  EXPECT_EQ(send("responses", body).body["error"]["param"], "input");
}

// Within and without the conversation that they are of.
TEST_F(ConversationsServerTest, ItemsOfConversationsMayBeReferredTo) {
  const std::string at = begin({{"items", {message("a word of its own")}}});
  const Json item = get(at + "/items").body["data"][0];
  Json body{{"input", {{{"type", "item_reference"}, {"id", item["id"]}}}}};
  const Reply reply = send("responses", body);
  ASSERT_EQ(reply.status, 200) << reply.body;
  const std::string id = reply.body["id"];
  const Json kept = get("responses/" + id + "/input_items").body["data"];
  EXPECT_EQ(kept[0]["content"][0]["text"], "a word of its own");
  EXPECT_EQ(erase(at + "/items/" + item["id"].get<std::string>()).status, 200);
  EXPECT_EQ(send("responses", body).status, 404);
}

}  // namespace
}  // namespace overtake
