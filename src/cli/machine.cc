#include "cli/machine.h"

#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

#include "base/file.h"

namespace overtake {
namespace {

std::string read_text(const std::string& path) {
  const Result<std::string> text = read_file(path, 16 << 20);
  return text.ok() ? *text : "";
}

// The rest of the first line that begins with `key` and has a colon, without blanks around it.
std::string field(const std::string& text, std::string_view key) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (!line.starts_with(key) || colon == line.npos) continue;
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    return begin == line.npos ? "" : line.substr(begin);
  }
  return "";
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

uint64_t kilobytes(const std::string& meminfo, std::string_view key) {
  return number(field(meminfo, key)).value_or(0) * 1024;
}

std::vector<std::string> known_features(const std::string& cpuinfo) {
  static constexpr std::string_view wanted[] = {
      "avx2",        "fma",         "f16c",     "avx_vnni", "avx512f",
      "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16"};
  std::istringstream words(field(cpuinfo, "flags"));
  std::vector<std::string> found;
  for (std::string word; words >> word;) {
    if (std::ranges::find(wanted, word) != std::end(wanted)) found.push_back(word);
  }
  return found;
}

// The folder of this process's control group, version 2.
std::string control_group(const std::string& root) {
  const std::string text = read_text(root + "/proc/self/cgroup");
  const size_t line = text.find("0::");
  if (line == text.npos) return root + "/sys/fs/cgroup";
  const std::string path = text.substr(line + 3, text.find('\n', line) - line - 3);
  return root + "/sys/fs/cgroup" + (path == "/" ? "" : path);
}

void read_limits(const std::string& root, Machine& machine) {
  const std::string group = control_group(root);
  std::istringstream cpu(read_text(group + "/cpu.max"));  // "200000 100000" or "max 100000"
  double quota = 0, period = 0;
  if (cpu >> quota >> period && period > 0) machine.core_quota = quota / period;
  machine.memory_limit_bytes = number(read_text(group + "/memory.max"));
  if (!machine.memory_limit_bytes) return;
  const uint64_t used = number(read_text(group + "/memory.current")).value_or(0);
  const uint64_t left = *machine.memory_limit_bytes - std::min(used, *machine.memory_limit_bytes);
  machine.available_memory_bytes = std::min(machine.available_memory_bytes, left);
}

}  // namespace

Machine read_machine(const std::string& root) {
  Machine machine;
  const std::string cpuinfo = read_text(root + "/proc/cpuinfo");
  machine.processor = field(cpuinfo, "model name");
  machine.features = known_features(cpuinfo);
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) machine.n_cores = CPU_COUNT(&set);
  const std::string meminfo = read_text(root + "/proc/meminfo");
  machine.memory_bytes = kilobytes(meminfo, "MemTotal");
  machine.available_memory_bytes = kilobytes(meminfo, "MemAvailable");
  read_limits(root, machine);
  return machine;
}

ProcessMemory read_process_memory(const std::string& root) {
  const std::string status = read_text(root + "/proc/self/status");
  return {kilobytes(status, "VmRSS"), kilobytes(status, "VmHWM")};
}

std::optional<uint64_t> free_disk_bytes(std::string_view path) {
  std::error_code error;
  std::filesystem::path folder = std::filesystem::absolute(path, error);
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  return error ? std::nullopt : std::optional<uint64_t>(space.available);
}

bool port_is_free(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;  // as a server does: connections that linger do not count
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

}  // namespace overtake
