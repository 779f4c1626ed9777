// Result<T>: a value or an Error, for what the world can do to us (input, disk, network, peers).
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace overtake {

enum class ErrorCode {
  kInvalidArgument,  // the caller's input is wrong; the message says how
  kNotFound,         // a file, model or route that does not exist
  kDamaged,          // a file or stream that contradicts itself or its format
  kUnsupported,      // well-formed, but not something this program can do
  kContextLength,    // a prompt longer than the model's context
  kExhausted,        // memory, queue or quota is used up; trying later may work
  kUnauthenticated,
  kPermissionDenied,
  kCancelled,
  kDeadline,
  kUnavailable,  // a peer or a component is down for now
  kIo,           // the operating system refused
  kInternal,
};

// The code's stable name, as logs and JSON have it ("invalid_argument").
const char* error_code_name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // what, where, what to do: "WHAT; WHERE; WHAT TO DO"
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return OVERTAKE_CHECK(ok()), std::get<0>(state_); }
  const T& value() const& { return OVERTAKE_CHECK(ok()), std::get<0>(state_); }
  T&& value() && { return OVERTAKE_CHECK(ok()), std::get<0>(std::move(state_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  const Error& error() const& { return OVERTAKE_CHECK(!ok()), std::get<1>(state_); }
  Error&& error() && { return OVERTAKE_CHECK(!ok()), std::get<1>(std::move(state_)); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : failed_(true), error_(std::move(error)) {}  // NOLINT: implicit

  bool ok() const { return !failed_; }
  explicit operator bool() const { return ok(); }
  const Error& error() const& { return OVERTAKE_CHECK(failed_), error_; }
  Error&& error() && { return OVERTAKE_CHECK(failed_), std::move(error_); }

 private:
  bool failed_ = false;
  Error error_;
};

using Status = Result<void>;

namespace internal {
template <typename T>
T take_value(Result<T>&& result) {
  return std::move(result).value();
}
inline void take_value(Status&&) {}
}  // namespace internal

}  // namespace overtake

// TRY(expr): the value of a Result, or return its error from the enclosing function.
//   const Header header = TRY(read_header(bytes));
#define TRY(...)                                                                  \
  __extension__({                                                                 \
    auto overtake_try_result = (__VA_ARGS__);                                     \
    if (!overtake_try_result.ok()) return std::move(overtake_try_result).error(); \
    ::overtake::internal::take_value(std::move(overtake_try_result));             \
  })
