#include "catalog/hub.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "net/http_url.h"

namespace overtake {
namespace {

constexpr uint64_t kMaxTokenFileBytes = 4096;
constexpr uint64_t kMaxFileBytes = uint64_t{1} << 50;
constexpr size_t kMaxFiles = 100'000;
constexpr JsonLimits kListingLimits = {.max_depth = 16, .max_values = 4 << 20};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? std::string(trim(value)) : "";
}

bool is_hex(std::string_view text, size_t length) {
  return text.size() == length && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

void read_token(HubSettings& hub) {
  for (const char* name : {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"}) {
    hub.token = variable(name);
    hub.token_source = name;
    if (!hub.token.empty()) return;
  }
  std::string path = variable("HF_TOKEN_PATH");
  if (path.empty() && !variable("HF_HOME").empty()) path = variable("HF_HOME") + "/token";
  if (path.empty()) path = variable("HOME") + "/.cache/huggingface/token";
  const Result<std::string> file = read_file(path, kMaxTokenFileBytes);
  hub.token = file.ok() ? std::string(trim(*file)) : "";
  hub.token_source = hub.token.empty() ? "" : path;
}

Error no_listing(std::string_view repo, std::string_view what) {
  return {ErrorCode::kDamaged,
          fmt::format("the hub's answer is not what it should be ({}); {}; is HF_ENDPOINT a model "
                      "hub?",
                      what, escaped(repo))};
}

std::string licence_of(const Json& info) {
  const auto card = info.find("cardData");
  if (card != info.end() && card->is_object()) {
    const std::string name = text_of(*card, "license_name");
    if (!name.empty()) return name;
    if (const std::string id = text_of(*card, "license"); !id.empty()) return id;
  }
  const auto tags = info.find("tags");
  if (tags == info.end() || !tags->is_array()) return "";
  for (const Json& tag : *tags) {
    if (!tag.is_string()) continue;
    const std::string text = tag.get<std::string>();
    if (text.starts_with("license:")) return text.substr(8);
  }
  return "";
}

std::optional<uint64_t> size_of(const Json& entry) {
  const auto size = entry.find("size");
  if (size == entry.end() || !size->is_number_unsigned()) return std::nullopt;
  const auto bytes = size->get<uint64_t>();
  return bytes <= kMaxFileBytes ? std::optional(bytes) : std::nullopt;
}

Status add_file(const Json& entry, std::string_view repo, std::vector<RemoteFile>* files) {
  if (!entry.is_object()) return no_listing(repo, "an entry is no object");
  if (text_of(entry, "type") != "file") return {};
  RemoteFile file;
  file.path = text_of(entry, "path");
  file.name = file.path.substr(file.path.rfind('/') + 1);
  file.bytes = size_of(entry);
  if (!file.bytes) return no_listing(repo, "a file without size");
  const auto lfs = entry.find("lfs");
  if (lfs != entry.end() && lfs->is_object()) {
    file.sha256 = text_of(*lfs, "oid");
    if (file.sha256.starts_with("sha256:")) file.sha256.erase(0, 7);
    if (!is_sha256(file.sha256)) return no_listing(repo, "a digest that is none");
    if (const auto bytes = size_of(*lfs)) file.bytes = bytes;
  } else if (const std::string blob = text_of(entry, "oid"); is_hex(blob, 40)) {
    file.git_blob = blob;
  }
  files->push_back(std::move(file));
  return {};
}

}  // namespace

Result<HubSettings> read_hub_settings() {
  HubSettings hub;
  if (std::string endpoint = variable("HF_ENDPOINT"); !endpoint.empty()) {
    while (endpoint.ends_with('/')) endpoint.pop_back();
    const Result<HttpUrl> url = parse_http_url(endpoint);
    if (!url.ok()) {
      return Error{ErrorCode::kInvalidArgument, "HF_ENDPOINT: " + url.error().message};
    }
    if (url->scheme != "https" && !url->is_loopback()) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("HF_ENDPOINT is not https; {}; what comes over plain http can be "
                               "altered on the way: set it to an https address",
                               escaped(endpoint))};
    }
    hub.endpoint = endpoint;
  }
  read_token(hub);
  const std::string offline = variable("HF_HUB_OFFLINE");
  hub.offline = !offline.empty() && offline != "0" && offline != "false";
  return hub;
}

bool is_repo_name(std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == text.npos || text.find('/', slash + 1) != text.npos) return false;
  const auto good = [](std::string_view part) {
    return !part.empty() && part.size() <= 96 && part[0] != '.' && part[0] != '-' &&
           part.find("..") == part.npos && std::ranges::all_of(part, [](char c) {
             return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == '-';
           });
  };
  return good(text.substr(0, slash)) && good(text.substr(slash + 1));
}

std::string repo_info_url(const HubSettings& hub, std::string_view repo) {
  return fmt::format("{}/api/models/{}", hub.endpoint, repo);
}

std::string repo_tree_url(const HubSettings& hub, std::string_view repo,
                          std::string_view revision) {
  return fmt::format("{}/api/models/{}/tree/{}?recursive=true", hub.endpoint, repo, revision);
}

std::string repo_file_url(const HubSettings& hub, std::string_view repo, std::string_view revision,
                          std::string_view path) {
  return fmt::format("{}/{}/resolve/{}/{}", hub.endpoint, repo, revision,
                     percent_encoded(path, true));
}

Result<RepoInfo> parse_repo_info(std::string_view json, std::string_view repo) {
  const Result<Json> info = parse_json(json, "model information", kListingLimits);
  if (!info.ok() || !info->is_object()) return no_listing(repo, "no JSON object");
  RepoInfo out;
  out.revision = text_of(*info, "sha");
  if (!is_hex(out.revision, 40)) return no_listing(repo, "no revision");
  out.licence = licence_of(*info);
  const auto gated = info->find("gated");
  out.gated = gated != info->end() && (gated->is_string() || *gated == true);
  return out;
}

Status parse_repo_tree(std::string_view json, std::string_view repo,
                       std::vector<RemoteFile>* files) {
  const Result<Json> list = parse_json(json, "list of files", kListingLimits);
  if (!list.ok() || !list->is_array()) return no_listing(repo, "no JSON list");
  for (const Json& entry : *list) {
    TRY(add_file(entry, repo, files));
    if (files->size() > kMaxFiles) return no_listing(repo, "too many files");
  }
  return {};
}

std::string next_page(std::string_view link_header) {
  while (!link_header.empty()) {
    const size_t begin = link_header.find('<');
    const size_t end = link_header.find('>', begin == link_header.npos ? 0 : begin);
    if (begin == link_header.npos || end == link_header.npos) return "";
    const std::string_view url = link_header.substr(begin + 1, end - begin - 1);
    const size_t comma = link_header.find(',', end);
    const std::string_view parameters =
        link_header.substr(end + 1, comma == link_header.npos ? link_header.npos : comma - end - 1);
    if (parameters.find("rel=\"next\"") != parameters.npos) return std::string(url);
    if (comma == link_header.npos) return "";
    link_header.remove_prefix(comma + 1);
  }
  return "";
}

bool is_sha256(std::string_view text) { return is_hex(text, 64); }

}  // namespace overtake
