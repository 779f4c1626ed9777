#include "wire/anthropic/dialect.h"

#include <fmt/core.h>

#include "wire/anthropic/answer.h"
#include "wire/anthropic/error.h"
#include "wire/anthropic/request.h"

namespace overtake::anthropic {
namespace {

std::string field_of(const FeatureUse& use) {
  switch (use.feature) {
    case Feature::kImages:
    case Feature::kAudio:
    case Feature::kFiles:
      return "messages";  // Call::member_of says which
    case Feature::kTools:
    case Feature::kVendorTools:
      return use.tool < 0 ? "tools" : fmt::format("tools.{}", use.tool);
    case Feature::kForcedTools:
      return "tool_choice";
    case Feature::kJson:
    case Feature::kJsonSchema:
    case Feature::kGrammar:
      return "output_config.format";
    case Feature::kReasoning:
      return "thinking";
    case Feature::kTopK:
      return "top_k";
    case Feature::kStop:
      return "stop_sequences";
    default:  // this dialect has no word for the others
      return std::string(feature_name(use.feature));
  }
}

constexpr wire::Dialect make_dialect(decltype(wire::Dialect::parse) parse) {
  wire::Dialect out{};
  out.name = "anthropic";
  out.id_prefix = "msg_";
  out.stream_type = "text/event-stream";
  out.parse = parse;
  out.make_writer = make_messages_writer;
  out.error_body = error_json;
  out.stream_error = stream_error;
  out.field_of = field_of;
  out.id_header = "request-id";
  out.status_of = error_status;
  out.betas_header = kBetasHeader;
  return out;
}

}  // namespace

const wire::Dialect messages_dialect = make_dialect(parse_messages_request);
const wire::Dialect count_dialect = make_dialect(parse_count_request);

}  // namespace overtake::anthropic
