// The golden checkpoints: tiny models with the outputs that Hugging Face transformers gave for
// them.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "engine/trace.h"
#include "format/checkpoint.h"
#include "format/safetensors.h"
#include "parallel/thread_pool.h"
#include "tensor/cpu/cpu_backend.h"

namespace overtake {

struct Golden {
  std::string folder;
  std::vector<int32_t> input_ids;
  std::vector<int32_t> greedy_ids;
  std::vector<float> logits;               // [n, vocab]
  std::vector<std::vector<float>> hidden;  // [n_layers + 1][n, width]
};

inline std::vector<float> floats_of(const SafetensorsEntry& entry) {
  const auto* begin = reinterpret_cast<const float*>(entry.data.data());
  return {begin, begin + entry.data.size() / sizeof(float)};
}

inline std::vector<int32_t> ids_of(const SafetensorsEntry& entry) {
  const auto values = entry.to_i64();
  EXPECT_TRUE(values.ok());
  return {values->begin(), values->end()};
}

inline Golden read_golden(const std::string& folder) {
  auto file = MappedFile::open(folder + "/expected.safetensors");
  EXPECT_TRUE(file.ok()) << folder;
  const auto table = read_safetensors_table(file->bytes(), "expected.safetensors");
  EXPECT_TRUE(table.ok());
  Golden out{folder, {}, {}, {}, {}};
  std::map<int, std::vector<float>> hidden;
  for (const auto& entry : *table) {
    if (entry.name == "input_ids") out.input_ids = ids_of(entry);
    if (entry.name == "greedy_ids") out.greedy_ids = ids_of(entry);
    if (entry.name == "logits") out.logits = floats_of(entry);
    if (entry.name.starts_with("hidden.")) {
      hidden[std::stoi(entry.name.substr(7))] = floats_of(entry);
    }
  }
  for (auto& [k, values] : hidden) out.hidden.push_back(std::move(values));
  return out;
}

// Every folder of golden models: the committed ones (golden-traps: where engines go wrong), those
// of OVERTAKE_TEST_DATA, and those below OVERTAKE_GOLDEN_DIR (other seeds and shapes, from the
// maker of the golden data).
inline std::vector<std::string> golden_folders() {
  std::vector<std::string> roots = {OVERTAKE_TEST_DATA_DIR "/golden",
                                    OVERTAKE_TEST_DATA_DIR "/golden-traps"};
  if (const char* shared = std::getenv("OVERTAKE_TEST_DATA")) {
    roots.push_back(std::string(shared) + "/golden/models");
  }
  if (const char* more = std::getenv("OVERTAKE_GOLDEN_DIR")) roots.push_back(more);
  std::vector<std::string> out;
  for (const std::string& root : roots) {
    EXPECT_TRUE(std::filesystem::is_directory(root)) << root << " is missing";
    for (const auto& entry : std::filesystem::directory_iterator(root)) {
      if (std::filesystem::exists(entry.path() / "expected.safetensors")) {
        out.push_back(entry.path().string());
      }
    }
  }
  return out;
}

// A model with what it runs on.
struct LoadedModel {
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Backend> backend;
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<Model> model;
  std::unique_ptr<Ops> ops;
};

inline LoadedModel load_for_test(const std::string& path, Isa isa, int n_threads) {
  LoadedModel out;
  out.pool = std::make_unique<ThreadPool>(n_threads);
  out.backend = make_cpu_backend(*out.pool, isa);
  auto checkpoint = open_checkpoint(path);
  EXPECT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  out.checkpoint = std::move(checkpoint).value();
  auto model = load_model(*out.checkpoint, *out.backend);
  EXPECT_TRUE(model.ok()) << model.error().message;
  out.model = std::move(model).value();
  out.ops = out.backend->make_ops();
  return out;
}

}  // namespace overtake
