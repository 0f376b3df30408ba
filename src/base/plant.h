// Planted bugs: known bugs of real systems, put back into the code on purpose, so that tests and checkers can show that
// they would have caught them. A site is one condition:
//
//   if (message.ballot != ballot() && !CONCLAVE_PLANT(older_acceptance_counted)) return;
//
// In an ordinary build CONCLAVE_PLANT is `false` and nothing of a planted bug is compiled. Only the twins of some
// sources are compiled with CONCLAVE_PLANTS (cmake/plants.cmake); there a bug is dormant until it is selected at run
// time (base/plant/catalogue.h). docs/planted-bugs.md is the list.
//
// Only sources (.cc) that their conclave_module names under PLANTED may include this header, and no header may:
// then every header, and every other object file, is the same in both builds. tools/check_plants.py holds that.
#pragma once

#ifdef CONCLAVE_PLANTS
#include "base/plant/catalogue.h"
#define CONCLAVE_PLANT(name) (::conclave::plant::fires(::conclave::plant::Plant::name))
#else
#define CONCLAVE_PLANT(name) (false)
#endif
