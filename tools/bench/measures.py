"""What is measured. To add a measure, add an entry to MEASURES; a probe is needed only where the generator's own figures
are not what is wanted.

A measure is taken in rounds, one run of each system a round. Its runs share running ensembles, unless it is `fresh`: then each
run gets a new one of its system alone.
"""
import dataclasses
from typing import Callable

from systems import wait_for_nodes


@dataclasses.dataclass(frozen=True)
class Measure:
    title: str
    arguments: tuple = ()             # of the load generator
    etcd_arguments: tuple = ()        # further ones for etcd's
    figure: str = "ops_per_s"         # what of a run's figures is the measure
    unit: str = "/s"
    scale: float = 1.0                # a figure is divided by it
    smaller_is_better: bool = False
    details: tuple = ("cpu", "p99")   # rows below it, of DETAILS
    systems: tuple = ("conclave", "zookeeper", "etcd", "roofline")  # those that can be asked
    seconds_max: float = 60           # a run is not longer: some measures fill the memory
    fresh: bool = False
    rounds: int = 0                   # 0: as many as asked for
    floor: float = 1.0                # so many times better than ZooKeeper, or the benchmark fails
    probe: Callable = None            # (system, measure, settings) -> figures; default: one run of the generator


@dataclasses.dataclass(frozen=True)
class Detail:
    title: str
    figure: str
    unit: str
    digits: int


DETAILS = {
    "cpu": Detail("CPU per operation, all servers", "servers_cpu_us_per_op", "us", 1),
    "p50": Detail("p50", "p50_us", "us", 0),
    "p99": Detail("p99", "p99_us", "us", 0),
}


def load(workload, connections=64, outstanding=16, *more):
    return ("--workload", workload, "--connections", str(connections), "--outstanding", str(outstanding), *more)


def figures_of(system, measure, settings):
    """One run of the generator."""
    arguments = measure.arguments + (measure.etcd_arguments if system.protocol == "etcd" else ())
    seconds = min(settings.seconds, measure.seconds_max)
    return system.load(arguments, seconds, settings.warmup)


def memory_of(system, measure, settings):
    """Resident memory of a median server with so many nodes of 100 B."""
    run = system.load(load("create", 64, 16, "--size", "100", "--ops", str(settings.nodes)), 1, 0)
    wait_for_nodes(system, settings.nodes)
    return {"resident_kib": system.memory_kib(), "foreign_cores": 0.0, "load": run}


LOCAL_READS = ("--serializable",)  # what a read of ZooKeeper and Conclave promises

MEASURES = {
    "write": Measure("1 KiB writes, 64 x 16", load("write")),
    "write100": Measure("100 B writes, 64 x 16", load("write", 64, 16, "--size", "100")),
    "latency": Measure("1 KiB write p50, 1 x 1", load("write", 1, 1), figure="p50_us", unit=" us", smaller_is_better=True),
    "write16": Measure("1 KiB writes, 16 x 1", load("write", 16, 1), details=("cpu", "p50", "p99")),
    "read": Measure("1 KiB reads, 64 x 16", load("read"), LOCAL_READS),
    "readlatency": Measure("1 KiB reads, 1 x 1", load("read", 1, 1), LOCAL_READS, details=("cpu", "p50", "p99")),
    "mixed": Measure("mixed 2:1 read:write, 64 x 16", load("mixed"), LOCAL_READS),
    "create": Measure("1 KiB creates, 64 x 16", load("create"), seconds_max=1.5),
    "memory": Measure("memory, {nodes:,} nodes of 100 B", figure="resident_kib", unit=" MiB", scale=1024, smaller_is_better=True,
                      details=(), systems=("conclave", "zookeeper", "etcd"), fresh=True, rounds=1, floor=3.0,
                      probe=memory_of),
}
