// A server on a free port over a scripted generator and `null`, for tests of endpoints.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

#include "engine/null_generator.h"
#include "raw_client.h"
#include "scripted_generator.h"
#include "server/router.h"

namespace overtake::testing {

class Served : public ::testing::Test {
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
  RawClient::Response ask_get(std::string_view path) {
    return RawClient(server_->port()).ask(get(path));
  }
  // The script that answers is the one of `workload`.
  RawClient::Response ask_post(std::string_view path, std::string_view body,
                               const std::string& workload = "") {
    const std::string header = workload.empty() ? "" : "X-Overtake-Workload: " + workload + "\r\n";
    return RawClient(server_->port()).ask(post(path, body, header));
  }

  std::shared_ptr<ScriptedGenerator> scripted_ = std::make_shared<ScriptedGenerator>();
  std::shared_ptr<ServerContext> context_ = std::make_shared<ServerContext>();
  std::unique_ptr<HttpServer> server_;
  std::thread thread_;
};

}  // namespace overtake::testing
