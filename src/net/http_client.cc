#include "net/http_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "base/text.h"
#include "net/http_url.h"

namespace overtake {
namespace {

constexpr int kTickMs = 50;  // how exactly the timeouts of silence are kept

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

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

}  // namespace

std::optional<std::string_view> HttpResponseHead::header(std::string_view name) const {
  for (const HttpHeader& each : headers) {
    if (same_letters(each.name, name)) return each.value;
  }
  return std::nullopt;
}

namespace {

// One request: libcurl's handle and all that its callbacks touch. Held by the client while it is
// under way; the caller's HttpCall holds it weakly.
struct Transfer {
  HttpClientRequest request;
  HttpClientEvents events;
  HttpUrl url;
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  char error_text[CURL_ERROR_SIZE] = {};
  HttpResponseHead head;
  bool head_done = false;
  bool added = false;
  bool ended = false;  // cancelled, or done was called
  bool paused = false;
  bool check_address = false;
  std::optional<Error> failure;  // ours, which goes before libcurl's
  size_t header_bytes = 0;
  size_t sent = 0;        // of the body
  int64_t active_ms = 0;  // last sign of life

  ~Transfer() {
    if (easy) curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
  void fail(ErrorCode code, std::string message) {
    if (!failure) failure = Error{code, std::move(message)};
  }
};

// Two lengths that differ: whoever believes the other one reads another answer.
bool contradicts_itself(const HttpResponseHead& head) {
  const auto length = head.header("content-length");
  return std::ranges::any_of(head.headers, [&](const HttpHeader& each) {
    return same_letters(each.name, "content-length") && each.value != *length;
  });
}

size_t on_header(char* data, size_t size, size_t n, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  const std::string_view line(data, size * n);
  t.active_ms = now_ms();
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
  auto& t = *static_cast<Transfer*>(user);
  if (t.ended || t.failure) return CURL_WRITEFUNC_ERROR;
  if (t.paused) return CURL_WRITEFUNC_PAUSE;
  t.active_ms = now_ms();
  if (t.events.body) t.events.body({data, size * n});
  return t.ended ? CURL_WRITEFUNC_ERROR : size * n;
}

size_t on_send(char* into, size_t size, size_t n, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  if (t.ended) return CURL_READFUNC_ABORT;
  t.active_ms = now_ms();
  const size_t count = std::min(size * n, t.request.body.size() - t.sent);
  std::memcpy(into, t.request.body.data() + t.sent, count);
  t.sent += count;
  return count;
}

int on_seek(void* user, curl_off_t offset, int origin) {
  auto& t = *static_cast<Transfer*>(user);
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
void check_target(Transfer& t) {
  if (!t.request.public_addresses_only) return;
  t.check_address = !has_proxy(t.url.scheme);
  if (is_private_host(t.url)) t.failure = private_address(t.url);
}

curl_socket_t on_open_socket(void* user, curlsocktype, curl_sockaddr* address) {
  auto& t = *static_cast<Transfer*>(user);
  if (t.check_address && !is_public_address(&address->addr)) {
    t.failure = private_address(t.url);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void set_body(Transfer& t) {
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

void set_headers(Transfer& t) {
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

void set_up(Transfer& t) {
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

struct HttpClient::Impl : std::enable_shared_from_this<HttpClient::Impl> {
  // What libcurl waits for on one of its sockets. The watch owns a duplicate: libcurl closes its
  // own, after it has told us to stop waiting.
  struct Socket {
    std::unique_ptr<EventLoop::Watch> watch;
    int wanted = 0;  // CURL_POLL_*
    bool reading = false;
    bool writing = false;
  };

  EventLoop& loop;
  CURLM* multi = nullptr;
  std::unordered_map<curl_socket_t, std::shared_ptr<Socket>> sockets;
  std::map<Transfer*, std::shared_ptr<Transfer>> transfers;
  int64_t deadline_ms = -1;    // when libcurl wants to be called; -1: not at all
  int64_t next_timer_ms = -1;  // when our earliest timer fires
  bool ticking = false;
  bool in_curl = false;  // libcurl is on the stack: it must not be entered again
  bool closed = false;

  explicit Impl(EventLoop& loop) : loop(loop) {}
  ~Impl() {
    if (multi) curl_multi_cleanup(multi);
  }

  void close() {
    closed = true;
    auto all = std::exchange(transfers, {});
    for (auto& [key, transfer] : all) {
      transfer->ended = true;
      transfer->events = {};
      if (transfer->added) curl_multi_remove_handle(multi, transfer->easy);
    }
    all.clear();
    sockets.clear();
  }

  // ---- what libcurl asks for

  static int on_socket(CURL*, curl_socket_t fd, int what, void* user, void*) {
    auto& self = *static_cast<Impl*>(user);
    if (what == CURL_POLL_REMOVE) {
      self.sockets.erase(fd);
      return 0;
    }
    std::shared_ptr<Socket>& socket = self.sockets[fd];
    if (!socket) {
      const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
      if (copy < 0) {
        self.sockets.erase(fd);
        return -1;
      }
      socket = std::make_shared<Socket>();
      socket->watch = self.loop.watch(copy);
    }
    socket->wanted = what;
    self.arm(fd, socket);
    return 0;
  }

  static int on_timer(CURLM*, long timeout_ms, void* user) {
    auto& self = *static_cast<Impl*>(user);
    self.deadline_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    if (timeout_ms >= 0) self.arm_timer();
    return 0;
  }

  void arm(curl_socket_t fd, const std::shared_ptr<Socket>& socket) {
    const auto ready = [this, fd, self = weak_from_this(), weak = std::weak_ptr(socket)](
                           bool Socket::* waiting, int bit) {
      return [this, fd, self, weak, waiting, bit] {
        const auto alive = self.lock();
        const auto socket = weak.lock();
        if (!alive || !socket) return;
        (*socket).*waiting = false;
        act(fd, bit);
        if (sockets.contains(fd) && sockets[fd] == socket) arm(fd, socket);
      };
    };
    if ((socket->wanted & CURL_POLL_IN) && !std::exchange(socket->reading, true)) {
      socket->watch->wait_readable(ready(&Socket::reading, CURL_CSELECT_IN));
    }
    if ((socket->wanted & CURL_POLL_OUT) && !std::exchange(socket->writing, true)) {
      socket->watch->wait_writable(ready(&Socket::writing, CURL_CSELECT_OUT));
    }
  }

  // Timers of the loop can not be taken back, so a new one is started only where it is earlier than
  // those that run; one that comes too early waits for the rest.
  void arm_timer() {
    if (deadline_ms < 0 || (next_timer_ms >= 0 && next_timer_ms <= deadline_ms)) return;
    next_timer_ms = deadline_ms;
    const int64_t delay = std::clamp<int64_t>(deadline_ms - now_ms(), 0, 1 << 30);
    loop.after(static_cast<int>(delay), [self = weak_from_this(), at = deadline_ms] {
      const auto alive = self.lock();
      if (!alive || alive->closed || alive->next_timer_ms != at) return;
      alive->next_timer_ms = -1;
      if (alive->deadline_ms >= 0 && alive->deadline_ms <= now_ms()) {
        alive->deadline_ms = -1;
        alive->act(CURL_SOCKET_TIMEOUT, 0);
      }
      alive->arm_timer();
    });
  }

  void act(curl_socket_t fd, int bits) {
    if (closed) return;
    int n_running = 0;
    in_curl = true;
    curl_multi_socket_action(multi, fd, bits, &n_running);
    in_curl = false;
    collect();
  }

  // ---- requests

  void add(const std::shared_ptr<Transfer>& transfer) {
    if (transfer->ended || closed) return;
    transfer->active_ms = now_ms();
    if (curl_multi_add_handle(multi, transfer->easy) != CURLM_OK) {
      transfer->fail(ErrorCode::kInternal, "libcurl took no request; HTTP client; report this");
      finish(transfer.get(), CURLE_FAILED_INIT);
      return;
    }
    transfer->added = true;
    tick();
  }

  // Hands out what has ended.
  void collect() {
    int n_left = 0;
    while (!closed) {
      const CURLMsg* message = curl_multi_info_read(multi, &n_left);
      if (!message) return;
      if (message->msg != CURLMSG_DONE) continue;
      Transfer* transfer = nullptr;
      const CURLcode code = message->data.result;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      finish(transfer, code);
    }
  }

  void finish(Transfer* key, CURLcode code) {
    const auto found = transfers.find(key);
    if (found == transfers.end()) return;
    const std::shared_ptr<Transfer> transfer = std::move(found->second);
    transfers.erase(found);
    if (transfer->added) curl_multi_remove_handle(multi, transfer->easy);
    transfer->added = false;
    // Whoever holds the call may hang on what these hold: a circle, ended here.
    const HttpClientEvents events = std::exchange(transfer->events, {});
    const auto& done = events.done;
    if (std::exchange(transfer->ended, true) || !done) return;
    if (transfer->failure) {
      done(std::move(*transfer->failure));
    } else if (code != CURLE_OK) {
      done(curl_error(code, transfer->error_text, transfer->url));
    } else {
      done({});
    }
  }

  void cancel(const std::shared_ptr<Transfer>& transfer) {
    if (std::exchange(transfer->ended, true)) return;
    if (closed) return;
    if (in_curl) {
      loop.post([self = weak_from_this(), transfer] {
        if (const auto alive = self.lock(); alive && !alive->closed) {
          alive->finish(transfer.get(), CURLE_OK);
        }
      });
    } else {
      finish(transfer.get(), CURLE_OK);
    }
  }

  // Looks for requests whose peer has been silent for too long, while there are any.
  void tick() {
    if (ticking || transfers.empty() || closed) return;
    ticking = true;
    loop.after(kTickMs, [self = weak_from_this()] {
      const auto alive = self.lock();
      if (!alive) return;
      alive->ticking = false;
      alive->find_silent();
      alive->tick();
    });
  }

  void find_silent() {
    const int64_t now = now_ms();
    std::vector<Transfer*> silent;
    for (const auto& [key, t] : transfers) {
      if (!t->added || t->paused || t->ended) continue;
      const int limit =
          t->head_done ? t->request.silence_timeout_ms : t->request.first_byte_timeout_ms;
      if (now - t->active_ms <= limit) continue;
      t->fail(ErrorCode::kDeadline,
              fmt::format("no byte for {} s; {}; the server stalls: try again", limit / 1000.0,
                          t->url.origin()));
      silent.push_back(key);
    }
    for (Transfer* key : silent) finish(key, CURLE_OPERATION_TIMEDOUT);
  }
};

namespace {

class CallHandle : public HttpCall {
 public:
  CallHandle(std::function<void()> cancel, std::function<void(bool)> set_paused)
      : cancel_(std::move(cancel)), set_paused_(std::move(set_paused)) {}
  ~CallHandle() override { cancel_(); }
  void pause() override { set_paused_(true); }
  void resume() override { set_paused_(false); }

 private:
  std::function<void()> cancel_;
  std::function<void(bool)> set_paused_;
};

}  // namespace

HttpClient::HttpClient(EventLoop& loop, HttpClientOptions options) {
  static std::once_flag once;
  std::call_once(once, [] {
    OVERTAKE_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == 0);
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that peers have closed
  });
  impl_ = std::make_shared<Impl>(loop);
  CURLM* multi = impl_->multi = curl_multi_init();
  OVERTAKE_CHECK(multi != nullptr);
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, Impl::on_socket);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, impl_.get());
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, Impl::on_timer);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, impl_.get());
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, static_cast<long>(options.max_idle_connections));
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS,
                    static_cast<long>(options.max_connections_per_host));
}

HttpClient::~HttpClient() { impl_->close(); }

std::unique_ptr<HttpCall> HttpClient::start(HttpClientRequest request, HttpClientEvents events) {
  auto transfer = std::make_shared<Transfer>();
  transfer->events = std::move(events);
  Status valid = check_request(request);
  if (Result<HttpUrl> url = parse_http_url(request.url); url.ok()) {
    transfer->url = *std::move(url);
  } else if (valid.ok()) {
    valid = std::move(url).error();
  }
  transfer->request = std::move(request);
  impl_->transfers[transfer.get()] = transfer;
  if (valid.ok()) {
    check_target(*transfer);
    transfer->easy = curl_easy_init();
    OVERTAKE_CHECK(transfer->easy != nullptr);
    set_up(*transfer);
  } else {
    transfer->failure = std::move(valid).error();
  }
  impl_->loop.post([weak = std::weak_ptr(impl_), transfer] {
    const auto impl = weak.lock();
    if (!impl || impl->closed) return;
    transfer->failure ? impl->finish(transfer.get(), CURLE_FAILED_INIT) : impl->add(transfer);
  });
  const std::weak_ptr<Impl> weak = impl_;
  return std::make_unique<CallHandle>(
      [weak, transfer] {
        if (const auto impl = weak.lock()) impl->cancel(transfer);
      },
      [weak, transfer](bool paused) {
        const auto impl = weak.lock();
        if (!impl || transfer->ended || transfer->paused == paused) return;
        transfer->paused = paused;
        transfer->active_ms = now_ms();
        // libcurl notices a pause at the next piece; the end of one it must be told.
        if (paused || !transfer->added) return;
        impl->loop.post([weak, transfer] {
          const auto impl = weak.lock();
          if (!impl || impl->closed || transfer->ended || !transfer->added) return;
          impl->in_curl = true;
          curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
          impl->in_curl = false;
          impl->act(CURL_SOCKET_TIMEOUT, 0);
        });
      });
}

}  // namespace overtake
