#include "catalog/pull_source.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/file_name.h"
#include "catalog/store.h"
#include "net/http_url.h"

namespace overtake {
namespace {

Error unknown(std::string_view text) {
  return {ErrorCode::kNotFound,
          fmt::format("not a model that pull knows; \"{}\"; give a name of `overtake list --all`, "
                      "hf:OWNER/REPO, hf:OWNER/REPO:Q4_K_M, or the https address of a .gguf file",
                      escaped(text))};
}

// Letters and digits alone: what people agree on when they spell a model's name.
std::string skeleton(std::string_view text) {
  std::string out;
  for (const char c : folded_file_name(text)) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) out += c;
  }
  return out;
}

Error not_in_catalog(std::string_view text) {
  const std::string asked = skeleton(text.substr(0, text.find(':')));
  std::string near;
  for (const CatalogEntry& entry : catalog()) {
    const std::string name = skeleton(entry.name);
    if (asked.size() < 3 || (name.find(asked) == name.npos && asked.find(name) == asked.npos)) {
      continue;
    }
    near += " " + entry.name;
  }
  if (near.empty()) return unknown(text);
  return {ErrorCode::kNotFound, fmt::format("not a model that pull knows; \"{}\"; did you mean:{}?",
                                            escaped(text), near)};
}

std::string without_gguf(std::string_view name) {
  if (folded_file_name(name).ends_with(".gguf")) name.remove_suffix(5);
  return std::string(name);
}

Result<PullSource> from_catalog(std::string_view text) {
  const size_t colon = text.find(':');
  const CatalogEntry* entry = find_in_catalog(text.substr(0, colon));
  if (!entry) return not_in_catalog(text);
  PullSource out{.name = entry->name, .repo = entry->repo, .licence = entry->licence};
  const std::string first = entry->quantizations.empty() ? "" : entry->quantizations[0];
  out.wish = colon == text.npos ? first : std::string(text.substr(colon + 1));
  if (folded_file_name(out.wish) != folded_file_name(first)) {
    out.name = model_name_from(entry->name + "-" + out.wish);
  } else {
    out.sha256 = entry->sha256;
    out.bytes = entry->bytes;
  }
  return out;
}

Result<PullSource> from_repo(std::string_view text) {
  const size_t colon = text.find(':');
  const std::string_view repo = text.substr(0, colon);
  if (!is_repo_name(repo)) return unknown(text);
  PullSource out{.repo = std::string(repo)};
  if (colon != text.npos) out.wish = text.substr(colon + 1);
  std::string base(repo.substr(repo.find('/') + 1));
  if (folded_file_name(base).ends_with("-gguf")) base.resize(base.size() - 5);
  const std::string file = out.wish.substr(out.wish.rfind('/') + 1);
  const bool names_a_file = folded_file_name(file).ends_with(".gguf");
  out.name = model_name_from(names_a_file       ? without_gguf(file)
                             : out.wish.empty() ? base
                                                : base + "-" + file);
  return out;
}

// A page of the hub itself: "/OWNER/REPO", "/OWNER/REPO/blob/main/FILE".
Result<PullSource> from_hub_page(const HttpUrl& url) {
  std::string_view path = url.path;
  path = path.substr(1, path.find('?') == path.npos ? path.npos : path.find('?') - 1);
  while (path.ends_with('/')) path.remove_suffix(1);
  const size_t slash = path.find('/');
  const size_t second = slash == path.npos ? slash : path.find('/', slash + 1);
  std::string repo(path.substr(0, second));
  if (second == path.npos) return from_repo(repo);
  const std::string_view rest = path.substr(second + 1);
  for (const std::string_view kind : {"blob/main/", "resolve/main/", "tree/main"}) {
    if (rest.starts_with(kind)) {
      const std::string_view file = rest.substr(kind.size());
      return from_repo(file.empty() ? repo : repo + ":" + std::string(file));
    }
  }
  return unknown(url.text());
}

Result<PullSource> from_url(std::string_view text, const HubSettings& hub) {
  const HttpUrl url = TRY(parse_http_url(text));
  const Result<HttpUrl> hub_url = parse_http_url(hub.endpoint);
  if (hub_url.ok() && hub_url->origin() == url.origin()) return from_hub_page(url);
  if (url.scheme != "https" && !url.is_loopback()) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("plain http; {}; what comes so can be altered on the way: give an "
                             "https address",
                             escaped(text))};
  }
  const std::string_view path = std::string_view(url.path).substr(0, url.path.find('?'));
  const std::string_view file = path.substr(path.rfind('/') + 1);
  if (is_pickle_name(file)) {
    return Error{
        ErrorCode::kUnsupported,
        fmt::format("a pickle; {}; loading one can run any code that its author put in, so "
                    "Overtake never does: look for GGUF or safetensors",
                    escaped(text))};
  }
  if (!folded_file_name(file).ends_with(".gguf")) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("not the address of a .gguf file; {}; for a folder of safetensors give "
                    "hf:OWNER/REPO",
                    escaped(text))};
  }
  return PullSource{.name = model_name_from(without_gguf(file)), .url = std::string(text)};
}

Result<PullSource> parse(std::string_view text, const HubSettings& hub) {
  if (text.starts_with("https://") || text.starts_with("http://")) return from_url(text, hub);
  if (text.starts_with("hf:")) {
    text.remove_prefix(3);
    while (text.starts_with('/')) text.remove_prefix(1);  // hf://
    return from_repo(text);
  }
  return text.find('/') == text.npos ? from_catalog(text) : from_repo(text);
}

}  // namespace

std::string PullSource::text() const { return repo.empty() ? url : "hf:" + repo; }

Result<PullSource> parse_pull_source(std::string_view text, std::string_view name,
                                     const HubSettings& hub) {
  if (std::ranges::any_of(text, [](unsigned char c) { return c <= ' ' || c == 127; })) {
    return unknown(text);
  }
  PullSource out = TRY(parse(text.empty() ? kDefaultModel : text, hub));
  if (!name.empty()) out.name = name;
  if (!is_model_name(out.name)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("no good name for a model: \"{}\"; --name; use a-z, 0-9, \".\", \"_\" "
                             "and \"-\", such as --name my-model",
                             escaped(out.name))};
  }
  return out;
}

}  // namespace overtake
