#include "base/json.h"

#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

namespace overtake {
namespace {

// Walks the document once before it is built: bounds and duplicate keys are judged here, so the
// tree that the second pass builds is known to be small and unambiguous.
class Judge : public nlohmann::json_sax<Json> {
 public:
  explicit Judge(JsonLimits limits) : limits_(limits) {}

  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t value, const string_t&) override {
    return std::isfinite(value) ? count() : fail("a number is not finite");
  }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return fail("binary value"); }
  bool start_object(size_t) override {
    keys_.emplace_back();
    return enter();
  }
  bool key(string_t& name) override {
    return keys_.back().insert(name).second || fail(fmt::format("key \"{}\" stands twice", name));
  }
  bool end_object() override {
    keys_.pop_back();
    return --depth_, true;
  }
  bool start_array(size_t) override { return enter(); }
  bool end_array() override { return --depth_, true; }
  bool parse_error(size_t position, const std::string&, const nlohmann::detail::exception& e)
      override {
    // The library's text starts with "[json.exception...] "; what follows is meant for people.
    const std::string_view text = e.what();
    const size_t cut = text.find("] ");
    return fail(fmt::format("{} (byte {})", text.substr(cut == text.npos ? 0 : cut + 2), position));
  }

  const std::string& problem() const { return problem_; }

 private:
  bool enter() {
    if (++depth_ > limits_.max_depth) {
      return fail(fmt::format("nested deeper than {} levels", limits_.max_depth));
    }
    return count();
  }
  bool count() {
    return ++values_ <= limits_.max_values ||
           fail(fmt::format("more than {} values", limits_.max_values));
  }
  bool fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

  JsonLimits limits_;
  int depth_ = 0;
  size_t values_ = 0;
  std::vector<std::set<std::string>> keys_;
  std::string problem_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, JsonLimits limits) {
  Judge judge(limits);
  if (!Json::sax_parse(text.begin(), text.end(), &judge)) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("not valid JSON: {}; {}; correct it and try again", judge.problem(),
                             what)};
  }
  return Json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace overtake
