// Fields: typed, bounded reading of a request's JSON object; the first thing that is wrong is kept.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "engine/generate_request.h"
#include "wire/call_error.h"

namespace overtake::wire {

// Adds to `into`, an object, the members of `from` that it lacks. Json's own operator[] looks at
// every member before, and a request may have a million.
void add_missing(const Json& from, Json* into);

// Extra fields with one more member, which they do not have; `value` is a JSON text.
ExtraFields with_member(ExtraFields extra, std::string_view name, std::string_view value);

// Getters return nullopt for an absent or null field, and after an error; the caller reads all it
// wants and then asks for error() once.
class Fields {
 public:
  // `object` is an object and outlives this. `path` goes before names in errors: "messages[0].".
  Fields(const Json& object, std::string path = "") : object_(object), path_(std::move(path)) {}

  const Json* find(std::string_view name) const;  // null where absent or null
  std::optional<bool> boolean(std::string_view name);
  std::optional<int64_t> integer(std::string_view name, int64_t min, int64_t max);
  std::optional<double> number(std::string_view name, double min, double max);
  std::optional<std::string> string(std::string_view name);
  const Json* object(std::string_view name);
  const Json* array(std::string_view name);

  // The members that are not in `known`, as a JSON object's text; empty if there are none.
  std::string extra(std::span<const std::string_view> known) const;
  std::string extra(std::initializer_list<std::string_view> known) const {
    return extra(std::span(known.begin(), known.size()));
  }

  std::string param(std::string_view name) const { return path_ + std::string(name); }
  void fail(CallError error);
  void invalid(std::string_view name, std::string message);
  void unsupported(std::string_view name, std::string message);
  bool ok() const { return !error_; }
  const std::optional<CallError>& error() const { return error_; }

 private:
  const Json& object_;
  std::string path_;
  std::optional<CallError> error_;
};

}  // namespace overtake::wire
