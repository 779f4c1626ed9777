// Answers of OpenAI's Responses: the first byte says how they come and in what pieces.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "answer_fuzz.h"
#include "wire/openai/client.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace overtake;
  if (size == 0) return 0;
  const bool stream = (data[0] & 1) != 0;
  const size_t piece = 1 + (data[0] >> 1);
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  check_reader(*openai::make_responses_reader(stream), bytes, piece);
  return 0;
}
