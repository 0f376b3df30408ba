// What this process and its machine look like from outside, for the four-letter words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace conclave::app {

int64_t file_descriptors_open();
int64_t file_descriptors_max();
// Sum of the sizes of the files directly in the directory; 0 if there is none.
uint64_t directory_bytes(const std::string& directory);
// "key=value", for envi.
std::vector<std::string> environment_lines();

}  // namespace conclave::app
