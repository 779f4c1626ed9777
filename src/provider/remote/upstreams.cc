#include "provider/remote/upstreams.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <future>

#include "provider/remote/pricing.h"
#include "provider/remote/remote_call.h"

namespace overtake {
namespace {

constexpr size_t kMaxNameBytes = 256;
constexpr int kListTimeoutMs = 15'000;
constexpr size_t kMaxListBytes = 8u << 20;
constexpr int kMaxListPages = 100;

// How long an upstream may say nothing, in seconds, before its first byte and after.
constexpr const char* kSilence = "OVERTAKE_UPSTREAM_SILENCE_S";

Status read_silence(const Environment& environment, RemoteOptions* options) {
  const auto at = environment.find(kSilence);
  if (at == environment.end() || at->second.empty()) return {};
  constexpr int kMost = 86'400;
  const std::string& text = at->second;
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size() || seconds < 1 || seconds > kMost) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("{} is \"{}\"; environment; give seconds from 1 to {}", kSilence, text, kMost)};
  }
  options->first_byte_timeout_ms = options->silence_timeout_ms = seconds * 1000;
  return {};
}

Status check_key(const Upstream& upstream) {
  if (!upstream.needs_key || !upstream.key.empty()) return {};
  return Error{ErrorCode::kNotFound,
               fmt::format("there is no key for {}; {} is not set; set it where overtake runs and "
                           "start again",
                           upstream.name, upstream.key_variable)};
}

class RemoteGenerator : public Generator {
 public:
  RemoteGenerator(std::shared_ptr<const Upstream> upstream, std::string model,
                  std::shared_ptr<RemoteLoop> loop, std::shared_ptr<const PriceTable> own_prices)
      : upstream_(std::move(upstream)),
        model_(std::move(model)),
        loop_(std::move(loop)),
        own_prices_(std::move(own_prices)) {
    info_.name = upstream_->name + "/" + model_;
    info_.owned_by = upstream_->name;
    GenerateRequest any;
    any.model = model_;
    info_.features = dialect_for(any).features;
    if (const auto* prices = find_prices(*upstream_, *own_prices_, model_, "")) {
      info_.prices = *prices;
    }
  }

  const GeneratorInfo& info() const override { return info_; }

  Result<Answer> generate(GenerateRequest request) override {
    request.model = model_;
    const wire::ClientDialect& dialect = dialect_for(request);
    TRY(check(request, dialect.features));
    RemoteRequest remote =
        remote_for(dialect, TRY(dialect.write_request(request, request.stream)), request);
    if (costs_tokens_only(request)) remote.prices = prices();
    return start(std::move(remote));
  }

  Result<Answer> count_tokens(GenerateRequest request) override {
    const wire::ClientDialect& dialect = *upstream_->dialect;
    if (!dialect.write_count) return Generator::count_tokens(std::move(request));
    TRY(check(request, dialect.features));
    request.model = model_;
    RemoteRequest remote = remote_for(dialect, TRY(dialect.write_count(request)), request);
    remote.document_reader = [&dialect] { return wire::make_count_reader(dialect.read_count); };
    return start(std::move(remote));
  }

  Result<Answer> embed(EmbedRequest request) override {
    const wire::ClientDialect& dialect = *upstream_->dialect;
    if (!dialect.write_embed) return Generator::embed(std::move(request));
    TRY(check(request, dialect.features));
    request.model = model_;
    RemoteRequest remote = remote_for(dialect, TRY(dialect.write_embed(request)), request);
    remote.document_reader = [&dialect, n_inputs = request.inputs.size()] {
      return wire::make_embed_reader(dialect.read_embed, n_inputs);
    };
    // What only the vendor knows of a request may have its price.
    if (request.extra.empty()) remote.prices = prices();
    return start(std::move(remote));
  }

 private:
  const wire::ClientDialect& dialect_for(const GenerateRequest& request) const {
    return upstream_->dialect_for ? *upstream_->dialect_for(request) : *upstream_->dialect;
  }

  template <typename Request>
  Status check(const Request& request, FeatureSet features) const {
    TRY(check_key(*upstream_));
    if (const auto unmet = first_unmet(request, features)) {
      return Error{ErrorCode::kUnsupported,
                   fmt::format("{} does not support {}; request; leave it out", info_.name,
                               feature_name(unmet->feature))};
    }
    return {};
  }

  template <typename Request>
  RemoteRequest remote_for(const wire::ClientDialect& dialect, wire::Outgoing outgoing,
                           const Request& request) const {
    return {.upstream = upstream_,
            .dialect = &dialect,
            .outgoing = std::move(outgoing),
            .answer = std::make_shared<AnswerStream>(),
            .deadline_us = request.deadline_us,
            .keeps_vendors_own = request.dialect == dialect.name};
  }

  std::function<const ModelPrices*(std::string_view)> prices() const {
    return [upstream = upstream_, own = own_prices_, model = model_](std::string_view answering) {
      return find_prices(*upstream, *own, model, answering);
    };
  }

  Answer start(RemoteRequest remote) {
    Answer answer(remote.answer);
    loop_->start(std::make_shared<RemoteCall>(*loop_, std::move(remote)));
    return answer;
  }

  std::shared_ptr<const Upstream> upstream_;
  std::string model_;
  std::shared_ptr<RemoteLoop> loop_;
  std::shared_ptr<const PriceTable> own_prices_;
  GeneratorInfo info_;
};

}  // namespace

Result<std::shared_ptr<Upstreams>> Upstreams::from(const Environment& environment,
                                                   RemoteOptions options) {
  TRY(read_silence(environment, &options));
  std::shared_ptr<Upstreams> out(new Upstreams(options));
  out->own_prices_ =
      std::make_shared<const PriceTable>(TRY(PriceTable::from_file(options.prices_file)));
  for (const Provider* provider : all_providers()) {
    for (Upstream& upstream : TRY(provider->upstreams(environment))) {
      upstream.dialect = provider->dialect;
      upstream.authorize = provider->authorize;
      upstream.dialect_for = provider->dialect_for;
      for (const auto& other : out->upstreams_) {
        if (other->name != upstream.name) continue;
        return Error{ErrorCode::kInvalidArgument,
                     fmt::format("two upstreams are called \"{}\"; {} and {}; rename one",
                                 upstream.name, other->key_variable, upstream.key_variable)};
      }
      out->upstreams_.push_back(std::make_shared<const Upstream>(std::move(upstream)));
    }
  }
  return out;
}

std::shared_ptr<RemoteLoop> Upstreams::loop() {
  const std::lock_guard lock(mutex_);
  if (!loop_) loop_ = std::make_shared<RemoteLoop>(options_);
  return loop_;
}

std::shared_ptr<Generator> Upstreams::find(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == name.npos || slash + 1 == name.size() || name.size() > kMaxNameBytes) return nullptr;
  const bool is_plain =
      std::ranges::all_of(name, [](unsigned char c) { return c > ' ' && c < 127; });
  for (const auto& upstream : upstreams_) {
    if (!is_plain || upstream->name != name.substr(0, slash)) continue;
    return std::make_shared<RemoteGenerator>(upstream, std::string(name.substr(slash + 1)), loop(),
                                             own_prices_);
  }
  return nullptr;
}

Result<std::string> Upstreams::get(const Upstream& upstream, const std::string& path) {
  struct Listing {
    HttpResponseHead head;
    std::string body;
    std::promise<Status> done;
    std::unique_ptr<HttpCall> call;
  };
  const auto listing = std::make_shared<Listing>();
  const auto loop = this->loop();
  loop->post([loop = loop.get(), listing, path, &upstream] {
    HttpClientRequest http;
    http.url = upstream.base_url + path;
    const auto& [name, value] = upstream.dialect->models_header;
    if (!name.empty()) http.headers.push_back({std::string(name), std::string(value)});
    if (!upstream.key.empty()) http.headers.push_back(upstream.authorize(upstream.key));
    http.connect_timeout_ms = http.first_byte_timeout_ms = http.silence_timeout_ms = kListTimeoutMs;
    listing->call = loop->client(upstream).start(
        std::move(http),
        {.head = [listing](const HttpResponseHead& head) { listing->head = head; },
         .body =
             [listing](std::string_view bytes) {
               if (listing->body.size() < kMaxListBytes) listing->body += bytes;
             },
         .done = [listing](Status status) { listing->done.set_value(std::move(status)); }});
  });
  auto done = listing->done.get_future();
  if (done.wait_for(std::chrono::milliseconds(2 * kListTimeoutMs)) != std::future_status::ready) {
    return Error{ErrorCode::kDeadline,
                 fmt::format("the list of models does not end; {}; try again", upstream.base_url)};
  }
  const Status status = done.get();
  if (!status.ok()) return describe_breakage(upstream, status.error()).error;
  if (listing->head.status != 200) {
    return describe_refusal(upstream, listing->head,
                            upstream.dialect->read_error(listing->head, listing->body))
        .error;
  }
  return std::move(listing->body);
}

Result<std::vector<std::string>> Upstreams::list(const Upstream& upstream) {
  TRY(check_key(upstream));
  std::vector<std::string> out;
  std::string path(upstream.dialect->models_path);
  for (int n_pages = 0; !path.empty() && n_pages < kMaxListPages; ++n_pages) {
    const std::string body = TRY(get(upstream, path));
    for (std::string& name : TRY(upstream.dialect->read_models(body))) {
      out.push_back(std::move(name));
    }
    const auto next = upstream.dialect->next_models_path;
    path = next ? next(body) : std::string();
  }
  return out;
}

}  // namespace overtake
