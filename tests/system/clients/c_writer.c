/* The C client (libzookeeper_mt) as one that writes without end: HOSTS as the argument. Creates /c/00000000 and so on, each
 * with its own name as data, one after the other, and prints "ack NAME SECONDS" (monotonic) for every one that it was told
 * of. After a lost connection it asks for the same again: "there already" counts as told. Ends with "end" when standard
 * input does. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zookeeper/zookeeper.h>

enum { kTimeoutMs = 10000, kPauseMs = 10 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int told_to_end(void) {
  struct pollfd in = {.fd = 0, .events = POLLIN};
  char byte;
  return poll(&in, 1, 0) > 0 && read(0, &byte, 1) <= 0;
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  zhandle_t* zk = zookeeper_init(argv[1], NULL, kTimeoutMs, NULL, NULL, 0);
  if (!zk) return 1;
  int made = ZCONNECTIONLOSS;
  while (made != ZOK && made != ZNODEEXISTS && !told_to_end()) {
    made = zoo_create(zk, "/c", "", 0, &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    if (made != ZOK) usleep(kPauseMs * 1000);
  }
  for (unsigned number = 0; !told_to_end();) {
    char name[16], path[32];
    snprintf(name, sizeof name, "%08u", number);
    snprintf(path, sizeof path, "/c/%s", name);
    const int code = zoo_create(zk, path, name, (int)strlen(name), &ZOO_OPEN_ACL_UNSAFE, 0, NULL, 0);
    if (code == ZOK || code == ZNODEEXISTS) {
      printf("ack %s %.6f\n", name, now());
      fflush(stdout);
      ++number;
    } else if (code == ZCONNECTIONLOSS || code == ZOPERATIONTIMEOUT) {
      usleep(kPauseMs * 1000);
    } else {
      printf("FAILED %s: %s\n", path, zerror(code));
      return 1;
    }
    usleep(1000);
  }
  zookeeper_close(zk);
  puts("end");
  return 0;
}
