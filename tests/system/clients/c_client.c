/* The C client (libzookeeper_mt) against a cell: HOSTS as the argument, the protocol of clients_test.py on stdin and stdout. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

enum { kWaitMs = 30000, kPollMs = 10, kPipelined = 1000, kPathMax = 128 };

static volatile int connected, events_seen, replies, wrong;
static volatile int last_type;
static char last_path[kPathMax];

#define CHECK(condition, what)                                                   \
  do {                                                                           \
    if (!(condition)) {                                                          \
      printf("FAILED line %d: %s: %s\n", __LINE__, what, #condition);            \
      exit(1);                                                                   \
    }                                                                            \
  } while (0)

#define UNTIL(condition, what)                                                   \
  do {                                                                           \
    for (int waited = 0; !(condition); waited += kPollMs) {                      \
      CHECK(waited < kWaitMs, "in time: " what);                                 \
      usleep(kPollMs * 1000);                                                    \
    }                                                                            \
  } while (0)

static void ok(const char* name) {
  printf("ok %s\n", name);
  fflush(stdout);
}

static void session_watch(zhandle_t* zk, int type, int state, const char* path, void* context) {
  (void)zk, (void)path, (void)context;
  if (type == ZOO_SESSION_EVENT) connected = state == ZOO_CONNECTED_STATE ? 1 : state == ZOO_EXPIRED_SESSION_STATE ? -1 : 0;
}

static void node_watch(zhandle_t* zk, int type, int state, const char* path, void* context) {
  (void)zk, (void)state, (void)context;
  if (type == ZOO_SESSION_EVENT) return;
  snprintf(last_path, sizeof last_path, "%s", path);
  last_type = type;
  __sync_fetch_and_add(&events_seen, 1);
}

static void created(int code, const char* path, const void* data) {
  char expected[kPathMax];
  snprintf(expected, sizeof expected, "/async/%05d", (int)(long)data);
  if (code != ZOK || strcmp(path, expected) != 0 || replies != (int)(long)data) __sync_fetch_and_add(&wrong, 1);
  __sync_fetch_and_add(&replies, 1);
}

static void got(int code, const char* value, int length, const struct Stat* stat, const void* data) {
  (void)stat;
  if (code != ZOK || length != 4 || memcmp(value, "data", 4) != 0 || replies != (int)(long)data) __sync_fetch_and_add(&wrong, 1);
  __sync_fetch_and_add(&replies, 1);
}

static void make(zhandle_t* zk, const char* path, int flags) {
  CHECK(zoo_create(zk, path, "data", 4, &ZOO_OPEN_ACL_UNSAFE, flags, NULL, 0) == ZOK, path);
}

static void reads_and_writes(zhandle_t* zk) {
  char path[kPathMax], value[64];
  int length = sizeof value;
  struct Stat stat;
  struct String_vector names;
  CHECK(zoo_create(zk, "/c", "one", 3, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path) == ZOK && strcmp(path, "/c") == 0, "create");
  CHECK(zoo_create(zk, "/c", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0) == ZNODEEXISTS, "create again");
  CHECK(zoo_get(zk, "/c", 0, value, &length, &stat) == ZOK && length == 3 && memcmp(value, "one", 3) == 0, "get");
  CHECK(zoo_set2(zk, "/c", "two", 3, 0, &stat) == ZOK && stat.version == 1 && stat.mzxid > stat.czxid, "set");
  CHECK(zoo_set(zk, "/c", "no", 2, 0) == ZBADVERSION, "set with an old version");
  CHECK(zoo_create2(zk, "/c/s-", "", 0, &ZOO_OPEN_ACL_UNSAFE, ZOO_SEQUENCE, path, sizeof path, &stat) == ZOK, "create2");
  CHECK(strcmp(path, "/c/s-0000000000") == 0 && stat.version == 0, "the name of a sequential node");
  CHECK(zoo_get_children2(zk, "/c", 0, &names, &stat) == ZOK && names.count == 1 && stat.numChildren == 1, "children");
  CHECK(strcmp(names.data[0], "s-0000000000") == 0, "the name of the child");
  deallocate_String_vector(&names);
  CHECK(zoo_delete(zk, "/c", -1) == ZNOTEMPTY, "delete of a parent");
  CHECK(zoo_delete(zk, path, 0) == ZOK && zoo_exists(zk, path, 0, &stat) == ZNONODE, "delete");
  CHECK(zoo_exists(zk, "/c", 0, &stat) == ZOK && stat.cversion == 2, "exists");
  ok("create, get, set, exists, children, delete and their errors");
}

static void transactions(zhandle_t* zk) {
  zoo_op_t ops[3];
  zoo_op_result_t results[3];
  char path[kPathMax];
  struct Stat stat;
  zoo_create_op_init(&ops[0], "/multi", "1", 1, &ZOO_OPEN_ACL_UNSAFE, 0, path, sizeof path);
  zoo_set_op_init(&ops[1], "/multi", "2", 1, 0, &stat);
  zoo_check_op_init(&ops[2], "/multi", 1);
  CHECK(zoo_multi(zk, 3, ops, results) == ZOK && strcmp(path, "/multi") == 0 && stat.version == 1, "multi");
  zoo_delete_op_init(&ops[0], "/multi", -1);
  zoo_check_op_init(&ops[1], "/none", 0);
  zoo_delete_op_init(&ops[2], "/c", -1);
  CHECK(zoo_multi(zk, 3, ops, results) == ZNONODE, "multi that fails");
  CHECK(results[0].err == ZOK && results[1].err == ZNONODE && results[2].err == ZRUNTIMEINCONSISTENCY, "its results");
  CHECK(zoo_exists(zk, "/multi", 0, &stat) == ZOK, "nothing of it was done");
  ok("multi");
}

static void watches(zhandle_t* zk) {
  struct Stat stat;
  struct String_vector names;
  char value[16];
  int length = sizeof value;
  CHECK(zoo_wget(zk, "/c", node_watch, NULL, value, &length, &stat) == ZOK, "wget");
  CHECK(zoo_set(zk, "/c", "x", 1, -1) == ZOK, "set");
  UNTIL(events_seen == 1, "data event");
  CHECK(last_type == ZOO_CHANGED_EVENT && strcmp(last_path, "/c") == 0, "data event");
  CHECK(zoo_wget_children(zk, "/c", node_watch, NULL, &names) == ZOK, "wget_children");
  deallocate_String_vector(&names);
  make(zk, "/c/child", 0);
  UNTIL(events_seen == 2, "child event");
  CHECK(last_type == ZOO_CHILD_EVENT && strcmp(last_path, "/c") == 0, "child event");
  CHECK(zoo_wexists(zk, "/c/later", node_watch, NULL, &stat) == ZNONODE, "wexists");
  make(zk, "/c/later", 0);
  UNTIL(events_seen == 3, "created event");
  CHECK(last_type == ZOO_CREATED_EVENT && strcmp(last_path, "/c/later") == 0, "created event");
  ok("watches");
}

static void pipelining(zhandle_t* zk) {
  char path[kPathMax];
  make(zk, "/async", 0);
  replies = 0;
  for (long i = 0; i < kPipelined; ++i) {
    snprintf(path, sizeof path, "/async/%05d", (int)i);
    CHECK(zoo_acreate(zk, path, "data", 4, &ZOO_OPEN_ACL_UNSAFE, 0, created, (void*)i) == ZOK, "acreate");
  }
  UNTIL(replies == kPipelined, "replies of creates");
  replies = 0;
  for (long i = 0; i < kPipelined; ++i) {
    snprintf(path, sizeof path, "/async/%05d", (int)i);
    CHECK(zoo_aget(zk, path, 0, got, (void*)i) == ZOK, "aget");
  }
  UNTIL(replies == kPipelined, "replies of gets");
  CHECK(wrong == 0, "every reply is right and in order");
  ok("2000 requests without waiting");
}

static int write_number(zhandle_t* zk, int number) {
  char text[16];
  const int length = snprintf(text, sizeof text, "%d", number);
  return zoo_set(zk, "/c", text, length, -1);
}

int main(int argc, char** argv) {
  CHECK(argc == 2, "HOSTS");
  setvbuf(stdout, NULL, _IOLBF, 0);
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  zoo_deterministic_conn_order(1);
  zhandle_t* zk = zookeeper_init(argv[1], session_watch, 20000, NULL, NULL, 0);
  CHECK(zk != NULL, "init");
  UNTIL(connected == 1, "connected");
  reads_and_writes(zk);
  transactions(zk);
  watches(zk);
  pipelining(zk);

  /* Across the kill: an ephemeral, a watch that the client sets again, writes. */
  struct Stat stat;
  const int64_t session = zoo_client_id(zk)->client_id;
  make(zk, "/ephemeral", ZOO_EPHEMERAL);
  make(zk, "/watched", 0);
  CHECK(zoo_wexists(zk, "/watched", node_watch, NULL, &stat) == ZOK, "watch");
  printf("READY\n");
  int number = 0, lost = 0, code;
  char word[8] = "";
  fd_set input;
  struct timeval none = {0, 0};
  do {
    code = write_number(zk, ++number);
    if (code != ZOK) ++lost, usleep(kPollMs * 1000);
    FD_ZERO(&input);
    FD_SET(0, &input);
    none.tv_sec = none.tv_usec = 0;
  } while (select(1, &input, NULL, NULL, &none) == 0);
  CHECK(fgets(word, sizeof word, stdin) != NULL && strcmp(word, "GO\n") == 0, "the word to go on");
  /* The word may come before the client has noticed the kill: failures count here too. */
  UNTIL((code = write_number(zk, ++number)) == ZOK || (++lost, 0), "a write after the kill");
  CHECK(lost > 0, "the connection was lost in between");
  char value[16];
  int length = sizeof value;
  CHECK(zoo_get(zk, "/c", 0, value, &length, &stat) == ZOK && length > 0, "get");
  value[length] = 0;
  CHECK(atoi(value) == number, "the last acknowledged write is there");
  CHECK(zoo_client_id(zk)->client_id == session, "the same session");
  CHECK(zoo_exists(zk, "/ephemeral", 0, &stat) == ZOK && stat.ephemeralOwner == session, "the ephemeral is kept");
  ok("session, writes and ephemeral survive the kill of the master");
  const int before = events_seen;
  CHECK(before == 3, "no event yet");
  CHECK(zoo_delete(zk, "/watched", -1) == ZOK, "delete");
  UNTIL(events_seen == 4, "event of a watch older than the kill");
  CHECK(last_type == ZOO_DELETED_EVENT && strcmp(last_path, "/watched") == 0, "deleted event");
  ok("a watch survives the kill");
  CHECK(zookeeper_close(zk) == ZOK, "close");
  ok("close");
  return 0;
}
