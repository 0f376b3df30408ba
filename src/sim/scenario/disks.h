// What a scenario does to the disk of a replica.
//
//   disk N files [PREFIX]            the files and their sizes
//   disk N fail CALLS [with=eio|enospc|lie|misdirect] [file=PREFIX] [nth=K]
//                                    the Kth such call from now (1): create, write, resize, sync, rename, remove,
//                                    sync-directory, make-directory, read, open; several joined by commas; any-change
//                                    for all that change what is stored
//   disk N stall | release           no call ends until then
//   disk N full | roomy              no space, until then
//   disk N slow TIME                 a sync takes so long
//   disk N flip FILE at=OFFSET [bits=MASK]     on the medium; FILE "newest:PREFIX" is the last of that beginning
//   disk N flip FILE text=WORD [bits=MASK]     the first byte of where the word stands last
//   disk N lose PREFIX               of a replica that does not run: the files of that beginning are gone
//   disk N wipe | save | restore     likewise: empty; remembered; as it was remembered
//   disk N well                      no call fails any more
#pragma once

#include <map>

#include "sim/cluster/engine_checks.h"
#include "sim/scenario/stage.h"
#include "sim/world/host.h"

namespace conclave::sim::scenario {

Result<> change_disk(Host& host, Command& command, Output& out, std::map<uint32_t, DiskImage>& saved,
                     EngineChecks& checks);

}  // namespace conclave::sim::scenario
