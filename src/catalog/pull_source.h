// What `overtake pull` is asked for, before anything is fetched: a name of the catalogue, a
// repository of the hub, or a URL.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "catalog/hub.h"

namespace overtake {

struct PullSource {
  std::string name;     // of the model in the store
  std::string repo;     // "OWNER/REPO"; "" for a URL
  std::string wish;     // see choose_files; may be ""
  std::string url;      // of one GGUF file, where there is no repo
  std::string licence;  // where the catalogue knows it
  // Where the catalogue knows the one file.
  std::string sha256;
  uint64_t bytes = 0;

  std::string text() const;  // "hf:OWNER/REPO", or the URL
};

//   NAME[:QUANTIZATION]                    of the catalogue
//   [hf:]OWNER/REPO[:QUANTIZATION|:FILE]   of the hub
//   https://.../x.gguf                     any server; a page of the hub means its repository
// `name` is what the store shall call it; "" derives it.
Result<PullSource> parse_pull_source(std::string_view text, std::string_view name,
                                     const HubSettings& hub);

}  // namespace overtake
