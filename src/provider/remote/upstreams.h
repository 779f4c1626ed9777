// Upstreams: all remote models that the environment gives, as Generators by their names.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "engine/generator.h"
#include "provider/remote/price_table.h"
#include "provider/remote/remote_loop.h"

namespace overtake {

// Any thread. Its thread for calls starts with the first one.
class Upstreams {
 public:
  // kInvalidArgument for a variable, or a row of the operator's prices, that makes no sense; the
  // message names it.
  static Result<std::shared_ptr<Upstreams>> from(const Environment& environment,
                                                 RemoteOptions options = {});

  // The model of a name like "openai/gpt-4o"; null if no upstream has the name before the slash.
  // Nobody is asked whether the model exists. Its generate() says what is missing.
  std::shared_ptr<Generator> find(std::string_view name);

  const std::vector<std::shared_ptr<const Upstream>>& all() const { return upstreams_; }
  // Asks `upstream` for its models, and waits.
  Result<std::vector<std::string>> list(const Upstream& upstream);

 private:
  explicit Upstreams(RemoteOptions options) : options_(options) {}
  std::shared_ptr<RemoteLoop> loop();
  // The body at `path` of the upstream, with status 200. Waits.
  Result<std::string> get(const Upstream& upstream, const std::string& path);

  RemoteOptions options_;
  std::shared_ptr<const PriceTable> own_prices_;
  std::vector<std::shared_ptr<const Upstream>> upstreams_;
  std::mutex mutex_;
  std::shared_ptr<RemoteLoop> loop_;
};

}  // namespace overtake
