// How many threads this process should compute on: its affinity mask, bounded by its cgroup.
#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "parallel/thread_pool.h"

namespace overtake {
namespace {

constexpr int kMaxThreads = 1024;

struct FileCloser {
  void operator()(FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<FILE, FileCloser>;

// Processors that the mask allows. A machine with more than CPU_SETSIZE needs a larger set.
int affinity_count() {
  for (int n = CPU_SETSIZE; n <= 1 << 16; n *= 2) {
    cpu_set_t* set = CPU_ALLOC(n);
    if (set == nullptr) break;
    const size_t size = CPU_ALLOC_SIZE(n);
    const int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return 1;
}

// Processors' worth of time that the cgroup (version 2, then 1) grants; infinity without a limit.
double cgroup_cpus() {
  double quota = 0;
  double period = 0;
  if (const File file{std::fopen("/sys/fs/cgroup/cpu.max", "r")}) {
    if (std::fscanf(file.get(), "%lf %lf", &quota, &period) != 2) return INFINITY;
  } else {
    const File quota_file{std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "r")};
    const File period_file{std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "r")};
    if (!quota_file || !period_file || std::fscanf(quota_file.get(), "%lf", &quota) != 1 ||
        std::fscanf(period_file.get(), "%lf", &period) != 1) {
      return INFINITY;
    }
  }
  return quota > 0 && period > 0 ? quota / period : INFINITY;
}

}  // namespace

int default_thread_count() {
  if (const char* setting = std::getenv("OVERTAKE_THREADS")) {
    const std::string_view text(setting);
    int count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    if (whole && count >= 1 && count <= kMaxThreads) return count;
  }
  const double limit = std::ceil(std::min<double>(cgroup_cpus(), kMaxThreads));
  return std::clamp(affinity_count(), 1, static_cast<int>(limit));
}

}  // namespace overtake
