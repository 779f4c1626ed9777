// Requests to where models come from: follows redirects under the rules that fetching needs, and
// keeps the hub's token with the hub.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/http_client.h"
#include "net/http_url.h"

namespace overtake {

struct SourceOptions {
  std::string token;         // sent as Authorization, to this origin alone
  std::string token_origin;  // see HttpUrl::origin
  int connect_timeout_ms = 15'000;
  int first_byte_timeout_ms = 60'000;
  int silence_timeout_ms = 60'000;
};

struct SourceEvents {
  // An answer that sent us on; before `head`, which is that of the last one.
  std::function<void(const HttpResponseHead&)> redirect;
  std::function<void(const HttpResponseHead&)> head;
  std::function<void(std::string_view)> body;
  std::function<void(Status)> done;
};

// kPermissionDenied with the reason if a redirect may not be followed: from https to http, to
// anything but the web, back to this machine or a private network from outside.
Result<HttpUrl> check_redirect(const HttpUrl& from, std::string_view location);

// One GET with all its redirects. Loop thread only. Destroying it cancels.
class SourceGet {
 public:
  SourceGet(HttpClient& client, const SourceOptions& options, SourceEvents events);
  void start(const HttpUrl& url, std::vector<HttpHeader> headers);

 private:
  void send(const HttpUrl& url);
  void on_head(const HttpResponseHead& head);
  void on_done(Status status);

  HttpClient& client_;
  const SourceOptions& options_;
  SourceEvents events_;
  std::vector<HttpHeader> headers_;
  HttpUrl url_;
  std::unique_ptr<HttpCall> call_;
  std::string location_;  // where the answer at hand sends us; "" if it does not
  bool public_only_ = false;
  int n_redirects_ = 0;
};

// What a status other than success means, for people. `repo` is "" for what is not on the hub.
struct Asked {
  std::string url;
  std::string repo;
  std::string hub;
  bool had_token = false;
};
Error status_error(const HttpResponseHead& head, const Asked& asked);
// Whether asking again may help.
bool is_transient(int status);
// Seconds that the answer asks to wait (Retry-After, as a number), at most `max_s`; 0 if it does
// not say.
int retry_after_s(const HttpResponseHead& head, int max_s);

}  // namespace overtake
