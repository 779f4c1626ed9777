// The model hub: where it is, who we are to it, and what its answers mean. Its address stands here
// and nowhere else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

struct HubSettings {
  std::string endpoint = "https://huggingface.co";  // without trailing slash
  std::string token;                                // never shown, never sent anywhere else
  std::string token_source;                         // "HF_TOKEN", or a file's path: for messages
  bool offline = false;
};

// HF_ENDPOINT; HF_TOKEN, HUGGING_FACE_HUB_TOKEN, or the file that HF_TOKEN_PATH names or the hub's
// own tools write; HF_HUB_OFFLINE.
Result<HubSettings> read_hub_settings();

// "OWNER/REPO", each of letters, digits, ".", "_", "-".
bool is_repo_name(std::string_view text);

// One file as a server announces it; nothing of it is believed before it was verified.
struct RemoteFile {
  std::string path;  // in the repository: "BF16/model.gguf"
  std::string name;  // its last part
  std::string url;
  std::optional<uint64_t> bytes;
  std::string sha256;    // lower-case hexadecimal; "" if not published
  std::string git_blob;  // SHA-1 of a small file as Git counts it; "" if not published
};

struct RepoInfo {
  std::string revision;  // 40 hexadecimal digits
  std::string licence;   // as the repository says; may be ""
  bool gated = false;
};

std::string repo_info_url(const HubSettings& hub, std::string_view repo);
std::string repo_tree_url(const HubSettings& hub, std::string_view repo, std::string_view revision);
std::string repo_file_url(const HubSettings& hub, std::string_view repo, std::string_view revision,
                          std::string_view path);

Result<RepoInfo> parse_repo_info(std::string_view json, std::string_view repo);
// Appends the files of one page of a listing; kDamaged for what is no listing.
Status parse_repo_tree(std::string_view json, std::string_view repo,
                       std::vector<RemoteFile>* files);
// The URL of the next page in a Link header (RFC 8288); "" if there is none.
std::string next_page(std::string_view link_header);

bool is_sha256(std::string_view text);  // 64 lower-case hexadecimal digits

}  // namespace overtake
