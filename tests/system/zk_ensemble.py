"""Apache ZooKeeper 3.8.0 as Debian packages it, behind the interface of cell.py: the reference to compare with.

The class path is the one jar, whose manifest names the rest; logging goes to the replica's log by slf4j-simple when that
is installed and nowhere otherwise. Settings are ZooKeeper's defaults (fsync before acknowledgement is one of them).
"""
import pathlib
import shutil

from cell import Ensemble, EnsembleError

JAR = pathlib.Path("/usr/share/java/zookeeper.jar")
LOGGER = pathlib.Path("/usr/share/java/slf4j-simple.jar")


class ZooKeeperEnsemble(Ensemble):
    name = "zookeeper"
    start_deadline_s = 60

    def __init__(self, *args, java_options=(), **kwargs):
        self.java = shutil.which("java")
        if not self.java or not JAR.is_file():
            raise EnsembleError("Apache ZooKeeper is not installed (Debian packages zookeeper and default-jre-headless)")
        self.java_options = list(java_options)
        super().__init__(*args, **kwargs)

    def default_settings(self):
        return super().default_settings() | {"admin.enableServer": "false", "extendedTypesEnabled": "true"}

    def command(self, replica):
        class_path = f"{JAR}:{LOGGER}" if LOGGER.is_file() else str(JAR)
        return [
            self.java,
            "-Dzookeeper.extendedTypesEnabled=true",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dzookeeper.jmx.log4j.disable=true",
            *self.java_options,
            "-cp",
            class_path,
            "org.apache.zookeeper.server.quorum.QuorumPeerMain",
            str(replica.config),
        ]
