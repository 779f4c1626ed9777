// Looks at every weight: what is not a number, what no training makes, what was never filled in.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/fidelity.h"

namespace overtake {
namespace {

// The largest weights of published models lie in the hundreds.
constexpr float kAbsurd = 1e4f;
constexpr int64_t kChunkElements = 1 << 18;
constexpr size_t kMaxNamed = 3;

struct Stats {
  int64_t n_nan = 0;
  int64_t n_inf = 0;
  float low = std::numeric_limits<float>::infinity();  // of the finite ones
  float high = -std::numeric_limits<float>::infinity();

  void add(const float* values, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const float v = values[i];
      if (std::isfinite(v)) {
        low = std::min(low, v);
        high = std::max(high, v);
      } else {
        ++(std::isnan(v) ? n_nan : n_inf);
      }
    }
  }
  void add(const Stats& other) {
    n_nan += other.n_nan;
    n_inf += other.n_inf;
    low = std::min(low, other.low);
    high = std::max(high, other.high);
  }
};

Stats stats_of(const StoredTensor& tensor, ThreadPool& pool) {
  const int64_t n_cols = std::max<int64_t>(tensor.n_cols(), 1);
  const int64_t rows_each = std::max<int64_t>(1, kChunkElements / n_cols);
  const int64_t n_chunks = (tensor.n_rows() + rows_each - 1) / rows_each;
  std::vector<Stats> parts(static_cast<size_t>(n_chunks));
  pool.parallel_for(static_cast<int>(n_chunks), [&](int chunk) {
    std::vector<float> row(static_cast<size_t>(n_cols));
    const int64_t begin = chunk * rows_each;
    const int64_t end = std::min(begin + rows_each, tensor.n_rows());
    for (int64_t r = begin; r < end; ++r) {
      tensor.type->decode(tensor.row_bytes(r).data(), row.data(), tensor.n_cols());
      parts[static_cast<size_t>(chunk)].add(row.data(), tensor.n_cols());
    }
  });
  Stats all;
  for (const Stats& part : parts) all.add(part);
  return all;
}

// The names of tensors with one fault.
struct Group {
  std::vector<std::string> names;
  void add(std::string text) { names.push_back(std::move(text)); }
  std::string text() const {
    std::string out;
    for (size_t i = 0; i < std::min(names.size(), kMaxNamed); ++i) {
      out += (i > 0 ? ", " : "") + names[i];
    }
    if (names.size() > kMaxNamed) out += fmt::format(" and {} more", names.size() - kMaxNamed);
    return out;
  }
};

struct Groups {
  Group broken, overflown, absurd, zero, constant;
};

void judge(const StoredTensor& tensor, const Stats& stats, Groups& groups) {
  const bool is_matrix = tensor.shape.size() > 1;
  const bool is_bias = tensor.name.ends_with("bias");
  if (stats.n_nan > 0) {
    groups.broken.add(fmt::format("{} ({} NaN)", tensor.name, stats.n_nan));
  } else if (stats.n_inf > 0) {
    groups.overflown.add(
        fmt::format("{} ({}, {} infinite)", tensor.name, tensor.type->name, stats.n_inf));
  } else if (std::max(-stats.low, stats.high) > kAbsurd) {
    groups.absurd.add(
        fmt::format("{} (up to {:.3g})", tensor.name, std::max(-stats.low, stats.high)));
  } else if (stats.low == 0 && stats.high == 0 && !is_bias) {
    groups.zero.add(tensor.name);
  } else if (stats.low == stats.high && is_matrix) {
    groups.constant.add(fmt::format("{} (all {:.3g})", tensor.name, stats.low));
  }
}

void report(const FidelityRun& run, const Groups& groups) {
  if (!groups.broken.names.empty()) {
    run.fault("weights", "not a number: " + groups.broken.text(),
              "get the file again; if it stays so, its conversion was faulty");
  }
  if (!groups.overflown.names.empty()) {
    run.fault(
        "weights", "infinite: " + groups.overflown.text(),
        "values beyond what F16 or a block's F16 scale holds (65504) were written so: convert "
        "the original as bf16 or f32");
  }
  if (!groups.absurd.names.empty()) {
    run.fault("weights", "larger than training makes: " + groups.absurd.text(),
              "the bytes are damaged or of another type than the file says: get it again");
  }
  if (!groups.zero.names.empty()) {
    run.fault("weights", "all zero: " + groups.zero.text(),
              "part of the file was never written: get it again");
  }
  if (!groups.constant.names.empty()) {
    run.warn("weights", "the same number throughout: " + groups.constant.text(),
             "an untrained or damaged matrix: compare with the original");
  }
}

void check(const FidelityRun& run) {
  const std::span<const StoredTensor> tensors = run.subject.checkpoint->tensors();
  if (tensors.empty()) return;
  uint64_t total = 0, done = 0;
  for (const StoredTensor& tensor : tensors) total += tensor.data.size();
  Groups groups;
  const size_t before = run.findings.size();
  for (const StoredTensor& tensor : tensors) {
    run.progress("weights", done, total);
    if (tensor.n_rows() > 0 && tensor.n_cols() > 0)
      judge(tensor, stats_of(tensor, run.pool), groups);
    run.subject.checkpoint->drop_pages(tensor);
    done += tensor.data.size();
  }
  report(run, groups);
  if (run.findings.size() == before) {
    run.ok("weights",
           fmt::format("{} tensors: every number finite and of a likely size", tensors.size()));
  }
}

}  // namespace

OVERTAKE_ENTRY(FidelityCheck, fidelity_weights) = {"weights", 30, check};

}  // namespace overtake
