// pull against a hub that breaks off, stalls, lies and sends elsewhere.
#include "catalog/pull.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <map>

#include "base/file.h"
#include "catalog/digest.h"
#include "catalog/model_folder.h"
#include "catalog/pull_record.h"
#include "tests/scripted_server.h"

namespace overtake {
namespace {

namespace fs = std::filesystem;
using overtake::testing::ScriptedServer;
using ::testing::HasSubstr;
using ::testing::Not;
using Exchange = ScriptedServer::Exchange;

constexpr const char* kRevision = "0123456789abcdef0123456789abcdef01234567";
constexpr std::string_view kProxied = "http://hub.example";  // what a proxy is asked for
constexpr const char* kSecret = "hf_secret_of_the_test";

// A GGUF with one F32 tensor of `n` values: enough for a header that is checked.
std::string small_gguf(size_t n) {
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
bool break_off(const Exchange& e, const HubFile& file, size_t first, size_t n) {
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
    overtake::testing::forget_proxies();
    std::string pattern = ::testing::TempDir() + "/overtake_pull_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    home_ = pattern;
    ::setenv("OVERTAKE_HOME", home_.c_str(), 1);
    hub_.files["m.Q4_K_M.gguf"] = {small_gguf(50'000)};
  }
  void TearDown() override {
    ::unsetenv("OVERTAKE_HOME");
    fs::remove_all(home_);
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
    for (const auto& entry : fs::recursive_directory_iterator(home_)) {
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

TEST_F(PullTest, FetchesVerifiesAndRecords) {
  const auto pulled = pull();
  ASSERT_TRUE(pulled.ok()) << pulled.error().message;
  EXPECT_EQ(pulled->licence, "mit");
  EXPECT_TRUE(pulled->all_published);
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
  const auto record = read_pull_record(path(""));
  ASSERT_TRUE(record.ok() && *record);
  EXPECT_EQ((*record)->revision, kRevision);
  EXPECT_EQ((*record)->find("m.Q4_K_M.gguf")->sha256,
            sha256_of(hub_.files["m.Q4_K_M.gguf"].content));
  for (const auto& entry : fs::directory_iterator(path(""))) {
    EXPECT_THAT(entry.path().string(), Not(HasSubstr(".part")));
    EXPECT_FALSE(entry.path().filename().string().starts_with("."));
  }
}

TEST_F(PullTest, SecondPullFetchesNothing) {
  ASSERT_TRUE(pull().ok());
  const size_t n_requests = hub_.server.heads().size();
  const auto again = pull();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->fetched_bytes, 0u);
  EXPECT_EQ(hub_.server.heads().size(), n_requests + 2);  // the two lists
}

TEST_F(PullTest, FolderOfSafetensorsComesWithItsCompanionsAndWithoutPickles) {
  hub_.files.clear();
  const std::string header = R"({"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string shard;
  const uint64_t n = header.size();
  shard.append(reinterpret_cast<const char*>(&n), 8);
  shard += header + "abcd";
  hub_.files["config.json"] = {"{}", false};
  hub_.files["tokenizer.json"] = {"{\"a\": 1}", false};
  hub_.files["model-00001-of-00002.safetensors"] = {shard};
  hub_.files["model-00002-of-00002.safetensors"] = {shard};
  hub_.files["model.safetensors.index.json"] = {"{}", false};
  hub_.files["pytorch_model.bin"] = {"pickle"};
  hub_.files["original/consolidated.00.pth"] = {"pickle"};
  hub_.files["README.md"] = {"text", false};
  const auto pulled = pull();
  ASSERT_TRUE(pulled.ok()) << pulled.error().message;
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(path(""))) {
    names.insert(entry.path().filename());
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre(
                         "config.json", "tokenizer.json", "model-00001-of-00002.safetensors",
                         "model-00002-of-00002.safetensors", "model.safetensors.index.json",
                         "overtake-pull.json"));
}

TEST_F(PullTest, PicklesAloneAreRefusedWithTheReason) {
  hub_.files = {{"config.json", {"{}", false}}, {"pytorch_model.bin", {"x"}}};
  EXPECT_THAT(pull().error().message, HasSubstr("run any code"));
  EXPECT_THAT(pull("hf:owner/repo:pytorch_model.bin").error().message, HasSubstr("run any code"));
}

TEST_F(PullTest, QuantizationIsChosenByNameAndAbsentOnesAreListed) {
  hub_.files["m.Q8_0.gguf"] = {small_gguf(10)};
  hub_.files["m-IQ3_XXS.gguf"] = {small_gguf(11)};
  hub_.files["mmproj-m-f16.gguf"] = {small_gguf(12)};
  ASSERT_TRUE(pull("hf:owner/repo:q8_0").ok());
  EXPECT_TRUE(fs::exists(path("m.Q8_0.gguf")));
  const auto absent = pull("hf:owner/repo:Q2_K", "other");
  EXPECT_THAT(absent.error().message, HasSubstr("IQ3_XXS Q4_K_M Q8_0"));
}

TEST_F(PullTest, BrokenOffAnswersAreContinued) {
  int n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    const HubFile& file = hub_.files[name];
    if (++n > 3) return std::nullopt;
    const std::string range = e.header("Range");
    return break_off(e, file, range.empty() ? 0 : std::stoul(range.substr(6)), 40'000);
  };
  const auto pulled = pull();
  ASSERT_TRUE(pulled.ok()) << pulled.error().message << notes_;
  EXPECT_EQ(n, 4);
  EXPECT_THAT(hub_.server.heads().back(), HasSubstr("Range: bytes=120000-\r\n"));
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, EndlessBreakingOffWithoutProgressIsGivenUp) {
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    e.reset();
    return false;
  };
  const auto pulled = pull();
  ASSERT_FALSE(pulled.ok());
  EXPECT_EQ(pulled.error().code, ErrorCode::kUnavailable);
  expect_nothing_in_place();
}

TEST_F(PullTest, NextRunContinuesWhereTheLastStopped) {
  int n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (n++ > 0) e.reset();
    return n > 1 ? false : break_off(e, hub_.files[name], 0, 100'000);
  };
  ASSERT_FALSE(pull().ok());
  EXPECT_EQ(fs::file_size(path("m.Q4_K_M.gguf.part")), 100'000u);
  hub_.on_file = nullptr;
  const auto again = pull();
  ASSERT_TRUE(again.ok()) << again.error().message;
  EXPECT_EQ(again->fetched_bytes, hub_.files["m.Q4_K_M.gguf"].content.size() - 100'000);
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, AFileThatChangedBetweenRunsBeginsAnew) {
  int n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (n++ > 0) e.reset();
    return n > 1 ? false : break_off(e, hub_.files[name], 0, 100'000);
  };
  ASSERT_FALSE(pull().ok());
  hub_.on_file = nullptr;
  std::string changed = small_gguf(50'000);
  changed.back() ^= 1;
  changed[100] ^= 0;
  changed[changed.size() - 150'000] ^= 1;  // in what was fetched before
  hub_.files["m.Q4_K_M.gguf"].content = changed;
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(content("m.Q4_K_M.gguf"), changed);
}

TEST_F(PullTest, APartThatWasAlteredOnDiskIsNoticed) {
  int n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (n++ > 0) e.reset();
    return n > 1 ? false : break_off(e, hub_.files[name], 0, 100'000);
  };
  ASSERT_FALSE(pull().ok());
  std::fstream(path("m.Q4_K_M.gguf.part"), std::ios::in | std::ios::out).seekp(5000) << "altered";
  hub_.on_file = nullptr;
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, ServerWithoutRangesIsReadFromTheStart) {
  hub_.ranges = false;
  int n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    return n++ > 0 ? std::nullopt : std::optional(break_off(e, hub_.files[name], 0, 100'000));
  };
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, AnotherRangeThanAskedForIsRefused) {
  int n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    const HubFile& file = hub_.files[name];
    if (n++ == 0) return break_off(e, file, 0, 100'000);
    return e.answer(206,
                    fmt::format("Content-Range: bytes 50000-{}/{}\r\n", file.content.size() - 1,
                                file.content.size()),
                    file.content.substr(50'000));
  };
  EXPECT_EQ(pull().error().code, ErrorCode::kDamaged);
  expect_nothing_in_place();
}

TEST_F(PullTest, WrongDigestLeavesNothing) {
  hub_.files["m.Q4_K_M.gguf"].lie_sha256 = std::string(64, 'a');
  const auto pulled = pull();
  EXPECT_EQ(pulled.error().code, ErrorCode::kDamaged);
  EXPECT_THAT(pulled.error().message, HasSubstr("digest"));
  expect_nothing_in_place();
}

TEST_F(PullTest, WrongDigestOfASmallFileIsNoticed) {
  hub_.files.clear();
  hub_.files["m.gguf"] = {small_gguf(4), false};
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    std::string other = hub_.files[name].content;
    other.back() ^= 1;
    return e.answer(200, "", other);
  };
  EXPECT_THAT(pull().error().message, HasSubstr("digest"));
}

TEST_F(PullTest, WrongSizesAreRefused) {
  for (const int64_t difference : {-1000, 1000}) {
    hub_.files["m.Q4_K_M.gguf"].lie_size = hub_.files["m.Q4_K_M.gguf"].content.size() + difference;
    EXPECT_EQ(pull().error().code, ErrorCode::kDamaged);
    expect_nothing_in_place();
  }
}

TEST_F(PullTest, MoreBytesThanAnnouncedAreNotWritten) {
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    e.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    const std::string piece(1 << 16, 'x');
    for (int i = 0; i < 1000 && e.send(piece); ++i) {
    }
    return false;
  };
  EXPECT_EQ(pull().error().code, ErrorCode::kDamaged);
  EXPECT_LE(fs::file_size(path("m.Q4_K_M.gguf.part")), hub_.files["m.Q4_K_M.gguf"].content.size());
}

TEST_F(PullTest, CompressedContentIsRefused) {
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    return e.answer(200, "Content-Encoding: gzip\r\n", hub_.files[name].content);
  };
  EXPECT_THAT(pull().error().message, HasSubstr("compresses"));
}

TEST_F(PullTest, StallIsNoticedAndTriedAgain) {
  int n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (n++ > 0) return std::nullopt;
    const HubFile& file = hub_.files[name];
    e.send(fmt::format("HTTP/1.1 200 X\r\nContent-Length: {}\r\nETag: {}\r\n\r\n",
                       file.content.size(), Hub::etag_of(file)));
    e.send(file.content.substr(0, 1000));
    e.sleep_ms(5000);
    return false;
  };
  ASSERT_TRUE(pull().ok());
  EXPECT_THAT(notes_, HasSubstr("again in"));
}

TEST_F(PullTest, RedirectWithinTheRulesIsFollowedAndTheTokenStaysWithTheHub) {
  ScriptedServer storage(
      [&](const Exchange& e) { return hub_.send_file(e, hub_.files["m.Q4_K_M.gguf"]); });
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    return e.answer(302, "Location: " + storage.url("/signed?x=y") + "\r\n", "");
  };
  ASSERT_TRUE(pull().ok());
  for (const std::string& head : storage.heads()) EXPECT_THAT(head, Not(HasSubstr(kSecret)));
  for (const std::string& head : hub_.server.heads()) EXPECT_THAT(head, HasSubstr(kSecret));
}

TEST_F(PullTest, RedirectsThatAreNotFollowed) {
  for (const char* location : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/",
                               "javascript:1", "http://user:pw@127.0.0.1/", "/\r\nX: y\\"}) {
    hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
      return e.answer(302, fmt::format("Location: {}\r\n", location), "");
    };
    EXPECT_FALSE(pull().ok()) << location;
    expect_nothing_in_place();
  }
}

TEST_F(PullTest, RedirectFromOutsideIntoThisNetworkIsNotFollowed) {
  // A proxy lets a name of the outside world be answered here.
  ::setenv("http_proxy", hub_.server.url("").c_str(), 1);
  for (const std::string host :
       {"127.0.0.1", "localhost", "10.0.0.1", "169.254.169.254", "[::1]"}) {
    hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
      return e.answer(302, "Location: http://" + host + ":1/secret\r\n", "");
    };
    PullOptions all = options();
    all.hub.endpoint = "http://hub.example";
    const auto source = parse_pull_source("hf:owner/repo", "m", all.hub);
    const auto pulled = pull_model(*source, all, cancel_);
    EXPECT_EQ(pulled.error().code, ErrorCode::kPermissionDenied) << host << pulled.error().message;
    EXPECT_THAT(pulled.error().message, HasSubstr("public")) << host;
  }
  ::unsetenv("http_proxy");
  for (const std::string& head : hub_.server.heads()) {
    EXPECT_THAT(head, Not(HasSubstr("/secret")));
    EXPECT_THAT(head, Not(HasSubstr(kSecret)));  // plain http, and not to this machine
  }
}

TEST_F(PullTest, RedirectLoopsEnd) {
  int n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    ++n;
    return e.answer(302, "Location: " + e.path() + "\r\n", "");
  };
  EXPECT_EQ(pull().error().code, ErrorCode::kPermissionDenied);
  EXPECT_LT(n, 12);
}

TEST(Redirects, FromHttpsToHttpIsRefused) {
  const HttpUrl secure = *parse_http_url("https://hub.example/x");
  EXPECT_FALSE(check_redirect(secure, "http://hub.example/x").ok());
  EXPECT_FALSE(check_redirect(secure, "file:///x").ok());
  EXPECT_TRUE(check_redirect(secure, "https://cdn.example/x").ok());
  EXPECT_TRUE(check_redirect(secure, "/y").ok());
}

TEST_F(PullTest, StoragesDigestThatDiffersFromTheListsIsRefused) {
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    if (e.path().ends_with("?again")) return std::nullopt;
    return e.answer(302,
                    fmt::format("Location: {}?again\r\nX-Linked-Etag: \"{}\"\r\n", e.path(),
                                std::string(64, 'b')),
                    "");
  };
  EXPECT_THAT(pull().error().message, HasSubstr("another digest"));
}

TEST_F(PullTest, GatedAndAbsentAndBusyAreExplained) {
  struct Case {
    int status;
    const char* headers;
    const char* words;
  };
  for (const Case& c :
       {Case{401, "", "token"}, Case{403, "", "accept the licence"}, Case{404, "", "spelling"},
        Case{429, "Retry-After: 0\r\n", "fewer requests"}, Case{503, "", "problem of its own"}}) {
    hub_.on_any = [&](const Exchange& e) -> std::optional<bool> {
      return e.answer(c.status, c.headers, "");
    };
    const auto pulled = pull();
    ASSERT_FALSE(pulled.ok());
    EXPECT_THAT(pulled.error().message, HasSubstr(c.words));
    EXPECT_THAT(pulled.error().message, Not(HasSubstr(kSecret)));
    EXPECT_THAT(notes_, Not(HasSubstr(kSecret)));
  }
}

TEST_F(PullTest, GatedWithoutTokenNamesPageAndVariable) {
  hub_.on_any = [&](const Exchange& e) -> std::optional<bool> {
    return e.answer(401, "X-Error-Code: GatedRepo\r\n", "");
  };
  PullOptions all = options();
  all.hub.token.clear();
  const auto source = parse_pull_source("hf:owner/repo", "m", all.hub);
  const std::string message = pull_model(*source, all, cancel_).error().message;
  EXPECT_THAT(message, HasSubstr(all.hub.endpoint + "/owner/repo"));
  EXPECT_THAT(message, HasSubstr("HF_TOKEN"));
}

TEST_F(PullTest, BusyServerIsAskedAgainWhenItSays) {
  int n = 0;
  hub_.on_file = [&](const Exchange& e, const std::string&) -> std::optional<bool> {
    return n++ > 0 ? std::nullopt : std::optional(e.answer(429, "Retry-After: 1\r\n", ""));
  };
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(pull().ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST_F(PullTest, NamesFromTheServerNeverLeaveTheFolder) {
  for (const char* name : {"../m.gguf", "..\\\\m.gguf", "a/../../m.gguf", "/m.gguf", "CON.gguf",
                           ".m.gguf", "a:m.gguf", "m\\u0000.gguf", "m\\u001b[2J.gguf", "-m.gguf"}) {
    hub_.files = {{name, {small_gguf(4)}}};
    const auto pulled = pull();
    // "../m.gguf" ends in a plain name, under which it may be stored, in the folder.
    if (pulled.ok()) {
      EXPECT_TRUE(fs::exists(path("m.gguf"))) << name;
      fs::remove_all(path(""));
    }
    for (const auto& entry : fs::recursive_directory_iterator(home_)) {
      EXPECT_THAT(entry.path().string(), ::testing::StartsWith(home_ + "/models"));
    }
    EXPECT_FALSE(fs::exists(home_ + "/m.gguf"));
    EXPECT_FALSE(fs::exists(home_ + "/models/m.gguf"));
  }
  hub_.files = {{"A.gguf", {small_gguf(4)}}};
  ASSERT_TRUE(pull("hf:owner/repo:A.gguf").ok());
}

TEST_F(PullTest, LinksInTheFolderAreNotFollowed) {
  const std::string victim = home_ + "/victim";
  std::ofstream(victim) << "mine";
  fs::create_directories(path(""));
  fs::create_symlink(victim, path("m.Q4_K_M.gguf.part"));
  fs::create_symlink(victim, path("m.Q4_K_M.gguf"));
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(read_file(victim, 100).value(), "mine");
  EXPECT_FALSE(fs::is_symlink(path("m.Q4_K_M.gguf")));
  fs::remove_all(path(""));
  fs::create_directories(path(""));
  fs::create_hard_link(victim, path("m.Q4_K_M.gguf.part"));
  ASSERT_TRUE(pull().ok());
  EXPECT_EQ(read_file(victim, 100).value(), "mine");
}

TEST_F(PullTest, ALinkInPlaceOfTheFolderIsRefused) {
  fs::create_directories(home_ + "/models");
  fs::create_directories(home_ + "/elsewhere");
  fs::create_directory_symlink(home_ + "/elsewhere", home_ + "/models/m");
  EXPECT_EQ(pull().error().code, ErrorCode::kPermissionDenied);
  EXPECT_TRUE(fs::is_empty(home_ + "/elsewhere"));
}

TEST_F(PullTest, OneFolderOnePull) {
  const auto held = ModelFolder::open("m", true);
  ASSERT_TRUE(held.ok());
  EXPECT_EQ(pull().error().code, ErrorCode::kUnavailable);
}

TEST_F(PullTest, AnotherModelsFileInTheFolderIsNotMixedIn) {
  fs::create_directories(path(""));
  std::ofstream(path("other.gguf")) << "x";
  EXPECT_THAT(pull().error().message, HasSubstr("--name"));
}

TEST_F(PullTest, OneNameIsOneSource) {
  ASSERT_TRUE(pull().ok());
  HubFile file{small_gguf(10)};
  ScriptedServer any([&](const Exchange& e) { return hub_.send_file(e, file); });
  EXPECT_THAT(pull(any.url("/m.Q4_K_M.gguf")).error().message, HasSubstr("from another source"));
  EXPECT_EQ(content("m.Q4_K_M.gguf"), hub_.files["m.Q4_K_M.gguf"].content);
}

TEST_F(PullTest, AnotherQuantizationUnderTheSameNameReplacesTheFirst) {
  hub_.files["m.Q8_0.gguf"] = {small_gguf(20)};
  ASSERT_TRUE(pull("hf:owner/repo:Q4_K_M").ok());
  ASSERT_FALSE(pull("hf:owner/repo:Q2_K").ok());
  EXPECT_TRUE(fs::exists(path("m.Q4_K_M.gguf")));
  ASSERT_TRUE(pull("hf:owner/repo:Q8_0").ok());
  EXPECT_FALSE(fs::exists(path("m.Q4_K_M.gguf")));
  EXPECT_EQ(content("m.Q8_0.gguf"), hub_.files["m.Q8_0.gguf"].content);
}

TEST_F(PullTest, ModelsInPartsAreRefusedBeforeTheyAreFetched) {
  hub_.files = {{"m-Q4_K_M-00001-of-00002.gguf", {small_gguf(4)}},
                {"m-Q4_K_M-00002-of-00002.gguf", {small_gguf(4)}}};
  for (const char* wish : {":Q4_K_M", ":m-Q4_K_M-00001-of-00002.gguf"}) {
    EXPECT_THAT(pull(std::string("hf:owner/repo") + wish).error().message, HasSubstr("parts"));
  }
  EXPECT_FALSE(pull().ok());
  expect_nothing_in_place();
}

TEST_F(PullTest, WhatIsNoModelIsNotKept) {
  for (const std::string& content : {std::string("<!DOCTYPE html><html>"), std::string(1000, 'x'),
                                     std::string("version https://git-lfs.github.com/spec/v1\n")}) {
    hub_.files["m.Q4_K_M.gguf"].content = content;
    EXPECT_FALSE(pull().ok());
    EXPECT_FALSE(fs::exists(path("m.Q4_K_M.gguf")));
    EXPECT_FALSE(fs::exists(path("m.Q4_K_M.gguf.part")));
  }
}

TEST_F(PullTest, StoppingKeepsWhatHasCome) {
  hub_.on_file = [&](const Exchange& e, const std::string& name) -> std::optional<bool> {
    const HubFile& file = hub_.files[name];
    e.send(fmt::format("HTTP/1.1 200 X\r\nContent-Length: {}\r\nETag: {}\r\n\r\n",
                       file.content.size(), Hub::etag_of(file)));
    e.send(file.content.substr(0, 70'000));
    e.sleep_ms(100);
    cancel_ = true;
    e.sleep_ms(3000);
    return false;
  };
  PullOptions all = options();
  all.source.silence_timeout_ms = 10'000;
  const auto source = parse_pull_source("hf:owner/repo", "m", all.hub);
  const auto start = std::chrono::steady_clock::now();
  const auto pulled = pull_model(*source, all, cancel_);
  EXPECT_EQ(pulled.error().code, ErrorCode::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1500));
  EXPECT_EQ(fs::file_size(path("m.Q4_K_M.gguf.part")), 70'000u);
  cancel_ = false;
  hub_.on_file = nullptr;
  const auto again = pull();
  ASSERT_TRUE(again.ok());
  EXPECT_LT(again->fetched_bytes, hub_.files["m.Q4_K_M.gguf"].content.size() - 60'000);
}

TEST_F(PullTest, AHugeClaimedSizeIsRefusedBeforeAnythingIsFetched) {
  hub_.files["m.Q4_K_M.gguf"].lie_size = uint64_t{1} << 49;
  const auto pulled = pull();
  EXPECT_EQ(pulled.error().code, ErrorCode::kExhausted);
  EXPECT_EQ(hub_.server.heads().size(), 2u);
}

TEST_F(PullTest, PlainUrlIsFetchedAndResumedByItsEtag) {
  HubFile file{small_gguf(30'000)};
  int n = 0;
  ScriptedServer any([&](const Exchange& e) {
    if (n++ == 0) return break_off(e, file, 0, 50'000);
    return hub_.send_file(e, file);
  });
  const auto pulled = pull(any.url("/dir/x.gguf?token=secret"));
  ASSERT_TRUE(pulled.ok()) << pulled.error().message;
  EXPECT_FALSE(pulled->all_published);
  EXPECT_EQ(content("x.gguf"), file.content);
  EXPECT_THAT(any.heads()[1], HasSubstr("If-Range: \"" + sha256_of(file.content)));
  EXPECT_THAT(any.heads()[0], Not(HasSubstr(kSecret)));
  EXPECT_THAT(content("overtake-pull.json"), Not(HasSubstr("secret")));
}

TEST_F(PullTest, ListingsThatMakeNoSenseAreRefused) {
  for (const char* body : {"", "[]", "{}", "null", "{\"sha\": 5}", "{\"sha\": \"../..\"}", "<html>",
                           "[[[[[[[[[[[[[[[[[[[[[[[["}) {
    hub_.on_any = [&](const Exchange& e) -> std::optional<bool> { return e.answer(200, "", body); };
    EXPECT_EQ(pull().error().code, ErrorCode::kDamaged) << body;
  }
}

TEST_F(PullTest, LongListingsArePagedOnTheHubOnly) {
  hub_.on_any = [&](const Exchange& e) -> std::optional<bool> {
    if (e.path().find("/tree/") == std::string::npos) return std::nullopt;
    if (e.path().find("cursor") != std::string::npos) return std::nullopt;
    return e.answer(200, "Link: <" + e.path() + "&cursor=2>; rel=\"next\"\r\n",
                    R"([{"type":"file","path":"a.txt","size":1,"oid":"x"}])");
  };
  ASSERT_TRUE(pull().ok());
  hub_.on_any = [&](const Exchange& e) -> std::optional<bool> {
    if (e.path().find("/tree/") == std::string::npos) return std::nullopt;
    return e.answer(200, "Link: <http://127.0.0.1:1/>; rel=\"next\"\r\n", "[]");
  };
  EXPECT_EQ(pull("hf:owner/repo", "n").error().code, ErrorCode::kDamaged);
}

}  // namespace
}  // namespace overtake
