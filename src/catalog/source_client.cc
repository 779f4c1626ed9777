#include "catalog/source_client.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.h"

namespace overtake {
namespace {

constexpr int kMaxRedirects = 8;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Error forbidden_redirect(const HttpUrl& from, std::string_view location, std::string_view why) {
  return {
      ErrorCode::kPermissionDenied,
      fmt::format("a redirect that is not followed ({}); {} to {}; do not trust this source, or "
                  "the network between",
                  why, from.origin(), escaped(location))};
}

Error no_access(const HttpResponseHead& head, const Asked& asked) {
  const auto code = head.header("x-error-code");
  const std::string page = asked.hub + "/" + asked.repo;
  if (head.status == 401 && !asked.had_token && code != "GatedRepo") {
    return {
        ErrorCode::kUnauthenticated,
        fmt::format("the hub gives this only to known users, or has no such repository (it does "
                    "not tell which); {}; check the spelling; if the model is gated, accept its "
                    "licence at {} and set HF_TOKEN to a read token of yours ({}/settings/tokens)",
                    asked.repo, page, asked.hub)};
  }
  if (!asked.had_token) {
    return {ErrorCode::kUnauthenticated,
            fmt::format("this model is gated: its makers want you to accept a licence first; {}; "
                        "visit {} and accept it, make a read token at {}/settings/tokens, and run "
                        "this again with HF_TOKEN set to it",
                        asked.repo, page, asked.hub)};
  }
  if (head.status == 401) {
    return {ErrorCode::kUnauthenticated,
            fmt::format("the hub does not accept the token; {}; make a new one at "
                        "{}/settings/tokens and set HF_TOKEN to it",
                        asked.repo, asked.hub)};
  }
  return {ErrorCode::kPermissionDenied,
          fmt::format("the token's owner may not fetch this model (yet); {}; accept the licence at "
                      "{} (some makers take days to answer), and let the token read gated "
                      "repositories",
                      asked.repo, page)};
}

}  // namespace

Result<HttpUrl> check_redirect(const HttpUrl& from, std::string_view location) {
  const Result<HttpUrl> to = resolve_http_url(from, location);
  if (!to.ok()) return forbidden_redirect(from, location, "not a web address");
  if (from.scheme == "https" && to->scheme != "https") {
    return forbidden_redirect(from, location, "from https to plain http");
  }
  return *to;
}

SourceGet::SourceGet(HttpClient& client, const SourceOptions& options, SourceEvents events)
    : client_(client), options_(options), events_(std::move(events)) {}

void SourceGet::start(const HttpUrl& url, std::vector<HttpHeader> headers) {
  headers_ = std::move(headers);
  n_redirects_ = 0;
  public_only_ = false;
  send(url);
}

void SourceGet::send(const HttpUrl& url) {
  url_ = url;
  location_.clear();
  HttpClientRequest request{.url = url.text(),
                            .headers = headers_,
                            .connect_timeout_ms = options_.connect_timeout_ms,
                            .first_byte_timeout_ms = options_.first_byte_timeout_ms,
                            .silence_timeout_ms = options_.silence_timeout_ms,
                            .public_addresses_only = public_only_};
  // What is counted and digested are the file's bytes as they lie on the server.
  request.headers.push_back({"Accept-Encoding", "identity"});
  const bool is_private_line = url.scheme == "https" || url.is_loopback();
  if (!options_.token.empty() && url.origin() == options_.token_origin && is_private_line) {
    request.headers.push_back({"Authorization", "Bearer " + options_.token});
  }
  call_ = client_.start(std::move(request),
                        {.head = [this](const HttpResponseHead& head) { on_head(head); },
                         .body =
                             [this](std::string_view part) {
                               if (location_.empty()) events_.body(part);
                             },
                         .done = [this](Status status) { on_done(std::move(status)); }});
}

void SourceGet::on_head(const HttpResponseHead& head) {
  const auto location = head.header("location");
  if (!is_redirect(head.status) || !location || location->empty()) return events_.head(head);
  location_ = *location;
  // Whoever is outside must not send us into the network that we are in.
  public_only_ = public_only_ || head.peer_is_public;
  if (events_.redirect) events_.redirect(head);
}

void SourceGet::on_done(Status status) {
  const auto done = events_.done;  // which may destroy this object
  if (!status.ok() || location_.empty()) return done(std::move(status));
  Result<HttpUrl> next = check_redirect(url_, location_);
  if (next.ok() && ++n_redirects_ > kMaxRedirects) {
    next = forbidden_redirect(url_, location_, fmt::format("the {}th in a row", n_redirects_));
  }
  if (!next.ok()) return done(std::move(next).error());
  send(*next);
}

bool is_transient(int status) {
  return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501);
}

int retry_after_s(const HttpResponseHead& head, int max_s) {
  const auto text = head.header("retry-after");
  int seconds = 0;
  if (!text) return 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
  return error == std::errc() ? std::clamp(seconds, 0, max_s) : 0;
}

Error status_error(const HttpResponseHead& head, const Asked& asked) {
  const std::string where = asked.repo.empty() ? asked.url : asked.repo;
  if ((head.status == 401 || head.status == 403) && !asked.repo.empty()) {
    return no_access(head, asked);
  }
  if (head.status == 404 || head.status == 410) {
    return {ErrorCode::kNotFound,
            fmt::format("nothing is there (status {}); {}; check the spelling (`overtake list "
                        "--all` has the models with a short name)",
                        head.status, where)};
  }
  if (head.status == 429) {
    const int seconds = retry_after_s(head, 1 << 30);
    return {ErrorCode::kExhausted,
            fmt::format("the server wants fewer requests (status 429); {}; try again {}", where,
                        seconds > 0 ? fmt::format("in {} s", seconds) : "in some minutes")};
  }
  if (head.status >= 500) {
    return {ErrorCode::kUnavailable,
            fmt::format("the server has a problem of its own (status {}); {}; try again later",
                        head.status, where)};
  }
  return {
      ErrorCode::kPermissionDenied,
      fmt::format("the server refuses (status {}); {}; is the address right?", head.status, where)};
}

}  // namespace overtake
