// Golden folders converted to GGUF files in the tests' folder.
#pragma once

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "catalog/digest.h"
#include "golden.h"
#include "model/convert.h"

namespace overtake {

inline const ConvertType& type_named(std::string_view option) {
  for (const ConvertType& type : convert_types()) {
    if (type.option == option) return type;
  }
  ADD_FAILURE() << option;
  return convert_types().front();
}

// A GGUF file made of a folder, which goes with the object.
class Converted {
 public:
  // `left_out`: the folder's tensors that the file should not have.
  Converted(const std::string& folder, std::string_view type, int n_threads = 2,
            std::vector<std::string> left_out = {}) {
    path_ = (std::filesystem::path(testing::TempDir()) /
             ("converted-" + std::to_string(::getpid()) + "-" + std::string(type) + ".gguf"))
                .string();
    const auto checkpoint = open_checkpoint(folder);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.error().message;
    auto plan = plan_gguf(**checkpoint);
    EXPECT_TRUE(plan.ok()) << plan.error().message;
    EXPECT_THAT(plan->left_out(), testing::UnorderedElementsAreArray(left_out));
    ThreadPool pool(n_threads);
    const ConvertType& wanted = type_named(type);
    const std::vector<TensorForm> forms = convert_forms(*plan, wanted);
    const Status written = write_gguf(**checkpoint, {*plan, forms, path_},
                                      {.file_type = wanted.file_type,
                                       .quantized = type == "q8_0",
                                       .overwrite = true,
                                       .progress = {}},
                                      pool);
    EXPECT_TRUE(written.ok()) << written.error().message;
  }
  ~Converted() { std::filesystem::remove(path_); }
  Converted(const Converted&) = delete;

  const std::string& path() const { return path_; }
  std::string digest() const { return *sha256_of_file(path_); }

 private:
  std::string path_;
};

// Of every position.
inline std::vector<float> logits_of(const std::string& path, const std::vector<int32_t>& ids) {
  const LoadedModel loaded = load_for_test(path, supported_isas().back(), 2);
  std::vector<float> out;
  const Status status =
      trace_prompt(*loaded.model, *loaded.ops, ids,
                   [&](int64_t, Tensor rows) {
                     for (int64_t i = 0; i < rows.rows; ++i) {
                       out.insert(out.end(), rows.row(i), rows.row(i) + rows.cols);
                     }
                   },
                   {});
  EXPECT_TRUE(status.ok()) << status.error().message;
  return out;
}

}  // namespace overtake
