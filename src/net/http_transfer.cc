#include "net/http_transfer.h"

#include <curl/curl.h>
#include <fmt/core.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace overtake {
namespace {

static_assert(sizeof HttpTransfer::error_text >= CURL_ERROR_SIZE);

bool same_letters(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

bool is_set(const char* name) {
  const char* value = std::getenv(name);
  return value && *value;
}

// Whether libcurl will send requests of this scheme through a proxy of the environment.
bool has_proxy(std::string_view scheme) {
  if (is_set("all_proxy") || is_set("ALL_PROXY")) return true;
  return scheme == "https" ? is_set("https_proxy") || is_set("HTTPS_PROXY") : is_set("http_proxy");
}

// Whether a host, as it is written, is one that public_addresses_only forbids.
bool is_private_host(const HttpUrl& url) {
  const std::string& host = url.host;
  if (host.starts_with('[')) return !is_public_address(host.substr(1, host.size() - 2));
  const bool is_name = host.find_first_not_of("0123456789.") != std::string::npos;
  return is_name ? url.is_loopback() : !is_public_address(host);
}

Status check_request(const HttpClientRequest& request) {
  const auto bad = [](std::string_view text, std::string_view more) {
    return std::ranges::any_of(text, [&](unsigned char c) {
      return c < ' ' || c == 127 || more.find(static_cast<char>(c)) != more.npos;
    });
  };
  if (request.method.empty() || bad(request.method, " :")) {
    return Error{ErrorCode::kInvalidArgument,
                 "a request without a proper method; HTTP client; set "
                 "GET, POST, ..."};
  }
  for (const HttpHeader& header : request.headers) {
    if (header.name.empty() || bad(header.name, " :") || bad(header.value, "")) {
      // The value may be a secret: it is not shown.
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("the header \"{}\" has a byte that no header may have; HTTP client; "
                               "is there a line end in a key or token?",
                               escaped(header.name))};
    }
  }
  return {};
}

Error curl_error(CURLcode code, const char* detail, const HttpUrl& url) {
  const std::string_view words = *detail ? detail : curl_easy_strerror(code);
  const std::string where = url.origin();
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return {
          ErrorCode::kPermissionDenied,
          fmt::format("the certificate is not trusted ({}); {}; a proxy that opens TLS needs its "
                      "authority in the file that SSL_CERT_FILE names",
                      words, where)};
    case CURLE_OPERATION_TIMEDOUT:
      return {ErrorCode::kDeadline,
              fmt::format("no connection in time ({}); {}; is the network up?", words, where)};
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {ErrorCode::kUnavailable,
              fmt::format("the name is not known ({}); {}; is the network up, and the name right?",
                          words, where)};
    case CURLE_COULDNT_CONNECT:
      return {ErrorCode::kUnavailable,
              fmt::format("no connection ({}); {}; is the server up?", words, where)};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_OUT_OF_MEMORY:  // also a header line that is too long
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return {
          ErrorCode::kDamaged,
          fmt::format("the answer is not HTTP ({}); {}; is this the right address?", words, where)};
    default:
      return {ErrorCode::kUnavailable,
              fmt::format("the connection broke ({}); {}; try again", words, where)};
  }
}

// Two lengths that differ: whoever believes the other one reads another answer.
bool contradicts_itself(const HttpResponseHead& head) {
  const auto length = head.header("content-length");
  return std::ranges::any_of(head.headers, [&](const HttpHeader& each) {
    return same_letters(each.name, "content-length") && each.value != *length;
  });
}

size_t on_header(char* data, size_t size, size_t n, void* user) {
  auto& t = *static_cast<HttpTransfer*>(user);
  const std::string_view line(data, size * n);
  t.active_ms = monotonic_ms();
  if (t.ended || t.failure) return 0;
  if (t.head_done) return line.size();  // trailers
  t.header_bytes += line.size();
  if (t.header_bytes > t.request.max_header_bytes) {
    t.fail(ErrorCode::kDamaged, fmt::format("the head of the answer is longer than {} bytes; {}; "
                                            "is this the right address?",
                                            t.request.max_header_bytes, t.url.origin()));
    return 0;
  }
  if (line.starts_with("HTTP/")) {
    t.head.headers.clear();
    return line.size();
  }
  if (trim(line).empty()) {
    long status = 0;
    curl_easy_getinfo(t.easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200) return line.size();  // 100 Continue and its like
    char* address = nullptr;
    curl_easy_getinfo(t.easy, CURLINFO_PRIMARY_IP, &address);
    t.head.status = static_cast<int>(status);
    t.head.peer_is_public = has_proxy(t.url.scheme)
                                ? !is_private_host(t.url)
                                : address && is_public_address(std::string(address));
    t.head_done = true;
    if (contradicts_itself(t.head)) {
      t.fail(
          ErrorCode::kDamaged,
          fmt::format("the answer gives two lengths; {}; try again, or tell who runs that server",
                      t.url.origin()));
      return 0;
    }
    if (t.events.head) t.events.head(t.head);
    return t.ended ? 0 : line.size();
  }
  const size_t colon = line.find(':');
  if (colon == line.npos) return line.size();
  t.head.headers.push_back(
      {std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1)))});
  return line.size();
}

size_t on_body(char* data, size_t size, size_t n, void* user) {
  auto& t = *static_cast<HttpTransfer*>(user);
  if (t.ended || t.failure) return CURL_WRITEFUNC_ERROR;
  if (t.paused) return CURL_WRITEFUNC_PAUSE;
  t.active_ms = monotonic_ms();
  if (t.events.body) t.events.body({data, size * n});
  return t.ended ? CURL_WRITEFUNC_ERROR : size * n;
}

size_t on_send(char* into, size_t size, size_t n, void* user) {
  auto& t = *static_cast<HttpTransfer*>(user);
  if (t.ended) return CURL_READFUNC_ABORT;
  t.active_ms = monotonic_ms();
  const size_t count = std::min(size * n, t.request.body.size() - t.sent);
  std::memcpy(into, t.request.body.data() + t.sent, count);
  t.sent += count;
  return count;
}

int on_seek(void* user, curl_off_t offset, int origin) {
  auto& t = *static_cast<HttpTransfer*>(user);
  if (origin != SEEK_SET || offset < 0 || static_cast<size_t>(offset) > t.request.body.size()) {
    return CURL_SEEKFUNC_FAIL;
  }
  t.sent = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

Error private_address(const HttpUrl& url) {
  return {ErrorCode::kPermissionDenied,
          fmt::format("the address is not a public one; {}; a server outside must not lead into "
                      "this network",
                      url.origin())};
}

// What public_addresses_only means for this request: with a proxy, which alone knows the address of
// a name, digits are judged as they stand; else the socket's address is, when it is opened.
void check_target(HttpTransfer& t) {
  if (!t.request.public_addresses_only) return;
  t.check_address = !has_proxy(t.url.scheme);
  if (is_private_host(t.url)) t.failure = private_address(t.url);
}

curl_socket_t on_open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& t = *static_cast<HttpTransfer*>(user);
  if (t.check_address && !is_public_address(&address->addr)) {
    t.failure = private_address(t.url);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void set_body(HttpTransfer& t) {
  if (t.request.method == "HEAD") {
    curl_easy_setopt(t.easy, CURLOPT_NOBODY, 1L);
    return;
  }
  if (!t.request.body.empty() || t.request.method == "POST" || t.request.method == "PUT") {
    curl_easy_setopt(t.easy, CURLOPT_POST, 1L);
    curl_easy_setopt(t.easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(t.request.body.size()));
    curl_easy_setopt(t.easy, CURLOPT_READFUNCTION, on_send);
    curl_easy_setopt(t.easy, CURLOPT_READDATA, &t);
    curl_easy_setopt(t.easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(t.easy, CURLOPT_SEEKDATA, &t);
  }
  curl_easy_setopt(t.easy, CURLOPT_CUSTOMREQUEST, t.request.method.c_str());
}

void set_headers(HttpTransfer& t) {
  bool has_content_type = false;
  for (const HttpHeader& header : t.request.headers) {
    has_content_type = has_content_type || same_letters(header.name, "content-type");
    const std::string line =
        header.value.empty() ? header.name + ";" : header.name + ": " + header.value;
    t.headers = curl_slist_append(t.headers, line.c_str());
  }
  t.headers = curl_slist_append(t.headers, "Expect:");  // no 100-continue: it costs a round trip
  if (!has_content_type) t.headers = curl_slist_append(t.headers, "Content-Type:");
  curl_easy_setopt(t.easy, CURLOPT_HTTPHEADER, t.headers);
}

void set_trust(CURL* easy) {
  // libcurl's command reads these variables, the library does not.
  if (is_set("SSL_CERT_FILE")) curl_easy_setopt(easy, CURLOPT_CAINFO, std::getenv("SSL_CERT_FILE"));
  if (is_set("SSL_CERT_DIR")) curl_easy_setopt(easy, CURLOPT_CAPATH, std::getenv("SSL_CERT_DIR"));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
}

void set_up(HttpTransfer& t) {
  CURL* easy = t.easy;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &t);
  curl_easy_setopt(easy, CURLOPT_URL, t.url.text().c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // Cancelling must not wait for a thread that asks for a name.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(t.request.connect_timeout_ms));
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 256L << 10);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "overtake/" OVERTAKE_VERSION);
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t.error_text);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &t);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &t);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &t);
  // A kept connection has passed no check of ours.
  if (t.check_address) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  set_trust(easy);
  set_body(t);
  set_headers(t);
}

}  // namespace

int64_t monotonic_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::optional<std::string_view> HttpResponseHead::header(std::string_view name) const {
  for (const HttpHeader& each : headers) {
    if (same_letters(each.name, name)) return each.value;
  }
  return std::nullopt;
}

std::shared_ptr<HttpTransfer> HttpTransfer::make(HttpClientRequest request,
                                                 HttpClientEvents events) {
  auto transfer = std::make_shared<HttpTransfer>();
  transfer->events = std::move(events);
  Status valid = check_request(request);
  if (Result<HttpUrl> url = parse_http_url(request.url); url.ok()) {
    transfer->url = *std::move(url);
  } else if (valid.ok()) {
    valid = std::move(url).error();
  }
  transfer->request = std::move(request);
  if (!valid.ok()) {
    transfer->failure = std::move(valid).error();
    return transfer;
  }
  check_target(*transfer);
  transfer->easy = curl_easy_init();
  OVERTAKE_CHECK(transfer->easy != nullptr);
  set_up(*transfer);
  return transfer;
}

HttpTransfer::~HttpTransfer() {
  if (easy) curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
}

void HttpTransfer::fail(ErrorCode code, std::string message) {
  if (!failure) failure = Error{code, std::move(message)};
}

Status HttpTransfer::outcome(int code) const {
  if (failure) return *failure;
  if (code == CURLE_OK) return {};
  return curl_error(static_cast<CURLcode>(code), error_text, url);
}

}  // namespace overtake
