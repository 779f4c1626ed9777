// OpenAI's Responses over the whole server: shape and order of answers, faults, what is stored.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/json.h"
#include "engine/null_generator.h"
#include "raw_client.h"
#include "scripted_generator.h"
#include "server/router.h"

namespace overtake {
namespace {

using testing::get;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::post;
using testing::RawClient;
using testing::ScriptedGenerator;

class ResponsesServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    context_->generators = {scripted_, make_null_generator()};
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

  RawClient::Response ask(const std::string& bytes) {
    return RawClient(server_->port()).ask(bytes);
  }
  RawClient::Response create(const Json& body) {
    return ask(post("/v1/responses", dump_json(body)));
  }
  static Json question(const std::string& workload, bool stream = false) {
    return Json{{"input", "hi"}, {"stream", stream}, {"metadata", {{"workload", workload}}}};
  }
  // The events of a stream; each is named by its type, and they are numbered from 0.
  static std::vector<Json> events_of(const std::string& body) {
    std::vector<Json> out;
    for (size_t at = 0; at < body.size();) {
      const size_t end = body.find("\n\n", at);
      const size_t data = body.find("\ndata: ", at);
      if (end == body.npos || data == body.npos) break;
      out.push_back(Json::parse(body.substr(data + 7, end - data - 7)));
      EXPECT_EQ(body.substr(at, data - at), "event: " + out.back()["type"].get<std::string>());
      EXPECT_EQ(out.back()["sequence_number"], out.size() - 1);
      at = end + 2;
    }
    return out;
  }
  static std::vector<std::string> types_of(const std::vector<Json>& events) {
    std::vector<std::string> out;
    for (const Json& event : events) {
      const std::string type = event["type"];
      if (out.empty() || out.back() != type) out.push_back(type);
    }
    return out;
  }

  std::shared_ptr<ScriptedGenerator> scripted_ = std::make_shared<ScriptedGenerator>();
  std::shared_ptr<ServerContext> context_ = std::make_shared<ServerContext>();
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

TEST_F(ResponsesServerTest, AnswersWithAWholeResponse) {
  scripted_->set("three", {.n_tokens = 3});
  const auto response = create(question("three"));
  ASSERT_EQ(response.status, 200) << response.body;
  const Json body = Json::parse(response.body);
  EXPECT_TRUE(body["id"].get<std::string>().starts_with("resp_"));
  EXPECT_EQ(body["object"], "response");
  EXPECT_EQ(body["status"], "completed");
  EXPECT_EQ(body["model"], "scripted");
  EXPECT_TRUE(body["error"].is_null() && body["incomplete_details"].is_null());
  EXPECT_EQ(body["output"][0]["type"], "message");
  EXPECT_EQ(body["output"][0]["content"][0]["text"], " 0 1 2");
  EXPECT_EQ(body["usage"]["output_tokens"], 3);
  EXPECT_EQ(body["usage"]["total_tokens"], 4);
  EXPECT_EQ(body["tool_choice"], "auto");
  EXPECT_EQ(body["text"]["format"]["type"], "text");
}

TEST_F(ResponsesServerTest, StreamsEveryEventInItsOrder) {
  scripted_->set("three", {.n_tokens = 3});
  const auto events = events_of(create(question("three", true)).body);
  EXPECT_EQ(
      types_of(events),
      (std::vector<std::string>{
          "response.created", "response.in_progress", "response.output_item.added",
          "response.content_part.added", "response.output_text.delta", "response.output_text.done",
          "response.content_part.done", "response.output_item.done", "response.completed"}));
  EXPECT_EQ(events.front()["response"]["output"], Json::array());
  const Json& last = events.back()["response"];
  const std::string id = last["output"][0]["id"];
  std::string text;
  for (const Json& event : events) {
    if (event["type"] == "response.output_text.delta") {
      EXPECT_EQ(event["item_id"], id);
      EXPECT_EQ(event["output_index"], 0);
      EXPECT_EQ(event["content_index"], 0);
      EXPECT_EQ(event["logprobs"], Json::array());
      text += event["delta"];
    }
  }
  EXPECT_EQ(text, " 0 1 2");
  EXPECT_EQ(last["output"][0]["content"][0]["text"], text);
}

TEST_F(ResponsesServerTest, StreamsReasoningAndCallsThatComeSideBySide) {
  scripted_->set("tools",
                 {.n_tokens = 0,
                  .first = {ReasoningEvent{"hm", "sig"}, TextEvent{"so", {}},
                            ToolEvent{0, "a", "f", "{\"x\"", {}}, ToolEvent{1, "", "g", "{}", {}},
                            ToolEvent{0, "", "", ":1}", {}}},
                  .finished = {FinishReason::kToolCalls}});
  const auto events = events_of(create(question("tools", true)).body);
  ASSERT_EQ(events.back()["type"], "response.completed");
  const Json& output = events.back()["response"]["output"];
  ASSERT_EQ(output.size(), 4u);
  EXPECT_EQ(output[0]["type"], "reasoning");
  EXPECT_EQ(output[0]["content"][0]["text"], "hm");
  EXPECT_EQ(output[0]["signature"], "sig");
  EXPECT_EQ(output[1]["content"][0]["text"], "so");
  EXPECT_EQ(output[2]["call_id"], "a");
  EXPECT_EQ(output[2]["arguments"], "{\"x\":1}");
  EXPECT_TRUE(output[3]["call_id"].get<std::string>().starts_with("call_"));
  EXPECT_EQ(output[3]["arguments"], "{}");
  std::map<std::string, std::string> arguments;
  std::set<std::string> done;
  for (const Json& event : events) {
    const std::string type = event["type"];
    if (type == "response.function_call_arguments.delta") {
      EXPECT_FALSE(done.contains(event["item_id"]));
      arguments[event["item_id"]] += event["delta"];
    }
    if (type == "response.function_call_arguments.done") {
      EXPECT_EQ(arguments[event["item_id"]], event["arguments"]);
      done.insert(event["item_id"]);
    }
  }
  EXPECT_EQ(done.size(), 2u);
}

TEST_F(ResponsesServerTest, AnswersThatWereCutAreIncomplete) {
  scripted_->set("long", {.n_tokens = 2, .finished = {FinishReason::kLength}});
  scripted_->set("filter", {.n_tokens = 2, .finished = {FinishReason::kContentFilter}});
  const Json body = Json::parse(create(question("long")).body);
  EXPECT_EQ(body["status"], "incomplete");
  EXPECT_EQ(body["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(body["output"][0]["status"], "incomplete");
  const auto events = events_of(create(question("filter", true)).body);
  EXPECT_EQ(events.back()["type"], "response.incomplete");
  EXPECT_EQ(events.back()["response"]["incomplete_details"]["reason"], "content_filter");
}

TEST_F(ResponsesServerTest, FailuresMidwayAreFailedResponses) {
  scripted_->set("early",
                 {.n_tokens = 5, .fail = Error{ErrorCode::kUnavailable, "gone"}, .silent = true});
  scripted_->set("late", {.n_tokens = 5, .fail = Error{ErrorCode::kUnavailable, "gone"}});
  EXPECT_EQ(create(question("early", true)).status, 503);
  EXPECT_EQ(create(question("late")).status, 503);
  const auto response = create(question("late", true));
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, Not(HasSubstr("response.completed")));
  const auto events = events_of(response.body);
  EXPECT_EQ(events.back()["type"], "response.failed");
  const Json& failed = events.back()["response"];
  EXPECT_EQ(failed["status"], "failed");
  EXPECT_EQ(failed["error"]["message"], "gone");
  EXPECT_EQ(failed["error"]["code"], "server_error");
  EXPECT_EQ(failed["output"][0]["status"], "incomplete");
  // A response that failed is nothing to go on from.
  EXPECT_EQ(ask(get("/v1/responses/" + failed["id"].get<std::string>())).status, 404);
}

TEST_F(ResponsesServerTest, KeepsResponsesAndGoesOnFromThem) {
  scripted_->set("three", {.n_tokens = 3});
  const Json first = Json::parse(create(question("three")).body);
  const std::string id = first["id"];
  EXPECT_EQ(Json::parse(ask(get("/v1/responses/" + id)).body), first);
  Json more = question("three", true);
  more["previous_response_id"] = id;
  const auto events = events_of(create(more).body);
  EXPECT_EQ(events.back()["response"]["previous_response_id"], id);
  const Json items = Json::parse(ask(get("/v1/responses/" + id + "/input_items")).body);
  EXPECT_EQ(items["data"][0]["content"][0]["text"], "hi");
  EXPECT_EQ(items["first_id"], items["data"][0]["id"]);
  EXPECT_EQ(items["has_more"], false);
  // An item may be named instead of sent.
  Json named{{"input", {{{"type", "item_reference"}, {"id", first["output"][0]["id"]}}}}};
  named["metadata"] = more["metadata"];
  EXPECT_EQ(create(named).status, 200);
  EXPECT_EQ(ask("DELETE /v1/responses/" + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 200);
  EXPECT_EQ(ask(get("/v1/responses/" + id)).status, 404);
  const auto gone = create(more);
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(Json::parse(gone.body)["error"]["code"], "response_not_found");
  EXPECT_EQ(Json::parse(gone.body)["error"]["param"], "previous_response_id");
  EXPECT_EQ(create(named).status, 404);
  Json unkept = question("three");
  unkept["store"] = false;
  const Json answer = Json::parse(create(unkept).body);
  EXPECT_EQ(ask(get("/v1/responses/" + answer["id"].get<std::string>())).status, 404);
}

// A few bytes that name much must not become much memory.
TEST_F(ResponsesServerTest, WhatIsReferredToIsBounded) {
  scripted_->set("", {.n_tokens = 1});
  const Json first = Json::parse(create({{"input", std::string(1 << 20, 'x')}}).body);
  const std::string id = first["id"].get<std::string>();
  const Json items = Json::parse(ask(get("/v1/responses/" + id + "/input_items")).body);
  const Json reference{{"type", "item_reference"}, {"id", items["data"][0]["id"]}};
  Json body{{"input", Json::array({reference})}};
  EXPECT_EQ(create(body).status, 200);
  for (int i = 0; i < 1000; ++i) body["input"].push_back(reference);
  const auto refused = create(body);
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(Json::parse(refused.body)["error"]["param"].get<std::string>(), HasSubstr("input["));
}

TEST_F(ResponsesServerTest, CountsWhatARequestWouldBeWithItsHistory) {
  const auto count = [&](Json body) {
    body["model"] = "null";
    return ask(post("/v1/responses/input_tokens", dump_json(body)));
  };
  const auto alone = count({{"input", "12345678"}, {"instructions", "1234"}});
  ASSERT_EQ(alone.status, 200) << alone.body;
  EXPECT_EQ(Json::parse(alone.body),
            (Json{{"object", "response.input_tokens"}, {"input_tokens", 3}}));
  const Json first = Json::parse(create({{"model", "null"}, {"input", "1234"}}).body);
  const int64_t said = first["usage"]["total_tokens"];
  Json more{{"previous_response_id", first["id"]}, {"input", "12345678"}};
  const int64_t counted = Json::parse(count(more).body)["input_tokens"];
  more.erase("input");
  EXPECT_EQ(Json::parse(count(more).body)["input_tokens"], counted - 2);
  EXPECT_GT(counted, said);
  more["previous_response_id"] = "resp_gone";
  EXPECT_EQ(count(more).status, 404);
  EXPECT_EQ(Json::parse(count(Json::object()).body)["error"]["param"], "input");
  EXPECT_EQ(count({{"input", "a"}, {"tools", {{{"type", "web_search"}}}}}).status, 400);
  EXPECT_EQ(ask(get("/v1/responses/input_tokens")).status, 405);
}

TEST_F(ResponsesServerTest, ListsInputItemsByPages) {
  scripted_->set("", {.n_tokens = 1});
  Json body{{"input", Json::array()}};
  for (int i = 0; i < 5; ++i) {
    body["input"].push_back({{"role", "user"}, {"content", std::to_string(i)}});
  }
  const std::string id = Json::parse(create(body).body)["id"];
  const auto list = [&](const std::string& query) {
    return Json::parse(ask(get("/v1/responses/" + id + "/input_items?" + query)).body);
  };
  const Json page = list("limit=2&order=asc");
  EXPECT_EQ(page["data"][1]["content"][0]["text"], "1");
  EXPECT_EQ(page["has_more"], true);
  const Json next = list("order=asc&after=" + page["last_id"].get<std::string>());
  EXPECT_EQ(next["data"].size(), 3u);
  EXPECT_EQ(list("limit=1")["data"][0]["content"][0]["text"], "4");
  EXPECT_EQ(list("limit=0")["error"]["param"], "limit");
  EXPECT_EQ(list("after=nothing")["error"]["param"], "after");
}

TEST_F(ResponsesServerTest, WhatTheModelCanNotDoIsRefusedByItsField) {
  const auto refused = [&](const char* body) {
    const auto response = ask(post("/v1/responses", body));
    EXPECT_EQ(response.status, 400) << body;
    return Json::parse(response.body)["error"]["param"].get<std::string>();
  };
  EXPECT_EQ(refused(R"({"input":[{"role":"user","content":[{"type":"input_text","text":"a"},)"
                    R"({"type":"input_image","image_url":"https://x/y"}]}]})"),
            "input[0].content[1]");
  EXPECT_EQ(refused(R"({"input":"a","tools":[{"type":"function","name":"f"}]})"), "tools[0]");
  EXPECT_EQ(refused(R"({"input":"a","background":true,"store":false})"), "background");
  EXPECT_EQ(refused(R"({"input":"a","prompt":{"id":"pmpt_1"}})"), "prompt");
  EXPECT_EQ(refused(R"({"input":"a","conversation":1})"), "conversation");
  EXPECT_EQ(refused(R"({"input":"a","conversation":"c","previous_response_id":"r"})"),
            "conversation");
  EXPECT_EQ(refused(R"({"input":"a","truncation":"some"})"), "truncation");
  EXPECT_EQ(refused(R"({"input":"a","include":["reasoning.encrypted_content","x"]})"),
            "include[1]");
  EXPECT_EQ(refused(R"({})"), "input");
}

}  // namespace
}  // namespace overtake
