// Responses in the background over the whole server: they outlive their client, can be followed,
// and end when they are told to.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "served.h"

namespace overtake {
namespace {

using testing::now_ms;
using testing::RawClient;
using testing::Script;

class BackgroundTest : public testing::Served {
 protected:
  static std::string question(const std::string& workload, bool stream = false) {
    Json body{{"input", "hi"}, {"background", true}, {"stream", stream}};
    body["metadata"]["workload"] = workload;
    return dump_json(body);
  }
  // The response's id; the answer to its making is "queued".
  std::string begin(const std::string& workload) {
    const auto made = ask_post("/v1/responses", question(workload));
    EXPECT_EQ(made.status, 200) << made.body;
    const Json body = Json::parse(made.body);
    EXPECT_EQ(body.value("status", ""), "queued");
    EXPECT_EQ(body["background"], true);
    EXPECT_EQ(body["output"], Json::array());
    return body.value("id", "");
  }
  Json retrieve(const std::string& id) { return Json::parse(ask_get("/v1/responses/" + id).body); }
  Json retrieve_in(const std::string& id, const std::string& status) {
    for (const int64_t limit = now_ms() + 10'000; now_ms() < limit;) {
      Json body = retrieve(id);
      if (body.value("status", "") == status) return body;
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    ADD_FAILURE() << "never " << status;
    return retrieve(id);
  }
  RawClient::Response cancel(const std::string& id) {
    return ask_post("/v1/responses/" + id + "/cancel", "{}");
  }
  RawClient::Response erase(const std::string& id) {
    return RawClient(server_->port())
        .ask("DELETE /v1/responses/" + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  }
  std::vector<Json> follow(const std::string& id, const std::string& more = "") {
    return events_of(ask_get("/v1/responses/" + id + "?stream=true" + more).body);
  }
  static std::vector<Json> events_of(const std::string& body) {
    std::vector<Json> out;
    for (size_t at = body.find("data: "); at != body.npos; at = body.find("data: ", at + 1)) {
      out.push_back(Json::parse(body.substr(at + 6, body.find("\n\n", at) - at - 6)));
    }
    return out;
  }
};

TEST_F(BackgroundTest, GoesOnWithoutItsClientAndIsKept) {
  scripted_->set("slow", {.n_tokens = 100});
  const std::string id = begin("slow");
  Json running = retrieve_in(id, "in_progress");
  while (running["status"] == "in_progress" && running["output"].empty()) running = retrieve(id);
  const std::string so_far = running["output"][0]["content"][0]["text"];
  EXPECT_EQ(running["status"], "in_progress");
  EXPECT_TRUE(running["usage"].is_null());
  // What is not whole can not be gone on from.
  const std::string next = dump_json({{"input", "more"}, {"previous_response_id", id}});
  const auto early = ask_post("/v1/responses", next);
  EXPECT_EQ(early.status, 400);
  EXPECT_EQ(Json::parse(early.body)["error"]["param"], "previous_response_id");
  EXPECT_EQ(Json::parse(ask_get("/v1/responses/" + id + "/input_items").body)["data"].size(), 1u);

  const Json done = retrieve_in(id, "completed");
  EXPECT_EQ(done["output"][0]["content"][0]["text"].get<std::string>().substr(0, 6), " 0 1 2");
  EXPECT_EQ(done["output"][0]["content"][0]["text"].get<std::string>().substr(0, so_far.size()),
            so_far);
  EXPECT_EQ(done["usage"]["output_tokens"], 100);
  EXPECT_EQ(done["background"], true);
  scripted_->set("", {.n_tokens = 1});
  EXPECT_EQ(ask_post("/v1/responses", next).status, 200);
  EXPECT_EQ(erase(id).status, 200);
  EXPECT_EQ(ask_get("/v1/responses/" + id).status, 404);
  EXPECT_EQ(ask_get("/v1/responses/" + id + "?stream=true").status, 404);
}

TEST_F(BackgroundTest, CanBeFollowedFromAnyEvent) {
  scripted_->set("slow", {.n_tokens = 50});
  const std::string id = begin("slow");
  const auto all = follow(id);  // while it runs
  ASSERT_GT(all.size(), 50u);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i]["sequence_number"], i);
  EXPECT_EQ(all[0]["type"], "response.created");
  EXPECT_EQ(all[1]["type"], "response.queued");
  EXPECT_EQ(all[2]["type"], "response.in_progress");
  EXPECT_EQ(all.back()["type"], "response.completed");
  EXPECT_EQ(all.back()["response"], retrieve(id));
  EXPECT_EQ(follow(id), all);  // once it has ended
  EXPECT_EQ(follow(id, "&starting_after=10"), std::vector<Json>(all.begin() + 11, all.end()));
  EXPECT_TRUE(follow(id, "&starting_after=1000").empty());
  for (const char* wrong : {"x", "-1", "", "9223372036854775807"}) {
    const auto refused =
        ask_get("/v1/responses/" + id + "?stream=true&starting_after=" + std::string(wrong));
    EXPECT_EQ(refused.status, 400);
    EXPECT_EQ(Json::parse(refused.body)["error"]["param"], "starting_after");
  }
}

TEST_F(BackgroundTest, AStreamsClientMayLeaveAndComeBack) {
  scripted_->set("slow", {.n_tokens = 300});
  std::string seen;
  {
    RawClient client(server_->port());
    client.send(testing::post("/v1/responses", question("slow", true)));
    seen = client.read_until("response.output_text.delta");
    client.reset();
  }
  const size_t at = seen.find("\"id\":\"") + 6;
  const std::string id = seen.substr(at, seen.find('"', at) - at);
  const auto all = follow(id);
  EXPECT_EQ(all.back()["type"], "response.completed");
  EXPECT_FALSE(scripted_->cancelled_at_ms("slow"));
  EXPECT_EQ(retrieve(id)["usage"]["output_tokens"], 300);
}

TEST_F(BackgroundTest, ManyMayFollowAndOneThatReadsSlowlyHoldsNobodyUp) {
  scripted_->set("long", {.n_tokens = 20'000, .tokens_per_step = 200});
  RawClient slow(server_->port(), 4096);
  slow.send(testing::post("/v1/responses", question("long", true)));
  const std::string seen = slow.read_until("response.output_text.delta");
  const size_t at = seen.find("\"id\":\"") + 6;
  const std::string id = seen.substr(at, seen.find('"', at) - at);
  const auto quick = follow(id);
  EXPECT_EQ(quick.back()["type"], "response.completed");
  const std::string rest = slow.read_until("event: response.completed");
  EXPECT_FALSE(rest.empty());
}

TEST_F(BackgroundTest, IsCancelledOnceAndForAll) {
  scripted_->set("endless", {});
  const std::string id = begin("endless");
  retrieve_in(id, "in_progress");
  RawClient follower(server_->port());
  follower.send(testing::get("/v1/responses/" + id + "?stream=true"));
  follower.read_until("response.output_text.delta");
  const int64_t since = now_ms();
  const auto cancelled = cancel(id);
  EXPECT_EQ(cancelled.status, 200);
  const Json body = Json::parse(cancelled.body);
  EXPECT_EQ(body["status"], "cancelled");
  EXPECT_EQ(body["output"][0]["status"], "incomplete");
  EXPECT_EQ(Json::parse(cancel(id).body), body);
  EXPECT_EQ(retrieve(id), body);
  const std::string last = follower.read_until("event: error");
  EXPECT_FALSE(last.empty());
  EXPECT_FALSE(follower.read_until("0\r\n\r\n").empty());  // and the stream's end
  while (scripted_->live() > 0 && now_ms() < since + 10'000) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(scripted_->cancelled_at_ms("endless"));
  EXPECT_LT(*scripted_->cancelled_at_ms("endless") - since, 2'000);
  EXPECT_EQ(follow(id).back()["type"], "error");
  EXPECT_EQ(follow(id).back()["code"], "cancelled");
}

TEST_F(BackgroundTest, OnlyWhatRunsInTheBackgroundIsCancelled) {
  scripted_->set("", {.n_tokens = 2});
  const Json plain = Json::parse(ask_post("/v1/responses", R"({"input":"a"})").body);
  const auto refused = cancel(plain["id"]);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(refused.body, ::testing::HasSubstr("Cannot cancel a synchronous response"));
  const auto unseen = ask_get("/v1/responses/" + plain["id"].get<std::string>() + "?stream=true");
  EXPECT_EQ(unseen.status, 400);
  EXPECT_EQ(Json::parse(unseen.body)["error"]["param"], "stream");
  EXPECT_EQ(cancel("resp_none").status, 404);
  EXPECT_EQ(ask_post("/v1/responses/resp_none", "{}").status, 404);
  const std::string id = begin("");
  const Json done = retrieve_in(id, "completed");
  EXPECT_EQ(Json::parse(cancel(id).body), done);
  const auto compact = ask_post("/v1/responses/compact", R"({"model":"null","input":"a"})");
  EXPECT_EQ(compact.status, 400);
  EXPECT_EQ(Json::parse(compact.body)["error"]["code"], "unsupported_operation");
}

TEST_F(BackgroundTest, DeletingOneThatRunsCancelsIt) {
  scripted_->set("endless", {});
  const std::string id = begin("endless");
  retrieve_in(id, "in_progress");
  EXPECT_EQ(erase(id).status, 200);
  EXPECT_EQ(ask_get("/v1/responses/" + id).status, 404);
  EXPECT_EQ(erase(id).status, 404);
  for (const int64_t limit = now_ms() + 10'000; scripted_->live() > 0 && now_ms() < limit;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(scripted_->live(), 0);
}

TEST_F(BackgroundTest, FailuresAreKeptAndAreNothingToGoOnFrom) {
  scripted_->set("late", {.n_tokens = 3, .fail = Error{ErrorCode::kUnavailable, "gone"}});
  scripted_->set("cut", {.n_tokens = 3, .finished = {FinishReason::kLength}});
  scripted_->set("never", {.refuse = Error{ErrorCode::kContextLength, "too long"}});
  const std::string id = begin("late");
  const Json failed = retrieve_in(id, "failed");
  EXPECT_EQ(failed["error"]["message"], "gone");
  EXPECT_EQ(follow(id).back()["type"], "response.failed");
  const auto next =
      ask_post("/v1/responses", dump_json({{"input", "a"}, {"previous_response_id", id}}));
  EXPECT_EQ(next.status, 400);
  EXPECT_EQ(retrieve_in(begin("cut"), "incomplete")["incomplete_details"]["reason"],
            "max_output_tokens");
  // What can not even begin is refused at once.
  EXPECT_EQ(ask_post("/v1/responses", question("never")).status, 400);
  Json unkept = Json::parse(question("late"));
  unkept["store"] = false;
  EXPECT_EQ(Json::parse(ask_post("/v1/responses", dump_json(unkept)).body)["error"]["param"],
            "background");
}

TEST_F(BackgroundTest, NoMoreRunThanMayAndRoomComesBack) {
  context_->background = std::make_shared<BackgroundResponses>(BackgroundLimits{.max_running = 2});
  scripted_->set("endless", {});
  const std::string first = begin("endless");
  begin("endless");
  const auto refused = ask_post("/v1/responses", question("endless"));
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(Json::parse(refused.body)["error"]["code"], "too_many_background_responses");
  cancel(first);
  begin("endless");
}

TEST_F(BackgroundTest, EventsThatHadToGoAreMissedByNameAndTheAnswerIsWhole) {
  context_->background =
      std::make_shared<BackgroundResponses>(BackgroundLimits{.max_bytes = 30'000});
  scripted_->set("long", {.n_tokens = 400, .tokens_per_step = 20});
  const std::string id = begin("long");
  const Json done = retrieve_in(id, "completed");
  EXPECT_EQ(done["usage"]["output_tokens"], 400);
  const auto late = ask_get("/v1/responses/" + id + "?stream=true");
  if (late.status == 200) {  // some of its events are there
    EXPECT_EQ(events_of(late.body).back()["type"], "error");
  } else {
    EXPECT_EQ(late.status, 400);
  }
}

TEST_F(BackgroundTest, TheServerStopsWhileSomeRunAndAreFollowed) {
  scripted_->set("endless", {});
  const std::string id = begin("endless");
  RawClient follower(server_->port());
  follower.send(testing::get("/v1/responses/" + id + "?stream=true"));
  follower.read_until("response.output_text.delta");
  server_->stop(50);
  EXPECT_FALSE(follower.read_until("event: error").empty());
  thread_.join();
}

TEST_F(BackgroundTest, AConversationGetsTheTurnWhenItIsWhole) {
  scripted_->set("slow", {.n_tokens = 20});
  const Json made = Json::parse(ask_post("/v1/conversations", "{}").body);
  const std::string conversation = made["id"];
  Json body = Json::parse(question("slow"));
  body["conversation"] = conversation;
  const Json response = Json::parse(ask_post("/v1/responses", dump_json(body)).body);
  retrieve_in(response["id"], "completed");
  const Json items =
      Json::parse(ask_get("/v1/conversations/" + conversation + "/items?order=asc").body);
  ASSERT_EQ(items["data"].size(), 2u);
  EXPECT_EQ(items["data"][0]["role"], "user");
  EXPECT_EQ(items["data"][1]["role"], "assistant");
}

}  // namespace
}  // namespace overtake
