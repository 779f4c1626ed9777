#include "base/json.h"

#include <fmt/core.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/text.h"

namespace overtake {
namespace {

// Judges and builds in one pass. The library's own builder looks for every key among all earlier
// ones of its object, which takes minutes for a document of a few megabytes made for that; here a
// set finds duplicates and the key is appended.
class Builder : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(JsonLimits limits) : limits_(limits) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override {
    return std::isfinite(value) ? add(value) : fail("a number is not finite");
  }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return fail("binary value"); }
  bool start_object(size_t) override {
    keys_.emplace_back();
    return open(Json::object());
  }
  bool key(string_t& name) override {
    if (!keys_.back().insert(name).second) {
      return fail(fmt::format("key \"{}\" stands twice", escaped(name)));
    }
    key_ = std::move(name);
    return true;
  }
  bool end_object() override {
    keys_.pop_back();
    return open_.pop_back(), true;
  }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_array() override { return open_.pop_back(), true; }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception& e) override {
    // The library's text starts with "[json.exception...] "; what follows is meant for people.
    const std::string_view text = e.what();
    const size_t cut = text.find("] ");
    const std::string_view said = text.substr(cut == text.npos ? 0 : cut + 2);
    // It repeats the text around the error, which may be of any length and hold any byte.
    return fail(fmt::format("{} (byte {})", escaped(said), position));
  }

  const std::string& problem() const { return problem_; }
  Json take() { return std::move(root_); }

 private:
  // Adds a value to the innermost open array or object.
  bool add(Json value) {
    if (++values_ > limits_.max_values) {
      return fail(fmt::format("more than {} values", limits_.max_values));
    }
    if (open_.empty()) {
      root_ = std::move(value);
      last_ = &root_;
    } else if (open_.back()->is_array()) {
      last_ = &open_.back()->get_ref<Json::array_t&>().emplace_back(std::move(value));
    } else {
      Json::object_t& object = open_.back()->get_ref<Json::object_t&>();
      last_ = &object.emplace_back(std::move(key_), std::move(value)).second;
    }
    return true;
  }
  bool open(Json value) {
    if (open_.size() >= static_cast<size_t>(limits_.max_depth)) {
      return fail(fmt::format("nested deeper than {} levels", limits_.max_depth));
    }
    if (!add(std::move(value))) return false;
    // Stays valid: what is around an open value does not grow before it is closed.
    open_.push_back(last_);
    return true;
  }
  bool fail(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
    return false;
  }

  JsonLimits limits_;
  size_t values_ = 0;
  Json root_;
  Json* last_ = nullptr;
  std::vector<Json*> open_;
  std::vector<std::set<std::string>> keys_;
  std::string key_;
  std::string problem_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, JsonLimits limits) {
  Builder builder(limits);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("not valid JSON: {}; {}; correct it and try again", builder.problem(), what)};
  }
  return builder.take();
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace overtake
