#include "provider/remote/fault.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace overtake {
namespace {

constexpr int64_t kLongestMs = 86'400'000;

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && out >= 0 ? std::optional(out) : std::nullopt;
}

}  // namespace

std::optional<int64_t> retry_after_ms(const HttpResponseHead& head, int64_t now_us) {
  if (const auto exact = head.header("retry-after-ms")) {
    if (const auto ms = whole_number(*exact)) return std::min(*ms, kLongestMs);
  }
  const auto after = head.header("retry-after");
  if (!after) return std::nullopt;
  if (const auto seconds = whole_number(*after)) {
    return std::min(*seconds, kLongestMs / 1000) * 1000;
  }
  std::tm date{};
  if (!strptime(std::string(*after).c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date)) {
    return std::nullopt;
  }
  return std::clamp<int64_t>(int64_t{timegm(&date)} * 1000 - now_us / 1000, 0, kLongestMs);
}

std::string without_key(const Upstream& upstream, std::string message) {
  if (upstream.key.empty()) return message;
  constexpr std::string_view kInstead = "[key]";  // which may hold a short key itself
  for (size_t at = 0; (at = message.find(upstream.key, at)) != message.npos;) {
    message.replace(at, upstream.key.size(), kInstead);
    at += kInstead.size();
  }
  return message;
}

FailedEvent describe_refusal(const Upstream& upstream, const HttpResponseHead& head,
                             FailedEvent failed) {
  UpstreamFault& fault = failed.upstream ? *failed.upstream : failed.upstream.emplace();
  fault.provider = upstream.name;
  fault.status = head.status;
  if (failed.error.code == ErrorCode::kUnauthenticated) {  // vendors repeat parts of the key
    failed.error = {
        ErrorCode::kUnauthenticated,
        fmt::format("{} refused the operator's key (status {}); {}; set {} where "
                    "overtake runs to a valid one",
                    upstream.name, head.status, upstream.base_url, upstream.key_variable)};
  } else if (head.status < 400) {
    failed.error = {ErrorCode::kUnavailable,
                    fmt::format("{} answered with status {}, which is followed nowhere; {}; give "
                                "the base URL that it should lead to",
                                upstream.name, head.status, upstream.base_url)};
    failed.retryable = false;
  }
  failed.error.message = without_key(upstream, std::move(failed.error.message));
  fault.type = without_key(upstream, std::move(fault.type));
  fault.code = without_key(upstream, std::move(fault.code));
  return failed;
}

FailedEvent describe_breakage(const Upstream& upstream, const Error& error) {
  FailedEvent failed;
  failed.error = {error.code, without_key(upstream, upstream.name + ": " + error.message)};
  failed.retryable = error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadline;
  failed.upstream.emplace().provider = upstream.name;
  return failed;
}

void RetryBudget::earn() { left_ = std::min(kMost, left_ + 0.1); }

bool RetryBudget::spend() {
  if (left_ < 1) return false;
  left_ -= 1;
  return true;
}

}  // namespace overtake
