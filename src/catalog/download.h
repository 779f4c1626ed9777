// Download: one file from a server that may break off, stall or lie, to a .part file beside its
// place, resumed where it can be and verified whole.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "catalog/digest.h"
#include "catalog/hub.h"
#include "catalog/model_folder.h"
#include "catalog/source_client.h"

namespace overtake {

struct RetryOptions {
  int max_failures = 6;  // in a row, without any byte between
  int first_wait_ms = 1000;
  int longest_wait_ms = 30'000;
};

struct DownloadContext {
  const ModelFolder& folder;
  EventLoop& loop;
  HttpClient& client;
  const SourceOptions& source;
  Asked asked;
  RetryOptions retry;
  std::function<void(const std::string&)> note;  // a line for people: what is tried again, and why
};

// Loop thread only; the context outlives it. Destroying it stops; what has come stays to resume.
class Download {
 public:
  // `validator` is the ETag that the .part file was begun under, "" if unknown.
  Download(const DownloadContext& context, RemoteFile file, std::string validator);
  ~Download();

  // Reads what is already there, in this thread. Then knows how much is missing.
  Status prepare(const std::function<bool()>& cancelled);
  bool is_complete() const { return state_ == State::kDone; }
  // Calls `done` once, later: with success when NAME.part is whole and its digest right.
  void start(std::function<void(Status)> done);

  const RemoteFile& file() const { return file_; }
  uint64_t received() const { return size_; }
  std::string part_name() const { return file_.name + ".part"; }
  const std::string& sha256() const { return digest_text_; }  // once complete
  bool digest_was_published() const { return published_; }
  const std::string& validator() const { return validator_; }

 private:
  enum class State { kIdle, kAsking, kReceiving, kWaiting, kDone, kFailed };

  void ask();
  void on_redirect(const HttpResponseHead& head);
  void on_head(const HttpResponseHead& head);
  void on_body(std::string_view part);
  void on_end(Status status);
  void refuse(Error error, bool transient);
  Status accept_head(const HttpResponseHead& head);
  Status accept_partial(const HttpResponseHead& head);
  Status take_size(std::optional<uint64_t> total);
  Status start_over();
  Status verify();
  void fail_or_retry(Error error, bool transient);
  void finish(Status status);

  const DownloadContext& context_;
  RemoteFile file_;
  std::string validator_;
  std::function<void(Status)> done_;
  State state_ = State::kIdle;
  int fd_ = -1;
  uint64_t size_ = 0;          // of the .part file
  uint64_t resumed_from_ = 0;  // of it, not from this run
  uint64_t flushed_ = 0;       // bytes whose writing out has begun
  bool asked_range_ = false;
  bool restarted_ = false;  // a digest that did not fit has already cost one
  bool published_ = false;
  int n_failures_ = 0;
  int n_asks_ = 0;
  int wait_s_ = 0;                // that the server asks for
  std::optional<Error> refusal_;  // of the answer at hand
  bool refusal_is_transient_ = false;
  Digest digest_{Digest::Kind::kSha256};
  Digest git_{Digest::Kind::kSha1};
  std::string digest_text_;
  std::unique_ptr<SourceGet> get_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace overtake
