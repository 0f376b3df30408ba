#include "app/config/zoo_keys.h"

#include "app/config/scalars.h"

namespace conclave::app {
namespace {

struct IgnoredKey {
  std::string_view key;  // ending in an asterisk: a prefix
  std::string_view reason;
};

constexpr std::string_view kElection = "the engine elects by its own time-outs (consensus.*)";
constexpr std::string_view kThreads = "there is one loop thread and no queue between threads to tune";
constexpr std::string_view kThrottle = "overload is met by back-pressure on each connection";
constexpr std::string_view kSnapshots = "snapshots are taken and removed as storage.* says";
constexpr std::string_view kLearner = "replicas speak Conclave's own protocol to each other";
constexpr std::string_view kJvm = "there is no Java virtual machine";
constexpr std::string_view kAdmin = "there is no HTTP server; use the four-letter words or `conclave status`";
constexpr std::string_view kSasl = "SASL is not offered";
constexpr std::string_view kTls = "TLS is not offered";
constexpr std::string_view kVotes = "every voter has one vote: groups and weights do not change quorums";

constexpr IgnoredKey kIgnored[] = {
    {"electionAlg", kElection},
    {"electionPortBindRetry", kElection},
    {"cnxTimeout", kElection},
    {"quorumCnxnTimeoutMs", kElection},
    {"fastleader.*", kElection},
    {"leader.*", kLearner},
    {"learner.*", kLearner},
    {"follower.*", kLearner},
    {"observer.*", kLearner},
    {"observerMaster*", kLearner},
    {"syncEnabled", "an observer always keeps a journal"},
    {"leaderServes", "the master serves clients as every replica does"},
    {"leaderConnectDelayDuringRetryMs", kElection},
    {"connectToLearnerMasterLimit", kLearner},
    {"multiAddress.*", "several addresses of a replica are always accepted"},
    {"standaloneEnabled", "a cell of one replica is a cell like any other"},
    {"autopurge.purgeInterval", "old snapshots are removed after each new one"},
    {"snapshot.*", kSnapshots},
    {"snapshotSizeFactor", kSnapshots},
    {"forceSnapshotSync", kSnapshots},
    {"db.autocreate", "a replica without data learns it from its peers"},
    {"forceSync", "every write is synced before it is acknowledged"},
    {"flushDelay", "the journal groups writes by itself"},
    {"maxWriteQueuePollTime", "the journal groups writes by itself"},
    {"maxBatchSize", "the journal groups writes by itself"},
    {"commitProcessor.*", kThreads},
    {"nio.*", kThreads},
    {"netty.*", kThreads},
    {"watcherClean*", kThreads},
    {"maxInProcessingDeadWatchers", kThreads},
    {"bitHashCacheSize", kThreads},
    {"watchManagerName", "there is one watch table"},
    {"maxResponseCacheSize", "replies are not cached"},
    {"maxGetChildrenResponseCacheSize", "replies are not cached"},
    {"intBufferStartingSizeBytes", "buffers grow as needed"},
    {"connection_throttle_*", kThrottle},
    {"request_*", kThrottle},
    {"throttled_op_wait_time", kThrottle},
    {"largeRequest*", kThrottle},
    {"forward_learner_requests_to_commit_processor_disabled", kThreads},
    {"request.timeout", "use replica.patience_ms"},
    {"clientPortListenBacklog", "the backlog is the system's maximum"},
    {"tcpKeepAlive", "dead peers are found by heartbeats"},
    {"serverCnxnFactory", kThreads},
    {"admin.*", kAdmin},
    {"metricsProvider.*", "figures are given by the four-letter word mntr"},
    {"jvm.*", kJvm},
    {"jmx.*", kJvm},
    {"audit.*", "there is no audit log"},
    {"pathStats.*", "there are no statistics per path"},
    {"messageTracker.*", kLearner},
    {"digest.enabled", "the state is always digested"},
    {"closeSessionTxn.enabled", "closing a session is always one transaction"},
    {"emulate353TTLNodes", "nodes with a time to live are encoded in one way"},
    {"znode.container.maxNeverUsedIntervalMs", "a container that never had a child stays"},
    {"enableEagerACLCheck", "the master checks permissions, before anything is logged"},
    {"kerberos.*", kSasl},
    {"sasl.*", kSasl},
    {"security.*", kSasl},
    {"kinit", kSasl},
    {"requireKerberosConfig", kSasl},
    {"allowSaslFailedClients", kSasl},
    {"letAnySaslUserDoX", kSasl},
    {"superUser", kSasl},
    {"SASLAuthenticationProvider.*", kSasl},
    {"quorum.auth.*", kSasl},
    {"quorum.cnxn.*", kThreads},
    {"ssl.*", kTls},
    {"sslQuorumReloadCertFiles", kTls},
    {"X509AuthenticationProvider.*", kTls},
    {"config.expiry.*", kTls},
    {"ensembleAuthName", "the ensemble scheme is not offered"},
    {"authProvider.*", "providers are Java classes; world, auth, digest, ip and super are built in"},
    {"group.*", kVotes},
    {"weight.*", kVotes},
    {"oraclePath", kVotes},
    {"version", "a version of the membership is part of the log"},
    {"peerType", "the role is read from the list of servers"},
    {"testingonly.*", "it is for ZooKeeper's own tests"},
};

// Keys whose value asks for a protection: ignoring them would leave a door open that the operator believes shut.
constexpr std::string_view kRefusedWhenTrue[] = {
    "sslQuorum",
    "quorum.auth.enableSasl",
    "quorum.auth.learnerRequireSasl",
    "quorum.auth.serverRequireSasl",
    "sessionRequireClientSASLAuth",
    "enforce.auth.enabled",
};
constexpr std::string_view kNotProtected[] = {"secureClientPort", "secureClientPortAddress"};
constexpr std::string_view kTlsOptional[] = {"portUnification", "client.portUnification"};

bool matches(std::string_view pattern, std::string_view key) {
  if (pattern.ends_with('*')) return key.starts_with(pattern.substr(0, pattern.size() - 1));
  return key == pattern;
}

template <size_t N>
bool contains(const std::string_view (&keys)[N], std::string_view key) {
  for (const std::string_view candidate : keys) {
    if (candidate == key) return true;
  }
  return false;
}

}  // namespace

ZooKeyAnswer answer_zoo_key(std::string_view key, std::string_view value) {
  if (contains(kNotProtected, key)) {
    return {ZooKeyVerdict::refused, "TLS is not offered; without this key clients are served on clientPort only"};
  }
  const bool on = parse_boolean(value).value_or(true);
  if (contains(kRefusedWhenTrue, key)) {
    if (on) return {ZooKeyVerdict::refused, "this protection is not offered; set it to false to run without it"};
    return {ZooKeyVerdict::ignored, "it is off in any case"};
  }
  if (contains(kTlsOptional, key)) return {ZooKeyVerdict::ignored, kTls};
  for (const IgnoredKey& ignored : kIgnored) {
    if (matches(ignored.key, key)) return {ZooKeyVerdict::ignored, ignored.reason};
  }
  return {ZooKeyVerdict::unknown, "no setting of this name is known"};
}

}  // namespace conclave::app
