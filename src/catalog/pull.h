// pull: fetches a model into the store, resumed where it broke off, verified before it appears.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/download.h"
#include "catalog/hub.h"
#include "catalog/pull_source.h"

namespace overtake {

struct PullProgress {
  std::string what;  // "reading the list of files", "x.gguf", "4 files"
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;  // 0: not known
};

struct PullOptions {
  HubSettings hub;
  SourceOptions source;  // its token is taken from `hub`
  RetryOptions retry;
  int n_at_once = 4;  // files
  std::function<void(const PullProgress&)> progress = [](const PullProgress&) {};
  std::function<void(const std::string&)> note = [](const std::string&) {};  // a line for people
};

struct PulledModel {
  std::string name;
  std::string path;  // of the model's folder
  std::string licence;
  uint64_t bytes = 0;
  uint64_t fetched_bytes = 0;  // by this call
  bool all_published = false;  // whether the source had published every digest
};

// On the calling thread, until it is done or `cancel` turns true (kCancelled). The files appear
// under their names all together at the end, each with the digest that its source has published; a
// pull that ended early leaves .part files, which the next one continues.
Result<PulledModel> pull_model(const PullSource& source, const PullOptions& options,
                               const std::atomic<bool>& cancel);

}  // namespace overtake
