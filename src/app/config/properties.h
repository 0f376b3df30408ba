// The file format of zoo.cfg: Java properties. One `key=value` (or `key:value`, or `key value`) per line; `#` and `!`
// start a comment line; a backslash at the end continues a line; \t \n \r \f \uXXXX and \<any> are escapes. Keys and
// values are trimmed, as ZooKeeper does. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace conclave::app {

struct Property {
  std::string key;
  std::string value;
  int line = 0;  // of the key, from 1
};

// In the order of the file; a key given twice is there twice. Every text is acceptable to this format.
std::vector<Property> parse_properties(std::string_view text);

}  // namespace conclave::app
