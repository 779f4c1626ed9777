// What this machine offers to this process: processor, memory, and the limits of its container.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace overtake {

struct Machine {
  std::string processor;              // as the kernel names it
  std::vector<std::string> features;  // of those that matter here: "avx2", "amx_int8"
  int n_cores = 0;                    // that this process may run on
  // Cores' worth of time that the control group allows, if it limits them.
  std::optional<double> core_quota;
  uint64_t memory_bytes = 0;                   // of the machine
  uint64_t available_memory_bytes = 0;         // without swapping, within the control group's limit
  std::optional<uint64_t> memory_limit_bytes;  // of the control group
};

// Reads /proc and /sys below `root`; what a kernel does not tell stays empty or 0.
Machine read_machine(const std::string& root = "");

// Of this process, in bytes; 0 where the kernel does not tell.
struct ProcessMemory {
  uint64_t resident = 0;  // now
  uint64_t peak = 0;      // at any time
};
ProcessMemory read_process_memory(const std::string& root = "");

// Free bytes on the disk that holds `path` or its nearest existing parent; nullopt if unknown.
std::optional<uint64_t> free_disk_bytes(std::string_view path);

// Whether a server could listen on this port of 127.0.0.1.
bool port_is_free(uint16_t port);

}  // namespace overtake
