// A hub in memory that breaks off, stalls, lies and sends elsewhere, and a folder to pull into.
#pragma once

#include <fmt/core.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "catalog/digest.h"
#include "catalog/pull.h"
#include "tests/scripted_server.h"

namespace overtake::testing {

using Exchange = ScriptedServer::Exchange;

inline constexpr const char* kRevision = "0123456789abcdef0123456789abcdef01234567";
inline constexpr std::string_view kProxied = "http://hub.example";  // what a proxy is asked for
inline constexpr const char* kSecret = "hf_secret_of_the_test";

// A GGUF with one F32 tensor of `n` values: enough for a header that is checked.
inline std::string small_gguf(size_t n) {
  std::string out = "GGUF";
  const auto number = [&](auto value) {
    out.append(reinterpret_cast<char*>(&value), sizeof value);
  };
  const auto text = [&](std::string_view word) {
    number(uint64_t{word.size()});
    out += word;
  };
  number(uint32_t{3});
  number(uint64_t{1});
  number(uint64_t{1});
  text("general.architecture");
  number(uint32_t{8});
  text("llama");
  text("w");
  number(uint32_t{1});
  number(uint64_t{n});
  number(uint32_t{0});
  number(uint64_t{0});
  out.resize((out.size() + 31) / 32 * 32);
  for (size_t i = 0; i < n; ++i) number(static_cast<float>(i));
  return out;
}

struct HubFile {
  std::string content;
  bool large = true;       // kept in LFS: its digest is published
  std::string lie_sha256;  // published in its place
  std::optional<uint64_t> lie_size;
};

// A hub in memory. `on_file` may take over the answer to a request for a file.
struct Hub {
  std::map<std::string, HubFile> files;
  std::function<std::optional<bool>(const Exchange&, const std::string& path)> on_file;
  std::function<std::optional<bool>(const Exchange&)> on_any;
  bool ranges = true;
  ScriptedServer server{[this](const Exchange& e) { return handle(e); }};

  static std::string etag_of(const HubFile& file) { return "\"" + sha256_of(file.content) + "\""; }
  bool handle(const Exchange& e) {
    if (on_any) {
      if (const auto taken = on_any(e)) return *taken;
    }
    std::string path = e.path();
    if (path.starts_with(kProxied)) path.erase(0, path.find('/', kProxied.size()));
    if (path == "/api/models/owner/repo") {
      return e.answer(200, "",
                      fmt::format(R"({{"sha":"{}","cardData":{{"license":"mit"}}}})", kRevision));
    }
    if (path.starts_with("/api/models/owner/repo/tree/")) return e.answer(200, "", tree());
    const std::string prefix = fmt::format("/owner/repo/resolve/{}/", kRevision);
    if (!path.starts_with(prefix)) return e.answer(404, "", "Not Found");
    const std::string name = path.substr(prefix.size());
    if (on_file) {
      if (const auto taken = on_file(e, name)) return *taken;
    }
    return files.contains(name) ? send_file(e, files[name]) : e.answer(404, "", "");
  }
  std::string tree() const {
    std::string out;
    for (const auto& [path, file] : files) {
      const uint64_t size = file.lie_size.value_or(file.content.size());
      const std::string digest =
          file.lie_sha256.empty() ? sha256_of(file.content) : file.lie_sha256;
      out += fmt::format(R"({}{{"type":"file","path":"{}","size":{},"oid":"{}")",
                         out.empty() ? "" : ",", path, size, git_blob_of(file.content));
      if (file.large) out += fmt::format(R"(,"lfs":{{"oid":"{}","size":{}}})", digest, size);
      out += "}";
    }
    return "[" + out + "]";
  }
  bool send_file(const Exchange& e, const HubFile& file) const {
    const std::string range = e.header("Range");
    const std::string condition = e.header("If-Range");
    if (ranges && !range.empty() && (condition.empty() || condition == etag_of(file))) {
      const size_t first = std::stoul(range.substr(6));
      if (first >= file.content.size()) return e.answer(416, "", "");
      return e.answer(206,
                      fmt::format("ETag: {}\r\nContent-Range: bytes {}-{}/{}\r\n", etag_of(file),
                                  first, file.content.size() - 1, file.content.size()),
                      file.content.substr(first));
    }
    return e.answer(200, fmt::format("ETag: {}\r\n", etag_of(file)), file.content);
  }
};

// Sends only the first `n` bytes of a whole answer, then closes.
inline bool break_off(const Exchange& e, const HubFile& file, size_t first, size_t n) {
  const std::string range = first == 0 ? ""
                                       : fmt::format("Content-Range: bytes {}-{}/{}\r\n", first,
                                                     file.content.size() - 1, file.content.size());
  e.send(fmt::format("HTTP/1.1 {} X\r\nContent-Length: {}\r\nETag: {}\r\n{}\r\n",
                     first == 0 ? 200 : 206, file.content.size() - first, Hub::etag_of(file),
                     range));
  e.send(file.content.substr(first, n));
  return false;
}

class PullTest : public ::testing::Test {
 protected:
  void SetUp() override {
    forget_proxies();
    std::string pattern = ::testing::TempDir() + "/overtake_pull_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    ::setenv("OVERTAKE_HOME", home_.c_str(), 1);
    hub_.files["m.Q4_K_M.gguf"] = {small_gguf(50'000)};
  }
  void TearDown() override {
    ::unsetenv("OVERTAKE_HOME");
    std::filesystem::remove_all(home_);
  }
  PullOptions options() {
    PullOptions out;
    out.hub.endpoint = hub_.server.url("");
    out.hub.token = kSecret;
    out.retry = {.max_failures = 4, .first_wait_ms = 10, .longest_wait_ms = 50};
    out.source.first_byte_timeout_ms = 300;
    out.source.silence_timeout_ms = 300;
    out.note = [this](const std::string& line) { notes_ += line + "\n"; };
    return out;
  }
  Result<PulledModel> pull(const std::string& text = "hf:owner/repo", std::string name = "m") {
    const PullOptions all = options();
    auto source = parse_pull_source(text, name, all.hub);
    if (!source.ok()) return source.error();
    return pull_model(*source, all, cancel_);
  }
  std::string path(const std::string& name) const { return home_ + "/models/m/" + name; }
  std::string content(const std::string& name) const {
    return read_file(path(name), 1 << 30).ok() ? read_file(path(name), 1 << 30).value() : "";
  }
  // Nothing but whole, verified files stands under its own name.
  void expect_nothing_in_place() const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(home_)) {
      const std::string name = entry.path().filename();
      EXPECT_TRUE(entry.is_directory() || name.ends_with(".part") || name.starts_with("."))
          << entry.path();
    }
  }

  Hub hub_;
  std::string home_;
  std::string notes_;
  std::atomic<bool> cancel_ = false;
};

}  // namespace overtake::testing
