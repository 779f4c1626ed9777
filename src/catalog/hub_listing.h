// Asks the hub what a repository holds.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/result.h"
#include "catalog/download.h"
#include "catalog/hub.h"
#include "catalog/source_client.h"

namespace overtake {

struct RepoListing {
  RepoInfo info;
  std::vector<RemoteFile> files;  // with URLs of one revision
};

struct ListingOptions {
  const HubSettings& hub;
  const SourceOptions& source;
  const RetryOptions& retry;
  std::function<void(const std::string&)> note;
};

// On the calling thread, until it is done or `cancel` turns true.
Result<RepoListing> list_repo(const std::string& repo, const ListingOptions& options,
                              const std::atomic<bool>& cancel);

// Ends `loop` soon after `cancel` has turned true.
void stop_when(EventLoop& loop, const std::atomic<bool>& cancel);
Error cancelled_error();
// How long to wait before the next try after `n_failures` in a row.
int backoff_ms(const RetryOptions& options, int n_failures);

}  // namespace overtake
