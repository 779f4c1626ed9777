// From a checkpoint to a GGUF file: the plan that its arch makes, carried out over the thread pool.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "format/checkpoint.h"
#include "model/gguf_plan.h"
#include "parallel/thread_pool.h"

namespace overtake {

// A type that a file can be converted to.
struct ConvertType {
  std::string_view option;  // "q8_0"
  std::string_view type;    // the QuantType's name
  int64_t file_type;        // general.file_type, as the GGUF specification numbers it
};
std::span<const ConvertType> convert_types();

// The plan of the checkpoint's arch, with the keys that every architecture has: general.*, the
// folder's generation_config.json as generation_config.*, its tokenizer and chat template
// (tokenizer.ggml.model is "no_vocab" if there is none). kUnsupported if the arch has no form in
// GGUF, or is not known. Of a GGUF file: the file itself, to be written with another type.
Result<GgufPlan> plan_gguf(const Checkpoint& checkpoint);

// The type of one tensor of a new file, and who turns its numbers into blocks.
struct TensorForm {
  const QuantType* type = nullptr;
  // Whole rows of numbers, from row `first` on, to blocks. Any thread. Null: type->encode.
  std::function<Status(int64_t first, std::span<const float> rows, std::byte* blocks)> encode = {};
};

struct GgufWriteOptions {
  int64_t file_type = 0;   // general.file_type
  bool quantized = false;  // whether that means blocks, which have a version
  bool overwrite = false;
  // Called on the caller's thread every few megabytes, with the bytes written so far; an error ends
  // the work, and nothing is left of the file.
  std::function<Status(uint64_t done, uint64_t total)> progress;
};

// The forms of the planned tensors for a type: one-dimensional tensors, norms and what the plan
// says stay F32; a matrix whose rows are no whole blocks of the type becomes F16.
std::vector<TensorForm> convert_forms(const GgufPlan& plan, const ConvertType& type);

// Of a file of quantized tensors, whatever their types: the bytes before the first tensor.
uint64_t header_bytes(const GgufPlan& plan);

// Writes the planned file, its tensors in `forms`. Memory: a few megabytes a thread. The same
// checkpoint gives the same bytes every time.
struct GgufOutput {
  const GgufPlan& plan;
  std::span<const TensorForm> forms;
  const std::string& path;
};
Status write_gguf(const Checkpoint& checkpoint, const GgufOutput& output,
                  const GgufWriteOptions& options, ThreadPool& pool);

}  // namespace overtake
