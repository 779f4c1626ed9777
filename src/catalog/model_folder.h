// One model's folder in the store, open for change: locked, never left, never led astray by links.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace overtake {

// Holds the folder by its descriptor: all names are looked up in it alone, and no link is followed.
// Move-only.
class ModelFolder {
 public:
  // $OVERTAKE_HOME/models/NAME, made where it is not there if `create`, locked: kUnavailable if
  // another process is changing it. kPermissionDenied if a link stands in its place.
  static Result<ModelFolder> open(std::string_view name, bool create);
  ModelFolder(ModelFolder&& other) noexcept;
  ModelFolder& operator=(ModelFolder&&) = delete;
  ~ModelFolder();  // removes the folder again if nothing came into it

  const std::string& path() const { return path_; }
  std::vector<std::string> names() const;
  uint64_t free_bytes() const;  // for this user, on the folder's disk

  // Size of a plain file; nullopt if there is none of this name.
  std::optional<uint64_t> size_of(const std::string& name) const;
  // A descriptor to read or to append to a plain file that no other name shares; the caller closes
  // it. Something else under this name is removed first, never written to.
  Result<int> open_to_write(const std::string& name) const;
  Result<int> open_to_read(const std::string& name) const;
  Status rename(const std::string& from, const std::string& to) const;
  Status remove(const std::string& name) const;  // a file or a link; an absent one is fine
  // Makes renames and removals survive a power cut.
  Status sync() const;
  // Removes every file and the folder itself. What a running program has mapped stays readable to
  // it. kIo if a folder stands within, which is not ours.
  Status remove_all();

 private:
  ModelFolder() = default;
  std::string path_;
  int models_ = -1;  // the folder above
  int folder_ = -1;
  int lock_ = -1;
  std::string name_;
};

}  // namespace overtake
