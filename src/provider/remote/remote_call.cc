#include "provider/remote/remote_call.h"

#include <fmt/core.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/time.h"

namespace overtake {
namespace {

// How long a connection may take to end an answer whose last event is out.
constexpr int64_t kLingerUs = 1'000'000;
// What may wait for a reader before the upstream has to. It goes on once a quarter is left.
constexpr size_t kMaxPendingBytes = 256u << 10;

// Takes out what only its vendor's dialect has words for; false: nothing else was in the event.
bool drop_vendors_own(Event& event) {
  if (auto* citation = std::get_if<CitationEvent>(&event)) {
    citation->native.clear();
    return !citation->url.empty();
  }
  if (std::holds_alternative<VendorEvent>(event)) return false;
  if (auto* text = std::get_if<TextEvent>(&event)) {
    const bool was_all = text->text.empty() && text->logprobs.empty() && !text->signature.empty();
    text->signature.clear();
    return !was_all;
  }
  if (auto* thought = std::get_if<ReasoningEvent>(&event)) {
    thought->signature.clear();
    thought->encrypted.clear();
    thought->id.clear();
    if (std::exchange(thought->begins_part, false)) thought->text.insert(0, "\n\n");
    return !thought->text.empty();
  }
  if (auto* tool = std::get_if<ToolEvent>(&event)) tool->signature.clear();
  return true;
}

FailedEvent can_not_pass_on() {
  FailedEvent out;
  out.error = {ErrorCode::kUnsupported,
               "the model answered with an image or another file, which can not be passed on to "
               "clients of another vendor's API; answer of the upstream; ask for text"};
  out.upstream.emplace();
  return out;
}

int64_t jittered(int64_t ms) {
  static thread_local std::minstd_rand random(std::random_device{}());
  return ms / 2 + std::uniform_int_distribution<int64_t>(0, ms / 2)(random);
}

}  // namespace

RemoteCall::RemoteCall(RemoteLoop& loop, RemoteRequest request)
    : loop_(loop), request_(std::move(request)) {}

void RemoteCall::start() {
  started_us_ = now_us();
  loop_.budget(*request_.upstream).earn();
  attempt();
}

void RemoteCall::attempt() {
  if (over_) return;
  const Upstream& upstream = *request_.upstream;
  reader_.reset();
  head_ = {};
  error_body_.clear();
  HttpClientRequest http;
  http.method = "POST";
  http.url = upstream.base_url + request_.outgoing.path;
  http.headers = request_.outgoing.headers;
  if (!upstream.key.empty()) http.headers.push_back(upstream.authorize(upstream.key));
  http.body = request_.outgoing.body;
  http.connect_timeout_ms = loop_.options().connect_timeout_ms;
  http.first_byte_timeout_ms = loop_.options().first_byte_timeout_ms;
  http.silence_timeout_ms = loop_.options().silence_timeout_ms;
  call_ = loop_.client(upstream).start(
      std::move(http), {.head = [this](const HttpResponseHead& head) { on_head(head); },
                        .body = [this](std::string_view bytes) { on_body(bytes); },
                        .done = [this](Status status) { on_done(status); }});
}

void RemoteCall::on_head(const HttpResponseHead& head) {
  head_ = head;
  if (head.status != 200) return;
  if (request_.document_reader) {
    reader_ = request_.document_reader();
    return;
  }
  std::string type(head.header("content-type").value_or(""));
  std::ranges::transform(type, type.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  const wire::ClientDialect& dialect = *request_.dialect;
  reader_ = dialect.make_reader(type.starts_with(dialect.stream_type));
}

void RemoteCall::on_body(std::string_view bytes) {
  if (over_) return let_go();  // bytes behind the end
  if (!reader_) {
    const size_t room = wire::kMaxErrorBodyBytes - error_body_.size();
    error_body_ += bytes.substr(0, room);
    return;
  }
  n_received_ += bytes.size();
  last_bytes_us_ = now_us();
  std::vector<Event> events;
  Status status;
  if (n_received_ > loop_.options().max_answer_bytes) {
    status = Error{ErrorCode::kDamaged,
                   fmt::format("the answer is longer than {} bytes; {}; ask for fewer tokens",
                               loop_.options().max_answer_bytes, request_.upstream->base_url)};
  } else {
    status = reader_->feed(bytes, &events);
  }
  push(std::move(events));
  hold_back();
  if (!status.ok()) end(describe_breakage(*request_.upstream, status.error()));
}

void RemoteCall::on_done(const Status& status) {
  const auto self = shared_from_this();
  const Upstream& upstream = *request_.upstream;
  if (over_) return let_go();
  if (!status.ok()) return fail_or_retry(describe_breakage(upstream, status.error()));
  if (!reader_) {
    return fail_or_retry(
        describe_refusal(upstream, head_, request_.dialect->read_error(head_, error_body_)));
  }
  std::vector<Event> events;
  const Status finished = reader_->finish(&events);
  push(std::move(events));
  if (!finished.ok()) end(describe_breakage(upstream, finished.error()));
  let_go();
}

void RemoteCall::push(std::vector<Event> events) {
  for (Event& event : events) {
    if (over_) return;
    const auto* vendors = std::get_if<VendorEvent>(&event);
    if (vendors && vendors->is_needed && !request_.keeps_vendors_own) event = can_not_pass_on();
    if (!request_.keeps_vendors_own && !drop_vendors_own(event)) continue;
    if (first_us_ == 0 && !std::holds_alternative<StartedEvent>(event)) first_us_ = now_us();
    if (const auto* started = std::get_if<StartedEvent>(&event); started && request_.prices) {
      prices_ = request_.prices(started->model);
    }
    if (auto* usage = std::get_if<UsageEvent>(&event)) {
      if (prices_) usage->cost_nano_usd = cost_nano_usd(*prices_, *usage);
      if (usage->cost_nano_usd) usage->prices_as_of = prices_->as_of;
      // Where the upstream does not say: reading the prompt takes until the first piece.
      if (usage->prefill_us == 0) usage->prefill_us = first_us_ - started_us_;
      if (usage->decode_us == 0) usage->decode_us = now_us() - first_us_;
    }
    if (auto* failed = std::get_if<FailedEvent>(&event)) {
      const std::optional<UpstreamFault> fault = failed->upstream;
      const bool retryable = failed->retryable;
      *failed = describe_breakage(*request_.upstream, failed->error);
      if (fault) {
        failed->retryable = retryable;
        failed->upstream->status = fault->status;
        failed->upstream->type = without_key(*request_.upstream, fault->type);
        failed->upstream->code = without_key(*request_.upstream, fault->code);
      }
    }
    over_ = is_last(event);
    if (over_) over_us_ = now_us();
    request_.answer->push(std::move(event));
  }
}

// Before the first byte of an answer only: after it, trying again could say things twice.
bool RemoteCall::retry(const FailedEvent& failed) {
  const RemoteOptions& options = loop_.options();
  bool wanted = failed.retryable;
  if (const auto word = head_.header("x-should-retry")) wanted = *word == "true";
  if (!wanted || n_received_ > 0 || n_retries_ >= options.max_retries) return false;
  auto told = retry_after_ms(head_, now_us());
  if (!told && failed.upstream) told = failed.upstream->retry_after_ms;  // in the body
  const int64_t delay = told ? *told : jittered(int64_t{options.retry_delay_ms} << n_retries_);
  if ((now_us() - started_us_) / 1000 + delay > options.retry_within_ms) return false;
  if (!loop_.budget(*request_.upstream).spend()) return false;
  ++n_retries_;
  loop_.loop().after(static_cast<int>(delay), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->attempt();
  });
  return true;
}

void RemoteCall::fail_or_retry(FailedEvent failed) {
  if (retry(failed)) return;
  if (failed.upstream && head_.status != 0) {
    if (const auto told = retry_after_ms(head_, now_us())) failed.upstream->retry_after_ms = told;
  }
  end(std::move(failed));
}

void RemoteCall::hold_back() {
  if (over_ || !call_) return;
  const size_t pending = request_.answer->pending_bytes();
  if (!paused_ && pending > kMaxPendingBytes) {
    paused_ = true;
    call_->pause();
  } else if (paused_ && pending < kMaxPendingBytes / 4) {
    paused_ = false;
    call_->resume();
  }
}

void RemoteCall::check() {
  hold_back();
  if (over_) {
    if (now_us() - over_us_ > kLingerUs) let_go();
  } else if (request_.answer->cancelled()) {
    end(FinishedEvent{FinishReason::kCancelled});
  } else if (request_.deadline_us && now_us() > *request_.deadline_us) {
    FailedEvent late;
    late.error = {ErrorCode::kDeadline, fmt::format("no answer by the request's deadline; {}; "
                                                    "allow more time",
                                                    request_.upstream->name)};
    end(std::move(late));
  } else {
    settle_if_silent();
  }
}

void RemoteCall::settle_if_silent() {
  if (!reader_ || paused_ || !reader_->is_complete()) return;
  const RemoteOptions& options = loop_.options();
  const int64_t grace_ms = std::min(options.end_grace_ms, options.silence_timeout_ms / 2);
  if (now_us() - last_bytes_us_ < grace_ms * 1000) return;
  std::vector<Event> events;
  const Status settled = reader_->settle(&events);
  push(std::move(events));
  if (!settled.ok()) return end(describe_breakage(*request_.upstream, settled.error()));
  let_go();
}

void RemoteCall::abandon() {
  if (!over_) {
    end(FailedEvent{{ErrorCode::kCancelled, "the program is ending; upstream; try again"}, true});
  }
}

void RemoteCall::end(Event event) {
  if (!std::exchange(over_, true)) request_.answer->push(std::move(event));
  let_go();
}

void RemoteCall::let_go() {
  over_ = true;
  const auto self = shared_from_this();  // the loop may hold the last other pointer
  call_.reset();
  loop_.forget(this);
}

}  // namespace overtake
