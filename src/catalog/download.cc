#include "catalog/download.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "base/text.h"
#include "catalog/hub_listing.h"

namespace overtake {
namespace {

constexpr int kLongestServerWaitS = 300;
constexpr uint64_t kFlushBytes = 32 << 20;

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

struct ContentRange {
  uint64_t first = 0;
  std::optional<uint64_t> total;
};

// "bytes 100-199/200" (RFC 9110 section 14.4); nullopt for what is not one.
std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const size_t dash = text.find('-'), slash = text.find('/');
  if (dash == text.npos || slash == text.npos || dash > slash) return std::nullopt;
  const auto first = number(text.substr(0, dash));
  const auto last = number(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  return ContentRange{*first, number(text.substr(slash + 1))};
}

// An ETag by which a range may be asked for: strong ones only (RFC 9110 section 13.1.5).
std::string strong_etag(const HttpResponseHead& head) {
  const auto etag = head.header("etag");
  const bool strong = etag && etag->size() > 2 && etag->starts_with('"') && etag->size() < 200;
  return strong ? std::string(*etag) : "";
}

// Certificates and forbidden addresses do not change by asking again.
bool is_transient_error(const Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kDeadline ||
         error.code == ErrorCode::kDamaged;
}

}  // namespace

Download::Download(const DownloadContext& context, RemoteFile file, std::string validator)
    : context_(context),
      file_(std::move(file)),
      validator_(std::move(validator)),
      published_(!file_.sha256.empty() || !file_.git_blob.empty()) {}

Download::~Download() {
  if (fd_ >= 0) ::close(fd_);
}

Status Download::prepare(const std::function<bool()>& cancelled) {
  fd_ = TRY(context_.folder.open_to_write(part_name()));
  size_ = context_.folder.size_of(part_name()).value_or(0);
  const bool can_resume = !validator_.empty() || !file_.sha256.empty();
  const bool too_long = file_.bytes && size_ > *file_.bytes;
  // A small file is digested as Git does, from its first byte: it is fetched whole.
  if (size_ > 0 && (!can_resume || too_long || !file_.git_blob.empty())) return start_over();
  std::vector<char> buffer(1 << 20);
  for (uint64_t at = 0; at < size_;) {
    if (cancelled()) return cancelled_error();
    const ssize_t n = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (n <= 0) return start_over();
    digest_.update({buffer.data(), static_cast<size_t>(n)});
    at += static_cast<uint64_t>(n);
  }
  resumed_from_ = size_;
  if (file_.bytes && size_ == *file_.bytes && size_ > 0 && verify().ok()) state_ = State::kDone;
  return {};
}

Status Download::start_over() {
  if (::ftruncate(fd_, 0) != 0) {
    return Error{ErrorCode::kIo,
                 fmt::format("cannot truncate: {}; {}/{}; check the disk", std::strerror(errno),
                             context_.folder.path(), part_name())};
  }
  size_ = resumed_from_ = flushed_ = 0;
  digest_ = Digest(Digest::Kind::kSha256);
  git_ = Digest(Digest::Kind::kSha1);
  if (file_.bytes) git_.update(fmt::format("blob {}", *file_.bytes) + '\0');
  return {};
}

void Download::start(std::function<void(Status)> done) {
  done_ = std::move(done);
  if (size_ == 0) {
    if (Status emptied = start_over(); !emptied.ok()) {
      return context_.loop.post([this, alive = std::weak_ptr(alive_), emptied] {
        if (!alive.expired()) finish(emptied);
      });
    }
  }
  ask();
}

void Download::ask() {
  state_ = State::kAsking;
  ++n_asks_;
  refusal_.reset();
  wait_s_ = 0;
  const Result<HttpUrl> url = parse_http_url(file_.url);
  if (!url.ok()) return finish(url.error());
  std::vector<HttpHeader> headers;
  if (size_ > 0 && validator_.empty() && file_.sha256.empty()) {
    if (Status emptied = start_over(); !emptied.ok()) return finish(std::move(emptied));
  }
  asked_range_ = size_ > 0;
  if (asked_range_) {
    resumed_from_ = size_;
    headers.push_back({"Range", fmt::format("bytes={}-", size_)});
    // A published digest tells a changed file for sure; ETags of one file differ between the hosts
    // of a large storage.
    if (file_.sha256.empty()) headers.push_back({"If-Range", validator_});
  }
  get_ = std::make_unique<SourceGet>(
      context_.client, context_.source,
      SourceEvents{.redirect = [this](const HttpResponseHead& head) { on_redirect(head); },
                   .head = [this](const HttpResponseHead& head) { on_head(head); },
                   .body = [this](std::string_view part) { on_body(part); },
                   .done = [this](Status status) { on_end(std::move(status)); }});
  get_->start(*url, std::move(headers));
}

// The hub tells digest and size of a large file where it sends us on to its storage.
void Download::on_redirect(const HttpResponseHead& head) {
  const Result<HttpUrl> first = parse_http_url(file_.url);
  if (!first.ok() || first->origin() != context_.source.token_origin) return;
  const auto etag = head.header("x-linked-etag");
  if (!etag || etag->size() != 66) return;
  const std::string digest(etag->substr(1, 64));
  if (!is_sha256(digest)) return;
  if (file_.sha256.empty()) {
    file_.sha256 = digest;
    published_ = true;
  } else if (file_.sha256 != digest) {
    refuse({ErrorCode::kDamaged,
            fmt::format("the hub now names another digest than expected for {}; {}; the file was "
                        "replaced, or someone is in between: pull again later",
                        file_.name, escaped(context_.asked.repo))},
           false);
  }
}

void Download::on_head(const HttpResponseHead& head) {
  if (refusal_) return;
  if (head.status != 200 && head.status != 206) {
    wait_s_ = retry_after_s(head, kLongestServerWaitS);
    // 416: what we have reaches past the file's end, so it is not this file.
    const bool beyond = head.status == 416 && size_ > 0;
    Status emptied = beyond ? start_over() : Status();
    if (!emptied.ok()) return refuse(std::move(emptied).error(), false);
    return refuse(status_error(head, context_.asked), beyond || is_transient(head.status));
  }
  if (Status accepted = accept_head(head); !accepted.ok()) {
    refuse(std::move(accepted).error(), false);
  } else {
    state_ = State::kReceiving;
  }
}

Status Download::accept_head(const HttpResponseHead& head) {
  const auto encoding = head.header("content-encoding");
  if (encoding && *encoding != "identity" && !encoding->empty()) {
    return Error{
        ErrorCode::kDamaged,
        fmt::format("the server compresses ({}), though asked not to; {}; is there a proxy "
                    "that alters what comes?",
                    escaped(*encoding), file_.name)};
  }
  if (head.status == 206) return accept_partial(head);
  // The whole file: the server knows no ranges, or ours was of another version.
  if (size_ > 0) {
    context_.note(fmt::format("{}: begins anew, for the server does not continue it", file_.name));
    TRY(start_over());
  }
  validator_ = strong_etag(head);
  const auto length = head.header("content-length");
  return take_size(length ? number(*length) : std::nullopt);
}

Status Download::accept_partial(const HttpResponseHead& head) {
  const auto text = head.header("content-range");
  const auto range = text ? parse_content_range(*text) : std::nullopt;
  if (!asked_range_ || !range || range->first != size_) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("the server sends another part than the one asked for; {}; try again, "
                             "or from another source",
                             file_.name)};
  }
  return take_size(range->total);
}

Status Download::take_size(std::optional<uint64_t> total) {
  if (file_.bytes && total && *total != *file_.bytes) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("{} bytes were announced for {}, the server has {}; {}; the file was "
                             "replaced, or someone is in between: nothing of it is kept",
                             *file_.bytes, file_.name, *total, escaped(context_.asked.url))};
  }
  if (file_.bytes || !total) return {};
  file_.bytes = total;
  if (*total - std::min(*total, size_) > context_.folder.free_bytes()) {
    return Error{ErrorCode::kExhausted,
                 fmt::format("{} needs {} bytes, {} are free; {}; make room, or set OVERTAKE_HOME "
                             "to another disk",
                             file_.name, *total - size_, context_.folder.free_bytes(),
                             context_.folder.path())};
  }
  return {};
}

void Download::on_body(std::string_view part) {
  if (refusal_) return;  // the text of an error page
  if (file_.bytes && part.size() > *file_.bytes - std::min(size_, *file_.bytes)) {
    return refuse({ErrorCode::kDamaged,
                   fmt::format("more bytes come than {} has; {}; do not trust this source",
                               file_.name, escaped(context_.asked.url))},
                  false);
  }
  size_t written = 0;
  while (written < part.size()) {
    const ssize_t n = ::pwrite(fd_, part.data() + written, part.size() - written,
                               static_cast<off_t>(size_ + written));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const bool full = errno == ENOSPC || errno == EDQUOT;
      refuse({full ? ErrorCode::kExhausted : ErrorCode::kIo,
              fmt::format("cannot write: {}; {}/{}; {}", std::strerror(errno),
                          context_.folder.path(), part_name(),
                          full ? "make room, or set OVERTAKE_HOME to another disk; what has come "
                                 "is kept"
                               : "check the disk")},
             false);
      break;
    }
    written += static_cast<size_t>(n);
  }
  digest_.update(part.substr(0, written));
  if (!file_.git_blob.empty()) git_.update(part.substr(0, written));
  size_ += written;
  n_failures_ = 0;
  if (size_ - flushed_ >= kFlushBytes) {
    // Begins to write out what has come, so that the sync at the end is short.
    (void)::sync_file_range(fd_, static_cast<off_t>(flushed_), static_cast<off_t>(size_ - flushed_),
                            SYNC_FILE_RANGE_WRITE);
    flushed_ = size_;
  }
}

// Ends the answer at hand, whatever of it is still to come.
void Download::refuse(Error error, bool transient) {
  refusal_ = std::move(error);
  refusal_is_transient_ = transient;
  // Later: we are within the answer's own callback.
  context_.loop.post([this, alive = std::weak_ptr(alive_), asked = n_asks_] {
    if (!alive.expired() && asked == n_asks_ && get_) on_end({});
  });
}

void Download::on_end(Status status) {
  get_.reset();
  if (refusal_) {
    const Error error = *std::exchange(refusal_, std::nullopt);
    return fail_or_retry(error, refusal_is_transient_);
  }
  if (!status.ok()) {
    const bool transient = is_transient_error(status.error());
    return fail_or_retry(std::move(status).error(), transient);
  }
  if (file_.bytes && size_ < *file_.bytes) {
    return fail_or_retry(
        {ErrorCode::kUnavailable, fmt::format("the server ended {} early; {}; try "
                                              "again",
                                              file_.name, escaped(context_.asked.url))},
        true);
  }
  Status right = verify();
  if (right.ok()) return finish({});
  // What was resumed may have been of another version: once, from the beginning.
  const bool again = resumed_from_ > 0 && !restarted_;
  if (Status emptied = start_over(); !emptied.ok()) return finish(std::move(emptied));
  if (!again) return finish(std::move(right));
  restarted_ = true;
  context_.note(fmt::format("{}: what was there before does not fit; begins anew", file_.name));
  ask();
}

Status Download::verify() {
  digest_text_ = std::exchange(digest_, Digest(Digest::Kind::kSha256)).finish();
  const std::string blob = std::exchange(git_, Digest(Digest::Kind::kSha1)).finish();
  const bool right = file_.sha256.empty() ? file_.git_blob.empty() || blob == file_.git_blob
                                          : digest_text_ == file_.sha256;
  if (!right) {
    return Error{ErrorCode::kDamaged,
                 fmt::format("the digest of {} is not the published one ({} instead of {}); {}; "
                             "nothing of it was kept: try again, and if it stays so, do not trust "
                             "this source",
                             file_.name, file_.sha256.empty() ? blob : digest_text_,
                             file_.sha256.empty() ? file_.git_blob : file_.sha256,
                             escaped(context_.asked.url))};
  }
  if (::fsync(fd_) != 0) {
    return Error{ErrorCode::kIo,
                 fmt::format("cannot sync: {}; {}/{}; check the disk", std::strerror(errno),
                             context_.folder.path(), part_name())};
  }
  file_.bytes = size_;
  return {};
}

void Download::fail_or_retry(Error error, bool transient) {
  if (!transient || ++n_failures_ >= context_.retry.max_failures) return finish(std::move(error));
  const int wait_ms = std::max(backoff_ms(context_.retry, n_failures_), wait_s_ * 1000);
  context_.note(fmt::format("{}: {}; again in {:.1f} s", file_.name,
                            error.message.substr(0, error.message.find(';')), wait_ms / 1000.0));
  state_ = State::kWaiting;
  context_.loop.after(wait_ms, [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) ask();
  });
}

void Download::finish(Status status) {
  state_ = status.ok() ? State::kDone : State::kFailed;
  const auto done = std::move(done_);
  done(std::move(status));
}

}  // namespace overtake
