/* Which limits of its own control group a half in a sandbox sees hit. Outside nobody knows for sure: the group goes with the
   sandbox, and an engine tells of memory at most, and only for as long as it has not removed what it tells of. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"

enum {
  LONGEST = 4096,
  MARGIN = 64 * 1024, /* several pages at once may be refused a little below a limit */
};

/* Of the group this process is in; empty: there is none to be seen here. */
static struct {
  char kills[LONGEST]; /* says how many were killed for want of memory, whoever lacked it */
  char own[LONGEST];   /* version 2: how often this very group's limit was in the way */
  char failures[LONGEST], peak[LONGEST], limit[LONGEST]; /* version 1; some kernels do not count where swap is limited too */
  char pids[LONGEST];
} files;

static bool listed(const char *list, const char *word) {
  size_t length = strlen(word);
  for (const char *at = list; *at != 0; at += strcspn(at, ","), at += *at != 0)
    if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == 0)) return true;
  return false;
}

/* Its path as the kernel names it, `ID:CONTROLLERS:PATH`; in version 2 without controllers, here NULL. */
static bool group_of(const char *controller, char path[LONGEST]) {
  static char line[LONGEST];
  FILE *file = fopen("/proc/self/cgroup", "re");
  bool found = false;
  while (file != NULL && !found && fgets(line, sizeof line, file) != NULL) {
    char *list = strchr(line, ':'), *at = list == NULL ? NULL : strchr(list + 1, ':');
    if (at == NULL) continue;
    *at++ = 0;
    at[strcspn(at, "\n")] = 0;
    found = controller == NULL ? list[1] == 0 : listed(list + 1, controller);
    if (found) strcpy(path, at);
  }
  if (file != NULL) (void)fclose(file);
  return found;
}

/* The rest of a group's path where its hierarchy is mounted from `root` on; NULL: it lies elsewhere, and what is seen there
   are others' groups. */
static const char *below(const char *root, const char *path) {
  size_t length = strcmp(root, "/") == 0 ? 0 : strlen(root);
  if (strncmp(path, root, length) != 0 || (path[length] != '/' && path[length] != 0)) return NULL;
  return strcmp(path + length, "/") == 0 ? "" : path + length;
}

static void find(const char *root, const char *point, const char *controller, const char *name, char into[LONGEST]) {
  static char group[LONGEST], path[3 * LONGEST];
  if (into[0] != 0 || !group_of(controller, group)) return;
  const char *rest = below(root, group);
  if (rest == NULL) return;
  int length = snprintf(path, sizeof path, "%s%s/%s", point, rest, name);
  if (length > 0 && length < LONGEST && access(path, R_OK) == 0) strcpy(into, path);
}

/* A line is `… … … ROOT POINT … - TYPE … OPTIONS`. */
static void look_at_mount(const char *line) {
  static char root[LONGEST], point[LONGEST], options[LONGEST];
  char type[16];
  const char *rest = strstr(line, " - ");
  if (rest == NULL || sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2) return;
  if (sscanf(rest, " - %15s %*s %4095s", type, options) != 2) return;
  if (strcmp(type, "cgroup2") == 0) {
    find(root, point, NULL, "memory.events", files.kills);
    find(root, point, NULL, "memory.events.local", files.own);
    find(root, point, NULL, "pids.events", files.pids);
  }
  if (strcmp(type, "cgroup") == 0 && listed(options, "memory")) {
    find(root, point, "memory", "memory.oom_control", files.kills);
    find(root, point, "memory", "memory.failcnt", files.failures);
    find(root, point, "memory", "memory.max_usage_in_bytes", files.peak);
    find(root, point, "memory", "memory.limit_in_bytes", files.limit);
  }
  if (strcmp(type, "cgroup") == 0 && listed(options, "pids")) find(root, point, "pids", "pids.events", files.pids);
}

void hits_open(void) {
  static char line[4 * LONGEST];
  FILE *file = fopen("/proc/self/mountinfo", "re");
  while (file != NULL && fgets(line, sizeof line, file) != NULL) look_at_mount(line);
  if (file != NULL) (void)fclose(file);
}

/* The number after a word, or of the whole file; 0 where there is none. */
static unsigned long long count_in(const char *path, const char *word) {
  char line[128];
  unsigned long long count = 0;
  FILE *file = path[0] == 0 ? NULL : fopen(path, "re");
  size_t length = strlen(word);
  while (file != NULL && count == 0 && fgets(line, sizeof line, file) != NULL)
    if (strncmp(line, word, length) == 0 && (length == 0 || line[length] == ' ')) count = strtoull(line + length, NULL, 10);
  if (file != NULL) (void)fclose(file);
  return count;
}

uint8_t hits_seen(void) {
  unsigned long long limit = count_in(files.limit, "");
  bool own = count_in(files.own, "oom") > 0 || count_in(files.failures, "") > 0 ||
             (limit > 0 && count_in(files.peak, "") + MARGIN >= limit);
  /* Killed for a limit of its own, and not since the whole machine had no memory left. */
  bool memory = own && count_in(files.kills, "oom_kill") > 0;
  return (uint8_t)((memory ? HIT_MEMORY : 0) | (count_in(files.pids, "max") > 0 ? HIT_PIDS : 0));
}
