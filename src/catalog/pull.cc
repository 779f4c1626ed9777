#include "catalog/pull.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/checked.h"
#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "base/time.h"
#include "catalog/choose_files.h"
#include "catalog/file_name.h"
#include "catalog/header_check.h"
#include "catalog/hub_listing.h"
#include "catalog/model_folder.h"
#include "catalog/pull_record.h"
#include "net/http_url.h"

namespace overtake {
namespace {

// The ETags that unfinished files were begun under.
constexpr const char* kStateName = ".overtake-pull-state.json";
constexpr uint64_t kSpareBytes = 64 << 20;
constexpr uint64_t kMaxStateBytes = 4 << 20;
constexpr int kProgressMs = 100;

std::string without_query(const std::string& url) { return url.substr(0, url.find('?')); }

class Pull {
 public:
  Pull(const PullSource& source, const PullOptions& options, const std::atomic<bool>& cancel)
      : source_(source), options_(options), cancel_(cancel), http_(options.source) {
    http_.token = options.hub.token;
    const Result<HttpUrl> hub = parse_http_url(options.hub.endpoint);
    if (hub.ok()) http_.token_origin = hub->origin();
    record_.source = without_query(source.text());
    record_.licence = source.licence;
  }

  Result<PulledModel> run() {
    if (options_.hub.offline && !source_.repo.empty()) {
      return Error{ErrorCode::kUnavailable,
                   "HF_HUB_OFFLINE is set; pull; unset it, or copy the files by hand (see "
                   "docs/models.md)"};
    }
    const std::vector<RemoteFile> files = TRY(find_files());
    ModelFolder folder = TRY(ModelFolder::open(source_.name, true));
    TRY(check_folder(folder, files));
    TRY(fetch(folder, files));
    return put_in_place(folder);
  }

 private:
  Result<std::vector<RemoteFile>> find_files() {
    if (source_.repo.empty()) {
      const std::string path = TRY(parse_http_url(source_.url)).path;
      const std::string plain = without_query(path);
      RemoteFile file{
          .path = plain, .name = plain.substr(plain.rfind('/') + 1), .url = source_.url};
      TRY(check_file_name(file.name));
      return std::vector{file};
    }
    options_.progress({.what = "reading the list of files"});
    const ListingOptions listing{options_.hub, http_, options_.retry, options_.note};
    const RepoListing repo = TRY(list_repo(source_.repo, listing, cancel_));
    record_.revision = repo.info.revision;
    if (record_.licence.empty()) record_.licence = repo.info.licence;
    std::vector<RemoteFile> files = TRY(choose_files(repo.files, source_.wish, source_.repo));
    if (!source_.sha256.empty()) TRY(compare_with_catalogue(files));
    return files;
  }

  Status compare_with_catalogue(const std::vector<RemoteFile>& files) const {
    if (files.size() == 1 && files[0].sha256 == source_.sha256 && files[0].bytes == source_.bytes) {
      return {};
    }
    return Error{ErrorCode::kDamaged,
                 fmt::format("the hub's {} is not the file that the catalogue knows (its digest "
                             "differs); {}; it was replaced: name the file to take it all the same "
                             "(hf:{}:{} --name NAME)",
                             files.empty() ? source_.name : escaped(files[0].name), source_.repo,
                             source_.repo, source_.wish)};
  }

  // Another model's files in the folder would make two models of one name.
  Status check_folder(const ModelFolder& folder, const std::vector<RemoteFile>& files) {
    if (const auto old = read_pull_record(folder.path()); old.ok() && *old) old_record_ = **old;
    if (!old_record_.source.empty() && old_record_.source != record_.source) {
      return Error{
          ErrorCode::kInvalidArgument,
          fmt::format("the store has a model of this name from another source, {}; {}; give "
                      "the new one a name of its own (--name), or remove the old one "
                      "(overtake rm {})",
                      escaped(old_record_.source), folder.path(), source_.name)};
    }
    for (const std::string& name : folder.names()) {
      const bool is_model = name.ends_with(".gguf") || name.ends_with(".safetensors");
      const bool is_ours = old_record_.find(name) != nullptr;
      const bool is_wanted = std::ranges::find(files, name, &RemoteFile::name) != files.end();
      if (!is_model || is_ours || is_wanted) continue;
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("the folder holds another model's file, {}; {}; give the new one a "
                               "name of its own (--name), or remove the old one (overtake rm {})",
                               escaped(name), folder.path(), source_.name)};
    }
    return {};
  }

  // Whether the file is there already, whole.
  bool is_in_place(const ModelFolder& folder, const RemoteFile& file) {
    const auto size = folder.size_of(file.name);
    if (!size || (file.bytes && *size != *file.bytes)) return false;
    if (file.sha256.empty() && file.git_blob.empty()) return false;
    const PulledFile* known = old_record_.find(file.name);
    std::string digest = known && known->bytes == *size ? known->sha256 : "";
    if (file.sha256.empty() || digest.empty()) {
      options_.progress({.what = "checking " + file.name});
      const Result<MappedFile> there = MappedFile::open(folder.path() + "/" + file.name);
      if (!there.ok()) return false;
      const std::string_view bytes(reinterpret_cast<const char*>(there->bytes().data()), *size);
      digest = sha256_of(bytes);
      if (file.sha256.empty() && git_blob_of(bytes) != file.git_blob) return false;
    }
    if (!file.sha256.empty() && digest != file.sha256) return false;
    record_.files.push_back({file.name, *size, digest, true});
    return true;
  }

  std::map<std::string, std::string> read_state(const ModelFolder& folder) const {
    std::map<std::string, std::string> out;
    const auto text = read_file(folder.path() + "/" + kStateName, kMaxStateBytes);
    if (!text.ok()) return out;
    const Result<Json> json = parse_json(*text, "pull state");
    if (!json.ok() || !json->is_object()) return out;
    for (const auto& [url, etag] : json->items()) {
      if (etag.is_string()) out[url] = etag.get<std::string>();
    }
    return out;
  }

  void write_state(const ModelFolder& folder) {
    Json json = Json::object();
    for (const auto& download : downloads_) {
      if (!download->validator().empty()) json[key_of(download->file())] = download->validator();
    }
    std::string text = dump_json(json, 1);
    if (text == state_text_) return;
    state_text_ = std::move(text);
    // Without it the next pull begins some files anew, no more.
    (void)write_file_atomic(folder.path() + "/" + kStateName, state_text_);
  }

  static std::string key_of(const RemoteFile& file) { return sha256_of(file.url); }

  Status fetch(const ModelFolder& folder, const std::vector<RemoteFile>& files) {
    EventLoop loop;
    HttpClient client(loop);
    const DownloadContext context{
        .folder = folder,
        .loop = loop,
        .client = client,
        .source = http_,
        .asked = {record_.source, source_.repo, options_.hub.endpoint, !http_.token.empty()},
        .retry = options_.retry,
        .note = options_.note};
    auto state = read_state(folder);
    for (const RemoteFile& file : files) {
      if (is_in_place(folder, file)) continue;
      downloads_.push_back(std::make_unique<Download>(context, file, state[key_of(file)]));
    }
    for (const auto& download : downloads_) {
      if (folder.size_of(download->part_name()).value_or(0) > 0) {
        options_.progress({.what = "checking what is there of " + download->file().name});
      }
      TRY(download->prepare([&] { return cancel_.load(); }));
      before_bytes_ += download->received();
    }
    TRY(check_room(folder));
    Status result = run_downloads(loop, folder);
    for (const auto& download : downloads_) after_bytes_ += download->received();
    write_state(folder);
    if (result.ok()) TRY(keep(folder));
    downloads_.clear();  // before the loop and the client that they use
    return result;
  }

  Status check_room(const ModelFolder& folder) const {
    uint64_t missing = 0;
    for (const auto& download : downloads_) {
      const uint64_t bytes = download->file().bytes.value_or(0);
      const auto sum = checked_add(missing, bytes - std::min(bytes, download->received()));
      missing = sum.value_or(UINT64_MAX);
    }
    const uint64_t free = folder.free_bytes();
    if (missing == 0 || (missing <= free && free - missing >= kSpareBytes)) return {};
    return Error{ErrorCode::kExhausted,
                 fmt::format("{:.1f} GB are still to come, {:.1f} GB are free; {}; make room, or "
                             "set OVERTAKE_HOME to another disk",
                             static_cast<double>(missing) / 1e9, static_cast<double>(free) / 1e9,
                             folder.path())};
  }

  Status run_downloads(EventLoop& loop, const ModelFolder& folder) {
    std::optional<Error> failure;
    size_t next = 0;
    int n_running = 0;
    std::function<void()> start_more = [&] {
      while (!failure && n_running < options_.n_at_once && next < downloads_.size()) {
        Download& download = *downloads_[next++];
        if (download.is_complete()) continue;
        ++n_running;
        download.start([&](Status status) {
          --n_running;
          if (!status.ok() && !failure) failure = std::move(status).error();
          start_more();
        });
      }
      if (failure || n_running == 0) loop.stop();
    };
    std::function<void()> tick = [&] {
      report();
      write_state(folder);
      loop.after(kProgressMs, tick);
    };
    tick();
    stop_when(loop, cancel_);
    loop.post(start_more);
    loop.run();
    report();
    if (failure) return *std::move(failure);
    if (cancel_) return cancelled_error();
    return {};
  }

  void report() const {
    PullProgress progress;
    bool all_known = true;
    for (const auto& download : downloads_) {
      progress.done_bytes += download->received();
      progress.total_bytes += download->file().bytes.value_or(0);
      all_known = all_known && download->file().bytes.has_value();
    }
    if (!all_known) progress.total_bytes = 0;
    progress.what = downloads_.size() == 1 ? downloads_[0]->file().name
                                           : fmt::format("{} files", downloads_.size());
    options_.progress(progress);
  }

  // What has come is what it says it is, and of a form that we read.
  Status keep(const ModelFolder& folder) {
    for (const auto& download : downloads_) {
      const RemoteFile& file = download->file();
      const std::string part = folder.path() + "/" + download->part_name();
      if (Status whole = check_header(part, file.name); !whole.ok()) {
        TRY(folder.remove(download->part_name()));
        return whole;
      }
      record_.files.push_back(
          {file.name, download->received(), download->sha256(), download->digest_was_published()});
    }
    return {};
  }

  // Renames all at once, config.json last: without it a folder is no model yet.
  Result<PulledModel> put_in_place(const ModelFolder& folder) {
    if (cancel_) return cancelled_error();
    std::ranges::stable_sort(record_.files, {},
                             [](const PulledFile& file) { return file.name == "config.json"; });
    PulledModel out{.name = source_.name, .path = folder.path(), .licence = record_.licence};
    out.fetched_bytes = after_bytes_ - std::min(after_bytes_, before_bytes_);
    out.all_published = true;
    for (const PulledFile& file : record_.files) {
      const std::string part = file.name + ".part";
      if (folder.size_of(part)) TRY(folder.rename(part, file.name));
      out.bytes += file.bytes;
      out.all_published = out.all_published && file.published;
    }
    for (const PulledFile& old : old_record_.files) {
      if (!record_.find(old.name)) TRY(folder.remove(old.name));
    }
    record_.time_us = now_us();
    TRY(write_file_atomic(folder.path() + "/" + kPullRecordName, write_pull_record(record_)));
    TRY(folder.remove(kStateName));
    TRY(folder.sync());
    return out;
  }

  const PullSource& source_;
  const PullOptions& options_;
  const std::atomic<bool>& cancel_;
  SourceOptions http_;
  PullRecord record_;      // of this pull
  PullRecord old_record_;  // of the last one
  std::vector<std::unique_ptr<Download>> downloads_;
  std::string state_text_;
  uint64_t before_bytes_ = 0;  // of .part files, before and after this run
  uint64_t after_bytes_ = 0;
};

}  // namespace

Result<PulledModel> pull_model(const PullSource& source, const PullOptions& options,
                               const std::atomic<bool>& cancel) {
  return Pull(source, options, cancel).run();
}

}  // namespace overtake
