// What a hub answers: model information, lists of files, Link headers, file names, redirects, and
// the record of a pull. Whatever it says, no chosen name leads out of a folder.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "catalog/choose_files.h"
#include "catalog/file_name.h"
#include "catalog/hub.h"
#include "catalog/pull_record.h"
#include "catalog/pull_source.h"
#include "catalog/source_client.h"
#include "catalog/store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace overtake;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<RemoteFile> files;
  (void)parse_repo_info(text, "a/b");
  (void)parse_repo_tree(text, "a/b", &files);
  for (const char* wish : {"", "Q4_K_M", "x.gguf"}) {
    const auto chosen = choose_files(files, wish, "a/b");
    if (!chosen.ok()) continue;
    for (const RemoteFile& file : *chosen) {
      const bool plain = file.name.find_first_of(std::string_view("/\\\0", 3)) == file.name.npos;
      if (!plain || file.name.empty() || file.name[0] == '.') std::abort();
    }
  }
  (void)next_page(text);
  (void)parse_pull_record(text, "record");
  const std::string name = model_name_from(text);
  if (!name.empty() && !is_model_name(name)) std::abort();
  static const HttpUrl base = *parse_http_url("https://hub.example/a");
  const auto next = check_redirect(base, text);
  if (next.ok() && next->scheme != "https") std::abort();
  static const HubSettings hub;
  const auto source = parse_pull_source(text, "", hub);
  if (source.ok() && !is_model_name(source->name)) std::abort();
  return 0;
}
