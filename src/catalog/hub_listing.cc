#include "catalog/hub_listing.h"

#include <fmt/core.h>

#include <algorithm>
#include <random>
#include <utility>

#include "base/text.h"

namespace overtake {
namespace {

constexpr size_t kMaxTextBytes = 64 << 20;
constexpr int kMaxPages = 100;
constexpr int kPollMs = 50;
constexpr int kLongestServerWaitS = 120;

struct TextAnswer {
  HttpResponseHead head;
  std::string body;
  std::optional<Status> done;
};

// One GET on a loop of its own.
TextAnswer get_once(const HttpUrl& url, const SourceOptions& options,
                    const std::atomic<bool>& cancel) {
  EventLoop loop;
  HttpClient client(loop);
  TextAnswer answer;
  SourceGet get(client, options,
                {.head = [&](const HttpResponseHead& head) { answer.head = head; },
                 .body =
                     [&](std::string_view part) {
                       if (answer.body.size() + part.size() > kMaxTextBytes) return loop.stop();
                       answer.body += part;
                     },
                 .done =
                     [&](Status status) {
                       answer.done = std::move(status);
                       loop.stop();
                     }});
  get.start(url, {});
  stop_when(loop, cancel);
  loop.run();
  if (!answer.done) {
    answer.done = cancel
                      ? cancelled_error()
                      : Error{ErrorCode::kDamaged,
                              fmt::format("an answer of more than {} bytes; {}; is HF_ENDPOINT a "
                                          "model hub?",
                                          kMaxTextBytes, url.origin())};
  }
  return answer;
}

void wait_ms(int ms, const std::atomic<bool>& cancel) {
  EventLoop loop;
  loop.after(ms, [&] { loop.stop(); });
  stop_when(loop, cancel);
  loop.run();
}

class Lister {
 public:
  Lister(const std::string& repo, const ListingOptions& options, const std::atomic<bool>& cancel)
      : repo_(repo), options_(options), cancel_(cancel) {}

  Result<TextAnswer> get(const std::string& text) const {
    const HttpUrl url = TRY(parse_http_url(text));
    const Asked asked{text, repo_, options_.hub.endpoint, !options_.source.token.empty()};
    for (int n_failures = 1;; ++n_failures) {
      TextAnswer answer = get_once(url, options_.source, cancel_);
      if (answer.done->ok() && answer.head.status == 200) return answer;
      const Error error =
          answer.done->ok() ? status_error(answer.head, asked) : answer.done->error();
      const bool transient = answer.done->ok() ? is_transient(answer.head.status)
                                               : error.code == ErrorCode::kUnavailable ||
                                                     error.code == ErrorCode::kDeadline;
      if (!transient || n_failures >= options_.retry.max_failures || cancel_) return error;
      const int wait = std::max(backoff_ms(options_.retry, n_failures),
                                retry_after_s(answer.head, kLongestServerWaitS) * 1000);
      options_.note(fmt::format("{}; again in {:.1f} s",
                                error.message.substr(0, error.message.find(';')), wait / 1000.0));
      wait_ms(wait, cancel_);
      if (cancel_) return cancelled_error();
    }
  }

  Result<RepoListing> list() const {
    RepoListing out;
    const HubSettings& hub = options_.hub;
    out.info = TRY(parse_repo_info(TRY(get(repo_info_url(hub, repo_))).body, repo_));
    std::string page = repo_tree_url(hub, repo_, out.info.revision);
    const HttpUrl first = TRY(parse_http_url(page));
    for (int n_pages = 1; !page.empty(); ++n_pages) {
      const TextAnswer answer = TRY(get(page));
      TRY(parse_repo_tree(answer.body, repo_, &out.files));
      const std::string next = next_page(answer.head.header("link").value_or(""));
      page.clear();
      if (next.empty()) break;
      const Result<HttpUrl> url = resolve_http_url(first, next);
      if (!url.ok() || url->origin() != first.origin() || n_pages == kMaxPages) {
        return Error{ErrorCode::kDamaged,
                     fmt::format("the list of files goes on at another place, or without end; {}; "
                                 "is HF_ENDPOINT a model hub?",
                                 escaped(repo_))};
      }
      page = url->text();
    }
    for (RemoteFile& file : out.files) {
      file.url = repo_file_url(hub, repo_, out.info.revision, file.path);
    }
    return out;
  }

 private:
  const std::string& repo_;
  const ListingOptions& options_;
  const std::atomic<bool>& cancel_;
};

}  // namespace

void stop_when(EventLoop& loop, const std::atomic<bool>& cancel) {
  if (cancel) return loop.stop();
  loop.after(kPollMs, [&] { stop_when(loop, cancel); });
}

Error cancelled_error() {
  return {ErrorCode::kCancelled,
          "stopped; pull; run the same command again to go on where it stopped"};
}

int backoff_ms(const RetryOptions& options, int n_failures) {
  static thread_local std::minstd_rand random{std::random_device{}()};
  const int64_t whole = std::min<int64_t>(
      int64_t{options.first_wait_ms} << std::min(n_failures - 1, 16), options.longest_wait_ms);
  // Jitter, so that many clients do not come back together.
  return static_cast<int>(whole / 2 + static_cast<int64_t>(random()) % (whole / 2 + 1));
}

Result<RepoListing> list_repo(const std::string& repo, const ListingOptions& options,
                              const std::atomic<bool>& cancel) {
  return Lister(repo, options, cancel).list();
}

}  // namespace overtake
