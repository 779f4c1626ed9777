#include "provider/remote/remote_loop.h"

#include <utility>

#include "provider/remote/remote_call.h"

namespace overtake {
namespace {

constexpr int kTickMs = 20;  // how soon a call notices that nobody wants its answer
constexpr HttpClientOptions kConnections = {.max_idle_connections = 256,
                                            .max_connections_per_host = 4096};

HttpClientOptions public_only() {
  HttpClientOptions options = kConnections;
  options.public_addresses_only = true;
  return options;
}

}  // namespace

RemoteLoop::RemoteLoop(RemoteOptions options)
    : options_(options),
      public_client_(std::make_unique<HttpClient>(loop_, public_only())),
      any_client_(std::make_unique<HttpClient>(loop_, kConnections)) {
  thread_ = std::thread([this] { loop_.run(); });
}

RemoteLoop::~RemoteLoop() {
  loop_.stop();
  thread_.join();
  loop_.close();  // calls that were posted and never begun
  for (const auto& [key, call] : std::exchange(calls_, {})) call->abandon();
  public_client_.reset();
  any_client_.reset();
}

void RemoteLoop::start(std::shared_ptr<RemoteCall> call) {
  loop_.post([this, call = std::move(call)] {
    calls_[call.get()] = call;
    call->start();
    tick();
  });
}

void RemoteLoop::tick() {
  if (ticking_ || calls_.empty()) return;
  ticking_ = true;
  loop_.after(kTickMs, [this] {
    ticking_ = false;
    const auto calls = calls_;  // a call that ends leaves the map
    for (const auto& [key, call] : calls) call->check();
    tick();
  });
}

}  // namespace overtake
