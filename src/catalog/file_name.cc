#include "catalog/file_name.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace overtake {
namespace {

constexpr size_t kMaxNameBytes = 200;  // file systems allow 255; ours add an ending

std::string_view complaint(std::string_view name) {
  if (name.empty()) return "empty";
  if (name.size() > kMaxNameBytes) return "too long";
  if (name.front() == '.') return "hidden, or a way out of the folder";
  if (name.front() == '-') return "looks like an option";
  if (name.front() == ' ' || name.back() == ' ' || name.back() == '.') {
    return "begins or ends in a blank, or ends in a dot";
  }
  for (const unsigned char c : name) {
    if (c == '/' || c == '\\') return "has a separator";
    if (c < ' ' || c == 127) return "has a control character";
    // Names of models are ASCII; other letters have several spellings that file systems mix up.
    if (c > 127) return "has a character that is not ASCII";
    if (std::string_view("<>:\"|?*~`$&;'%!#").find(static_cast<char>(c)) !=
        std::string_view::npos) {
      return "has a character with a meaning of its own";
    }
  }
  return {};
}

// Names that Windows takes for devices, with any ending.
bool is_device(std::string_view folded) {
  static constexpr std::array devices = {"con", "prn", "aux", "nul", "conin", "conout", "clock"};
  std::string_view stem = folded.substr(0, folded.find('.'));
  while (stem.ends_with(' ')) stem.remove_suffix(1);
  if (std::ranges::find(devices, stem) != devices.end()) return true;
  return stem.size() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) &&
         stem[3] >= '0' && stem[3] <= '9';
}

}  // namespace

std::string folded_file_name(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return out;
}

Status check_file_name(std::string_view name) {
  std::string_view why = complaint(name);
  const std::string folded = folded_file_name(name);
  if (why.empty() && is_device(folded)) why = "reserved by some systems";
  // What pull itself keeps in the folder.
  if (why.empty() && (folded.ends_with(".part") || folded == "overtake-pull.json")) {
    why = "reserved by Overtake";
  }
  if (why.empty()) return {};
  return Error{ErrorCode::kPermissionDenied,
               fmt::format("a file name that is refused ({}); \"{}\"; nothing was written: do not "
                           "trust this source",
                           why, escaped(name))};
}

bool is_pickle_name(std::string_view name) {
  const std::string folded = folded_file_name(name);
  static constexpr std::array endings = {".bin",  ".pth", ".pt",     ".pkl", ".pickle",
                                         ".ckpt", ".pt2", ".joblib", ".npy", ".npz"};
  return std::ranges::any_of(endings, [&](const char* end) { return folded.ends_with(end); });
}

std::string model_name_from(std::string_view text) {
  std::string out;
  for (const char c : folded_file_name(text)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (letter || ((c == '.' || c == '_') && !out.empty())) {
      out += c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
    if (out.size() == 100) break;
  }
  while (!out.empty() && (out.back() == '-' || out.back() == '.')) out.pop_back();
  return out;
}

}  // namespace overtake
