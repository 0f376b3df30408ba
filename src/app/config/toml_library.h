// toml++ as version 3.3 of Debian needs it. Include this, never the library itself. Two of its macros are replaced:
//   TOML_UNREACHABLE    in its tables of letters, which any text leads to: U+00A1 outside of a string, for instance.
//   TOML_ASSERT_ASSUME  which a text can make false ("[=]") although the code after it copes and reports an error; as
//   an
//                       assertion it would end the process, as an assumption it is undefined behaviour.
#pragma once

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0

// clang-format off: the order matters
#include <toml++/impl/preprocessor.h>
#undef TOML_ASSERT_ASSUME
#define TOML_ASSERT_ASSUME(...) static_assert(true)

#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/forward_declarations.h>
#include <toml++/impl/unicode.h>
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE __builtin_unreachable()

#include <toml++/toml.h>
// clang-format on
