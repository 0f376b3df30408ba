// The planted bugs and which of them is on. Linked into planted programs and its own test only.
//
// At most one bug is selected, for the whole process: by the environment variable CONCLAVE_PLANT at the start (the
// process then says at its end how often it fired), or by select(). Select before the code that contains it
// runs; sites may be reached on the threads of os/ too.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace conclave::plant {

// X(name, bug in docs/requirements/bugs.md or "", source, what is wrong, what should catch it), by source
#define CONCLAVE_PLANTED_BUGS(X)                                                                                       \
  X(check_quorum_left_out, "B12", "consensus/paxos/mastership.cc", "a master that hears no quorum never steps down",   \
    "a quorum behind every master")                                                                                    \
  X(lease_not_checked, "B24", "consensus/paxos/mastership.cc", "a read barrier is granted although the lease is over", \
    "linearizability")                                                                                                 \
  X(older_acceptance_counted, "B20", "consensus/paxos/mastership.cc",                                                  \
    "an acceptance under an older ballot counts for the newer one", "log agreement")                                   \
  X(read_round_reused, "B23", "consensus/paxos/mastership.cc",                                                         \
    "a read is confirmed by the round that was sent before it was asked (leases off)", "linearizability")              \
  X(serves_before_synchronised, "B25", "consensus/paxos/mastership.cc",                                                \
    "a new master serves before what was proposed earlier is committed", "linearizability")                            \
  X(damaged_replica_votes, "B37", "consensus/paxos/multi_paxos.cc",                                                    \
    "a replica with unreadable positions votes as if it had held nothing there", "log agreement")                      \
  X(lost_disk_promises, "B38", "consensus/paxos/multi_paxos.cc",                                                       \
    "a replica that has lost its disk promises as if it had never promised anything", "log agreement")                 \
  X(promise_not_persisted, "B01", "consensus/paxos/multi_paxos.cc", "a promise is sent and never written down",        \
    "log agreement")                                                                                                   \
  X(accepted_before_durable, "B39", "consensus/paxos/follower.cc",                                                     \
    "an acceptance is acknowledged before it is on disk", "durability")                                                \
  X(first_promise_wins, "", "consensus/paxos/promise_set.cc",                                                          \
    "phase 1 takes the proposal told first, not the highest-numbered (PX-09)", "log agreement")                        \
  X(rounds_shared, "", "consensus/paxos/campaign.cc", "two masters may have the same epoch (E5)",                      \
    "one master an epoch")                                                                                             \
  X(appended_before_durable, "B39", "consensus/raft/follower.cc", "an entry is acknowledged before it is on disk",     \
    "durability")                                                                                                      \
  X(older_terms_counted, "", "consensus/raft/leadership.cc",                                                           \
    "copies of an entry of an older term commit it (figure 8)", "log agreement")                                       \
  X(leader_lease_not_checked, "B24", "consensus/raft/leadership.cc",                                                   \
    "a leader grants a read although its lease is over", "linearizability")                                            \
  X(vote_not_persisted, "B03", "consensus/raft/raft.cc", "a vote is given and never written down",                     \
    "one master an epoch")                                                                                             \
  X(votes_in_spite_of_loss, "B37", "consensus/raft/raft.cc",                                                           \
    "a server that lost entries votes as if it had never held them", "log agreement")                                  \
  X(stale_log_elected, "", "consensus/raft/raft.cc",                                                                   \
    "a candidate gets votes of servers whose logs are ahead of its own", "log agreement")                              \
  X(directory_not_synced, "B30", "storage/segment_pool.cc", "a new segment's directory entry is not made durable",     \
    "durability")                                                                                                      \
  X(failed_sync_retried, "B36", "storage/journal_disk.cc", "a failed sync is tried again and believed", "durability")  \
  X(journal_not_synced, "B26", "storage/journal_disk.cc", "a write is acknowledged before the journal is synced",      \
    "durability")                                                                                                      \
  X(damage_cuts_the_journal, "B37", "storage/journal_scan.cc",                                                         \
    "damage in the middle of the journal is taken for a torn tail", "memory over restarts")                            \
  X(damage_forgotten, "B37", "storage/journal_recovery.cc",                                                            \
    "an unreadable entry is left out instead of known to exist", "memory over restarts")                               \
  X(primary_order_ignored, "", "state/service/service.cc",                                                             \
    "a fact applies although its predecessor was lost with its master (S2)", "log order")                              \
  X(snapshot_not_frozen, "B45", "state/service/core.cc", "a snapshot holds changes made after it began", "digest")     \
  X(ephemeral_left_behind, "B46", "state/service/applier.cc", "the last ephemeral of a closed session stays",          \
    "sessions")                                                                                                        \
  X(local_dependence, "B51", "state/service/applier.cc",                                                               \
    "what a replica applies depends on whether it takes a snapshot", "digest")                                         \
  X(evaluated_on_applied_state, "", "state/service/overlay.cc",                                                        \
    "a request is evaluated without the facts under way before it", "linearizability")                                 \
  X(stale_version_accepted, "", "state/service/planner.cc",                                                            \
    "the version before the current one passes as the current", "linearizability")                                     \
  X(moved_session_served, "", "state/service/evaluator.cc",                                                            \
    "a request takes effect although its session has gone on at another replica (S4)", "session order")                \
  X(sent_before_durable, "B39", "replica/driver.cc", "what waits for the disk is sent at once (D1)", "durability")     \
  X(resubmitted_too_early, "", "replica/forwarder.cc",                                                                 \
    "requests go to the next master before it is sure that the former one's facts are lost (F2)", "linearizability")   \
  X(lost_refusal_asked_again, "", "replica/forwarder.cc",                                                              \
    "a refusal lost with its master is evaluated again after a later request (F4)", "session order")                   \
  X(refusal_not_confirmed, "", "replica/proposer.cc",                                                                  \
    "a deposed master that does not know it refuses by an old state (M4)", "linearizability")                          \
  X(former_stream_taken, "", "replica/proposer.cc",                                                                    \
    "requests of a replica's former process are taken again when they arrive late (M1)", "linearizability")            \
  X(answers_kept_for_ever, "", "replica/proposer.cc", "the master keeps every answer until its mastership ends",       \
    "resources")                                                                                                       \
  X(leases_shortened_by_new_master, "B48", "replica/proposer.cc",                                                      \
    "a new master gives sessions no time to be heard of", "sessions")                                                  \
  X(sync_does_not_wait, "B23", "replica/proposer.cc", "a sync completes before its replica has applied so far",        \
    "linearizability")                                                                                                 \
  X(touches_not_sent, "B47", "replica/replica.cc", "reads and pings at a follower keep no session alive", "sessions")  \
  X(reply_before_event, "B49", "replica/replica.cc", "a watch event follows the reply that shows the change (ZK-07)",  \
    "watches")                                                                                                         \
  X(client_ahead_admitted, "", "frontend/zookeeper/connection.cc",                                                     \
    "a client may go to a replica that is behind what it has seen (single system image)", "session order")             \
  X(reply_overtakes, "B50", "frontend/zookeeper/pipeline.cc", "a read is answered before the write ahead of it",       \
    "client protocol")                                                                                                 \
  X(watch_lost_when_busy, "B49", "frontend/zookeeper/pipeline.cc",                                                     \
    "a watch is not set if more requests wait behind it", "watches")                                                   \
  X(missed_event_not_told, "B49", "frontend/zookeeper/reads.cc",                                                       \
    "a change made while the client was between replicas is not told", "watches")                                      \
  X(watches_not_set_again, "B49", "client/client.cc", "the client does not tell the next replica of its watches",      \
    "watches")                                                                                                         \
  X(call_done_again, "", "state/service/evaluator.cc", "a numbered call is done as often as it is sent (S6)", "calls") \
  X(caches_not_waited_for, "", "frontend/chubby/master.cc",                                                            \
    "a change is made before caches have dropped what it changes (CH-57)", "files")                                    \
  X(fail_over_not_waited_for, "", "frontend/chubby/master.cc",                                                         \
    "a new master changes what clients of the former one may have cached (H3)", "files")                               \
  X(jeopardy_not_noticed, "", "client/chubby/session.cc", "a client goes on as if its lease had not ended (CH-71)",    \
    "files")                                                                                                           \
  X(overtaken_reply_cached, "", "client/chubby/session_messages.cc",                                                   \
    "a reply that an invalidation has overtaken is cached", "files")

#define CONCLAVE_PLANT_NAME(name, ...) name,
enum class Plant : uint8_t { CONCLAVE_PLANTED_BUGS(CONCLAVE_PLANT_NAME) };
#undef CONCLAVE_PLANT_NAME

struct PlantedBug {
  Plant plant;
  std::string_view name;
  std::string_view bug;  // of the catalogue of bugs; empty: ours alone
  std::string_view source;
  std::string_view what;
  std::string_view caught_by;  // the kind of check that should notice
};

std::span<const PlantedBug> all();

// Switches this bug on and every other off; nothing: all off. False: there is none of that name, and nothing changed.
bool select(std::optional<std::string_view> name);
const PlantedBug* selected();  // nullptr: none

// Whether `plant` is selected; counts those calls. For CONCLAVE_PLANT.
bool fires(Plant plant);
// How often the selected bug changed what the code did, since it was selected. A run in which it is 0 has shown
// nothing.
uint64_t fired();

}  // namespace conclave::plant
