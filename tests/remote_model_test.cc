// Remote models from the client's socket to the upstream's and back: a scripted upstream plays the
// shapes and the faults of real ones.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/file.h"
#include "base/json.h"
#include "engine/null_generator.h"
#include "provider/remote/upstreams.h"
#include "raw_client.h"
#include "server/router.h"
#include "tests/scripted_server.h"

namespace overtake {
namespace {

using testing::now_ms;
using testing::post;
using testing::RawClient;
using testing::ScriptedServer;
using Exchange = ScriptedServer::Exchange;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kKey = "sk-test-0123456789abcdef";

std::string chunk(const std::string& choice) {
  return R"(data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":1,)"
         R"("model":"gpt-4o-2024-08-06","choices":[)" +
         choice + "]}\n\n";
}
std::string text_chunk(const std::string& text) {
  return chunk(R"({"index":0,"delta":{"content":")" + text + R"("},"finish_reason":null})");
}
const std::string kRole = chunk(R"({"index":0,"delta":{"role":"assistant","content":""}})");
const std::string kStop = chunk(R"({"index":0,"delta":{},"finish_reason":"stop"})");
const std::string kUsage =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":11,\"completion_tokens\":2,"
    "\"total_tokens\":13,\"prompt_tokens_details\":{\"cached_tokens\":4},"
    "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}\n\n";
const std::string kDone = "data: [DONE]\n\n";
const std::string kAnswer = kRole + text_chunk("Hel") + text_chunk("lo") + kStop + kUsage + kDone;

bool stream(const Exchange& e, const std::string& events) {
  return e.answer(200, "Content-Type: text/event-stream\r\n", events);
}
// A stream of no announced length, whose end is the connection's.
bool begin_stream(const Exchange& e, const std::string& events) {
  return e.send(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked"
      "\r\n\r\n" +
      fmt::format("{:x}\r\n{}\r\n", events.size(), events));
}
bool refuse(const Exchange& e, int status, const std::string& message,
            const std::string& headers = "") {
  return e.answer(
      status, "Content-Type: application/json\r\n" + headers,
      R"({"error":{"message":")" + message + R"(","type":"t","param":null,"code":"vendor_code"}})");
}

RemoteOptions impatient() {
  return {.connect_timeout_ms = 2000,
          .first_byte_timeout_ms = 400,
          .silence_timeout_ms = 400,
          .max_retries = 2,
          .retry_delay_ms = 20,
          .retry_within_ms = 3000,
          .max_answer_bytes = 1u << 20};
}

class OwnServer {
 public:
  explicit OwnServer(std::shared_ptr<ServerContext> context) {
    context->allowed_hosts = hosts_of("127.0.0.1");
    HttpServerOptions options;
    options.port = 0;
    auto server = HttpServer::listen(options, make_router(std::move(context)));
    EXPECT_TRUE(server.ok());
    server_ = std::move(*server);
    thread_ = std::thread([this] { server_->run(); });
  }
  ~OwnServer() {
    server_->stop(0);
    thread_.join();
  }
  uint16_t port() const { return server_->port(); }

 private:
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

std::shared_ptr<ServerContext> context_for(Environment environment, std::string prices_file = "") {
  auto context = std::make_shared<ServerContext>();
  RemoteOptions options = impatient();
  options.prices_file = std::move(prices_file);
  auto upstreams = Upstreams::from(environment, options);
  EXPECT_TRUE(upstreams.ok()) << upstreams.error().message;
  context->upstreams = *upstreams;
  context->generators = {make_null_generator()};
  return context;
}

std::string chat(bool stream, const std::string& model = "openai/gpt-4o",
                 const std::string& more = "") {
  return post("/v1/chat/completions",
              fmt::format(R"({{"model":"{}","stream":{},"messages":[{{"role":"user",)"
                          R"("content":"hi"}}]{}}})",
                          model, stream, more));
}

// An upstream with a script, an Overtake before it, and a client.
class RemoteModel {
 public:
  explicit RemoteModel(ScriptedServer::Handler handler, std::string prices_file = "")
      : upstream_([this, handler](const Exchange& e) {
          ++n_requests_;
          return handler(e);
        }),
        server_(context_for({{"OPENAI_API_KEY", kKey}, {"OPENAI_BASE_URL", upstream_.url("/v1")}},
                            std::move(prices_file))) {}

  RawClient::Response ask(const std::string& bytes) { return RawClient(server_.port()).ask(bytes); }
  uint16_t port() const { return server_.port(); }
  ScriptedServer& upstream() { return upstream_; }
  int n_requests() const { return n_requests_; }

 private:
  std::atomic<int> n_requests_ = 0;
  ScriptedServer upstream_;
  OwnServer server_;
};

TEST(RemoteModel, AnswersPlainAndStreamed) {
  std::string body;
  RemoteModel model([&](const Exchange& e) {
    body = e.body;
    return stream(e, kAnswer);
  });
  const auto plain = model.ask(chat(false));
  ASSERT_EQ(plain.status, 200) << plain.body;
  const Json answer = Json::parse(plain.body);
  EXPECT_EQ(answer["model"], "openai/gpt-4o");
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "Hello");
  EXPECT_EQ(answer["usage"]["prompt_tokens"], 11);
  EXPECT_EQ(answer["usage"]["prompt_tokens_details"]["cached_tokens"], 4);
  EXPECT_EQ(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 1);
  const Json sent = Json::parse(body);
  EXPECT_EQ(sent["model"], "gpt-4o");
  EXPECT_EQ(sent["messages"][0]["content"], "hi");

  const auto streamed = model.ask(chat(true));
  EXPECT_EQ(streamed.status, 200);
  EXPECT_THAT(streamed.body, HasSubstr("\"content\":\"Hel\""));
  EXPECT_TRUE(streamed.body.ends_with(kDone));
  for (const std::string& head : model.upstream().heads()) {
    EXPECT_THAT(head, HasSubstr("POST /v1/chat/completions HTTP/1.1"));
    EXPECT_THAT(head, HasSubstr(std::string("Authorization: Bearer ") + kKey));
  }
  EXPECT_EQ(model.upstream().n_connections(), 1) << "connections are kept";
}

TEST(RemoteModel, SaysWhatAnAnswerCosts) {
  const std::string path = ::testing::TempDir() + "overtake_prices.json";
  ASSERT_TRUE(write_file_atomic(path, R"({"as_of":"2026-11-24","models":{"openai/gpt-4o":)"
                                      R"({"input":2.5,"cached_input":1.25,"output":10}}})")
                  .ok());
  const auto script = [](const Exchange& e) { return stream(e, kAnswer); };
  RemoteModel model(script, path);
  // 7 tokens of the prompt, 4 from a cache, 2 of the answer; the upstream names a dated version.
  constexpr int64_t kCost = 7 * 2500 + 4 * 1250 + 2 * 10'000;
  EXPECT_EQ(Json::parse(model.ask(chat(false)).body)["usage"]["cost_nano_usd"], kCost);
  const std::string streamed =
      model.ask(chat(true, "openai/gpt-4o", R"(,"stream_options":{"include_usage":true})")).body;
  EXPECT_THAT(streamed, HasSubstr(fmt::format("\"cost_nano_usd\":{}", kCost)));
  EXPECT_EQ(
      Json::parse(
          model.ask(chat(false, "openai/gpt-4o", R"(,"n":2)")).body)["usage"]["cost_nano_usd"],
      2 * kCost)
      << "each of them paid for the prompt";
  const auto without = [&](const std::string& body) {
    EXPECT_THAT(body, HasSubstr("\"usage\""));
    EXPECT_THAT(body, Not(HasSubstr("cost")));
  };
  without(model.ask(chat(false, "openai/gpt-4o", R"(,"service_tier":"flex")")).body);
  RemoteModel unpriced(script);
  without(unpriced.ask(chat(false)).body);  // this upstream is not the vendor
}

TEST(RemoteModel, AWholeAnswerToAStreamedRequestWillDo) {
  RemoteModel model([](const Exchange& e) {
    return e.answer(200, "Content-Type: application/json\r\n",
                    R"({"id":"c","model":"m","choices":[{"index":0,"message":{"role":"assistant",)"
                    R"("content":"Hello"},"finish_reason":"length"}]})");
  });
  const Json answer = Json::parse(model.ask(chat(false)).body);
  EXPECT_EQ(answer["choices"][0]["message"]["content"], "Hello");
  EXPECT_EQ(answer["choices"][0]["finish_reason"], "length");
}

TEST(RemoteModel, PassesToolsReasoningAndRefusals) {
  RemoteModel model([](const Exchange& e) {
    return stream(
        e, kRole + chunk(R"({"index":0,"delta":{"reasoning_content":"hm"}})") +
               chunk(R"({"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function",)"
                     R"("function":{"name":"f","arguments":""}}]}})") +
               chunk(R"({"index":0,"delta":{"tool_calls":[{"index":0,"function":)"
                     R"({"arguments":"{}"}}]}})") +
               chunk(R"({"index":0,"delta":{},"finish_reason":"tool_calls"})") + kDone);
  });
  const Json choice = Json::parse(model
                                      .ask(chat(false, "openai/o3",
                                                R"(,"tools":[{"type":"function","function":)"
                                                R"({"name":"f","parameters":{"type":"object"}}}])"))
                                      .body)["choices"][0];
  EXPECT_EQ(choice["message"]["reasoning_content"], "hm");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["id"], "c1");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["arguments"], "{}");
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
}

TEST(RemoteModel, TriesAgainBeforeTheFirstByte) {
  for (const int status : {408, 409, 429, 500, 503, 0}) {
    std::atomic<int> n = 0;
    RemoteModel model([&](const Exchange& e) {
      if (++n > 1) return stream(e, kAnswer);
      if (status == 0) return e.reset(), false;
      return refuse(e, status, "busy", status == 429 ? "retry-after-ms: 30\r\n" : "");
    });
    EXPECT_EQ(model.ask(chat(false)).status, 200) << status;
    EXPECT_EQ(model.n_requests(), 2) << status;
  }
}

TEST(RemoteModel, WaitsAsLongAsItIsTold) {
  std::atomic<int> n = 0;
  RemoteModel model([&](const Exchange& e) {
    return ++n > 1 ? stream(e, kAnswer) : refuse(e, 429, "busy", "Retry-After: 1\r\n");
  });
  const int64_t start = now_ms();
  EXPECT_EQ(model.ask(chat(false)).status, 200);
  EXPECT_GE(now_ms() - start, 1000);
}

struct Fault {
  const char* name;
  ScriptedServer::Handler script;
  int status;         // what our client sees, plain
  const char* words;  // in the error's message
  int n_requests;
};

const Fault kFaults[] = {
    {"bad request", [](const Exchange& e) { return refuse(e, 400, "no such field"); }, 400,
     "no such field", 1},
    {"no such model", [](const Exchange& e) { return refuse(e, 404, "no such model"); }, 404,
     "no such model", 1},
    {"wrong key",
     [](const Exchange& e) { return refuse(e, 401, std::string("wrong key ") + kKey); }, 502,
     "refused the operator's key", 1},
    {"forbidden", [](const Exchange& e) { return refuse(e, 403, std::string("not ") + kKey); }, 502,
     "not [key]", 1},
    {"always busy", [](const Exchange& e) { return refuse(e, 429, "slow down"); }, 429, "slow down",
     3},
    {"busy for an hour",
     [](const Exchange& e) { return refuse(e, 429, "slow down", "Retry-After: 3600\r\n"); }, 429,
     "slow down", 1},
    {"always broken", [](const Exchange& e) { return refuse(e, 500, "oops"); }, 502, "oops", 3},
    {"told not to retry",
     [](const Exchange& e) { return refuse(e, 500, "oops", "x-should-retry: false\r\n"); }, 502,
     "oops", 1},
    {"a proxy's page", [](const Exchange& e) { return e.answer(502, "", "<html>x</html>"); }, 502,
     "status 502", 3},
    {"redirect",
     [](const Exchange& e) { return e.answer(307, "Location: http://127.0.0.1:1/steal\r\n", ""); },
     502, "status 307", 1},
    {"resets", [](const Exchange& e) { return e.reset(), false; }, 502, "openai:", 3},
    {"not HTTP", [](const Exchange& e) { return e.send("garbage\r\n\r\n"), false; }, 502,
     "openai:", 1},
    {"page with status 200",
     [](const Exchange& e) { return e.answer(200, "Content-Type: text/html\r\n", "<html>"); }, 502,
     "openai:", 1},
    {"empty answer", [](const Exchange& e) { return stream(e, ""); }, 502, "[DONE]", 1},
    {"silent", [](const Exchange& e) { return e.sleep_ms(3000), false; }, 504, "no byte", 3},
    {"huge body of an error",
     [](const Exchange& e) { return e.answer(400, "", std::string(1u << 20, 'x')); }, 400,
     "status 400", 1},
};

// Nothing hangs, nothing is a success, no fault shows the key, whether the client streams or not.
TEST(RemoteModel, FaultsReachTheClientInItsDialect) {
  for (const Fault& fault : kFaults) {
    for (const bool streamed : {false, true}) {
      RemoteModel model(fault.script);
      const int64_t start = now_ms();
      const auto response = model.ask(chat(streamed));
      EXPECT_EQ(response.status, fault.status) << fault.name << response.body;
      const Json body = Json::parse(response.body, nullptr, false);
      ASSERT_TRUE(body.is_object() && body.contains("error")) << fault.name << response.body;
      EXPECT_THAT(body["error"]["message"].dump(), HasSubstr(fault.words)) << fault.name;
      EXPECT_THAT(response.head + response.body, Not(HasSubstr(kKey))) << fault.name;
      EXPECT_EQ(model.n_requests(), fault.n_requests) << fault.name;
      EXPECT_LT(now_ms() - start, 5000) << fault.name;
      const bool tells_when = fault.status == 429;
      EXPECT_TRUE(!tells_when || response.head.find("Retry-After: ") != std::string::npos)
          << fault.name << response.head;
    }
  }
}

const std::pair<const char*, ScriptedServer::Handler> kBreaks[] = {
    {"ends without its end",
     [](const Exchange& e) { return stream(e, kRole + text_chunk("Hel") + kStop); }},
    {"ends without a reason",
     [](const Exchange& e) { return stream(e, text_chunk("Hel") + kDone); }},
    {"half an event",
     [](const Exchange& e) { return stream(e, text_chunk("Hel") + "data: {\"choices\":[{\"de"); }},
    {"garbage", [](const Exchange& e) { return stream(e, text_chunk("Hel") + "data: {oops\n\n"); }},
    {"an error within",
     [](const Exchange& e) {
       return stream(e, text_chunk("Hel") + "data: {\"error\":{\"message\":\"overloaded\"}}\n\n");
     }},
    {"a reset",
     [](const Exchange& e) {
       begin_stream(e, text_chunk("Hel"));
       e.sleep_ms(50);
       return e.reset(), false;
     }},
    {"a close", [](const Exchange& e) { return begin_stream(e, text_chunk("Hel")), false; }},
    {"a stall",
     [](const Exchange& e) {
       begin_stream(e, text_chunk("Hel"));
       return e.sleep_ms(3000), false;
     }},
    {"no end of text",
     [](const Exchange& e) {
       begin_stream(e, text_chunk("Hel"));
       const std::string more = text_chunk(std::string(60'000, 'x'));
       while (!e.stopping && e.send(fmt::format("{:x}\r\n{}\r\n", more.size(), more))) {
       }
       return false;
     }},
    {"a line without end",
     [](const Exchange& e) {
       begin_stream(e, text_chunk("Hel") + "data: ");
       const std::string more(60'000, 'x');
       while (!e.stopping && e.send(fmt::format("{:x}\r\n{}\r\n", more.size(), more))) {
       }
       return false;
     }},
};

// All has come but the end, and the connection stays.
TEST(RemoteModel, AnAnswerIsDoneThoughItsStreamDoesNotEnd) {
  const std::string usage = R"(data: {"choices":[],"usage":{"prompt_tokens":2}})"
                            "\n\n";
  const auto held = [](const std::string& events) {
    return [events](const Exchange& e) {
      begin_stream(e, events);
      return e.sleep_ms(3000), false;
    };
  };
  RemoteModel whole(held(kRole + text_chunk("Hel") + kStop + usage));
  const int64_t start = now_ms();
  const auto response = whole.ask(chat(true));
  EXPECT_LT(now_ms() - start, 2500);
  EXPECT_THAT(response.body, HasSubstr("data: [DONE]\n"));
  // Without its usage, or with more begun, it is not.
  for (const std::string& part :
       {kRole + text_chunk("Hel") + kStop, kRole + text_chunk("Hel") + kStop + usage + "data: {"}) {
    RemoteModel broken(held(part));
    EXPECT_THAT(broken.ask(chat(true)).body, Not(HasSubstr("[DONE]\n")));
  }
}

TEST(RemoteModel, BrokenStreamsAreErrorsAndNeverShortSuccesses) {
  for (const auto& [name, script] : kBreaks) {
    RemoteModel model(script);
    const auto streamed = model.ask(chat(true));
    EXPECT_EQ(streamed.status, 200) << name;
    EXPECT_THAT(streamed.body, HasSubstr("\"content\":\"Hel")) << name;
    EXPECT_THAT(streamed.body, HasSubstr("data: {\"error\":{\"message\":")) << name;
    EXPECT_THAT(streamed.body, Not(HasSubstr("[DONE]\n"))) << name;
    EXPECT_EQ(model.n_requests(), 1) << name << ": no retry after the first byte";
    const auto plain = model.ask(chat(false));
    EXPECT_GE(plain.status, 502) << name << plain.body;
    EXPECT_LE(plain.status, 504) << name << plain.body;
  }
}

TEST(RemoteModel, CancelReachesTheUpstream) {
  std::atomic<int64_t> noticed_ms = 0;
  RemoteModel model([&](const Exchange& e) {
    begin_stream(e, kRole + text_chunk("Hel"));
    char byte;
    pollfd wait{e.fd, POLLIN, 0};
    while (!e.stopping && ::poll(&wait, 1, 5) == 0) {
    }
    if (::recv(e.fd, &byte, 1, 0) <= 0) noticed_ms = now_ms();
    return false;
  });
  RawClient client(model.port());
  client.send(chat(true));
  client.read_until("Hel");
  const int64_t left_ms = now_ms();
  client.close();
  for (int i = 0; i < 400 && noticed_ms == 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  ASSERT_NE(noticed_ms, 0);
  EXPECT_LT(noticed_ms - left_ms, 200);
  RecordProperty("cancel_ms", static_cast<int>(noticed_ms - left_ms));
}

// 48 MiB for a reader that sleeps: the upstream must wait, and nothing be lost after it.
TEST(RemoteModel, AnUpstreamWaitsForASlowReader) {
  constexpr int kPieces = 3072;
  const std::string piece(16 << 10, 'x');
  std::atomic<int> n_sent = 0;
  ScriptedServer upstream([&](const Exchange& e) {
    const std::string event = text_chunk(piece);
    begin_stream(e, kRole);
    const std::string chunked = fmt::format("{:x}\r\n{}\r\n", event.size(), event);
    for (; n_sent < kPieces && e.send(chunked); ++n_sent) {
    }
    const std::string end = kStop + kUsage + kDone;
    e.send(fmt::format("{:x}\r\n{}\r\n0\r\n\r\n", end.size(), end));
    return false;
  });
  RemoteOptions options = impatient();
  options.max_answer_bytes = 256u << 20;
  const auto upstreams = *Upstreams::from(
      {{"OPENAI_API_KEY", kKey}, {"OPENAI_BASE_URL", upstream.url("/v1")}}, options);
  GenerateRequest request;
  ChatPrompt chat;
  chat.messages.push_back({.role = Role::kUser, .content = {TextPart{"hi"}}});
  request.prompt = chat;
  auto answer = upstreams->find("openai/m")->generate(request);
  ASSERT_TRUE(answer.ok());
  // Longer than the upstream may be silent, which it is not: it is we who do not read.
  std::this_thread::sleep_for(std::chrono::milliseconds(900));
  const int held_at = n_sent;
  EXPECT_LT(held_at, kPieces / 2);
  EXPECT_LT((*answer)->pending_bytes(), 2u << 20);
  size_t n_bytes = 0;
  while (true) {
    const Event event = (*answer)->next();
    if (const auto* text = std::get_if<TextEvent>(&event)) n_bytes += text->text.size();
    ASSERT_FALSE(std::holds_alternative<FailedEvent>(event))
        << std::get<FailedEvent>(event).error.message;
    if (is_last(event)) break;
  }
  EXPECT_EQ(n_bytes, kPieces * piece.size());
}

// A client that reads its answer at once lets the upstream give it at once.
TEST(RemoteModel, AsksForAWholeAnswerWhereTheClientDoes) {
  std::string body;
  RemoteModel model([&](const Exchange& e) {
    body = e.body;
    return e.answer(200, "Content-Type: application/json\r\n",
                    R"({"id":"c","model":"m","choices":[{"index":0,"finish_reason":"stop",)"
                    R"("message":{"role":"assistant","content":"Hello"}}],)"
                    R"("usage":{"prompt_tokens":3,"completion_tokens":1}})");
  });
  const auto plain = model.ask(chat(false));
  EXPECT_EQ(plain.status, 200) << plain.body;
  EXPECT_FALSE(Json::parse(body).value("stream", false));
  const auto streamed = model.ask(chat(true));
  EXPECT_THAT(streamed.body, HasSubstr("Hello"));
  EXPECT_TRUE(Json::parse(body).value("stream", false));
}

TEST(RemoteModel, ASecondOvertakeIsAnUpstream) {
  auto far = std::make_shared<ServerContext>();
  far->generators = {make_null_generator()};
  OwnServer far_server(far);
  const std::string url = fmt::format("http://127.0.0.1:{}/v1", far_server.port());
  OwnServer near(context_for({{"OVERTAKE_UPSTREAM_FAR_URL", url}}));
  const auto ask = [](uint16_t port, const std::string& model) {
    const auto response = RawClient(port).ask(
        chat(false, model, R"(,"logprobs":true,"top_logprobs":1,"max_tokens":5,"top_k":3)"));
    EXPECT_EQ(response.status, 200) << response.body;
    Json body = Json::parse(response.body);
    return body["choices"].dump() + body["usage"].dump();
  };
  EXPECT_EQ(ask(near.port(), "far/null"), ask(far_server.port(), "null"));
}

TEST(RemoteModel, AMissingKeyIsNamed) {
  OwnServer server(context_for({}));
  const auto response = RawClient(server.port()).ask(chat(false));
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("OPENAI_API_KEY is not set"));
  EXPECT_EQ(RawClient(server.port()).ask(chat(false, "nobody/gpt-4o")).status, 404);
}

TEST(RemoteModel, WhatTheUpstreamCanNotDoIsRefusedByName) {
  RemoteModel model([](const Exchange& e) { return stream(e, kAnswer); });
  const auto response = model.ask(chat(false, "openai/gpt-4o", R"(,"top_k":5)"));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(Json::parse(response.body)["error"]["param"], "top_k");
  EXPECT_EQ(model.n_requests(), 0);
}

const Upstream& upstream_named(const Upstreams& upstreams, std::string_view name) {
  const auto& all = upstreams.all();
  return **std::ranges::find_if(all, [&](const auto& each) { return each->name == name; });
}

TEST(RemoteModel, ListsWhatTheUpstreamHas) {
  ScriptedServer upstream([](const Exchange& e) {
    return e.path() == "/v1/models"
               ? e.answer(200, "", R"({"object":"list","data":[{"id":"a"},{"id":"b"}]})")
               : refuse(e, 401, kKey);
  });
  const auto good = Upstreams::from({{"OPENAI_BASE_URL", upstream.url("/v1/")}});
  ASSERT_TRUE(good.ok());
  const auto models = (*good)->list(upstream_named(**good, "openai"));
  ASSERT_TRUE(models.ok()) << models.error().message;
  EXPECT_THAT(*models, ::testing::ElementsAre("a", "b"));
  const auto bad =
      Upstreams::from({{"OPENAI_BASE_URL", upstream.url("")}, {"OPENAI_API_KEY", kKey}});
  const auto refused = (*bad)->list(upstream_named(**bad, "openai"));
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message, HasSubstr("OPENAI_API_KEY"));
  EXPECT_THAT(refused.error().message, Not(HasSubstr(kKey)));
}

}  // namespace
}  // namespace overtake
