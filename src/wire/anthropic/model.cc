#include "wire/anthropic/model.h"

#include <fmt/core.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <utility>

namespace overtake::anthropic {
namespace {

// RFC 3339
std::string time_text(int64_t utc_s) {
  const std::time_t time = utc_s;
  std::tm parts{};
  if (!gmtime_r(&time, &parts)) return "1970-01-01T00:00:00Z";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

Json model_json(const GeneratorInfo& info) {
  Json out;
  out["type"] = "model";
  out["id"] = info.name;
  out["display_name"] = info.name;
  out["created_at"] = time_text(info.created_s);
  out["lifecycle"] = "active";
  out["max_input_tokens"] = info.context_length;
  out["max_tokens"] = info.context_length;
  return out;
}

Json model_list_json(std::span<const std::shared_ptr<Generator>> generators) {
  Json list = Json::array();
  for (const auto& generator : generators) list.push_back(model_json(generator->info()));
  Json out;
  out["has_more"] = false;  // all are on one page
  out["first_id"] = list.empty() ? Json(nullptr) : list.front()["id"];
  out["last_id"] = list.empty() ? Json(nullptr) : list.back()["id"];
  out["data"] = std::move(list);
  return out;
}

}  // namespace overtake::anthropic
