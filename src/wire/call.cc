#include "wire/call.h"

namespace overtake::wire {

GenerateRequest Call::choice_request(int index) const {
  GenerateRequest out = request;
  out.prompt = prompts[static_cast<size_t>(index / n)];
  if (out.sampling.seed) *out.sampling.seed += static_cast<uint64_t>(index % n);
  return out;
}

}  // namespace overtake::wire
