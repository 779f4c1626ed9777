#include "model/activation.h"

#include <fmt/core.h>

#include "base/text.h"

namespace overtake {
namespace {

struct Named {
  std::string_view name;
  Activation activation;
};
// The first name of each is the one that is written.
constexpr Named kNames[] = {{"silu", Activation::kSilu},
                            {"swish", Activation::kSilu},
                            {"gelu", Activation::kGelu},
                            {"gelu_pytorch_tanh", Activation::kGeluTanh},
                            {"gelu_new", Activation::kGeluTanh}};

}  // namespace

Result<Activation> read_activation(const Metadata& metadata, std::string_view key,
                                   Activation otherwise) {
  const auto name = TRY(metadata.find_string(key));
  if (!name) return otherwise;
  for (const Named& known : kNames) {
    if (known.name == *name) return known.activation;
  }
  return Error{ErrorCode::kUnsupported,
               fmt::format("{} \"{}\" is not known; the model's settings; known are silu, gelu, "
                           "gelu_pytorch_tanh",
                           key, escaped(*name))};
}

std::string_view activation_name(Activation activation) {
  for (const Named& known : kNames) {
    if (known.activation == activation) return known.name;
  }
  OVERTAKE_CHECK(false);
  return {};
}

}  // namespace overtake
