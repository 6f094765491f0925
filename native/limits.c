/* The control groups of a child: it is put into them before it runs its first instruction, and they help to end it. The
   keeper itself stays outside, so that no limit of the child's ends whoever has to tell of it. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/sched.h>
#include <sys/syscall.h>
#endif

#include "keeper.h"

static int write_in(const char *group, const char *file, const char *text) {
  char path[4200];
  int length = snprintf(path, sizeof path, "%s/%s", group, file);
  if (length < 0 || (size_t)length >= sizeof path) return ENAMETOOLONG;
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  ssize_t wrote;
  do wrote = write(fd, text, strlen(text));
  while (wrote < 0 && errno == EINTR);
  int failure = wrote < 0 ? errno : 0;
  close(fd);
  return failure;
}

bool groups_keep(struct groups *groups, const char *path) {
  if (path[0] != '/' || groups->count == MAX_GROUPS) return false;
  char *copy = strdup(path); /* the rest of the spec is given back once the child runs */
  if (copy == NULL) return false;
  groups->paths[groups->count++] = copy;
  return true;
}

/* To be born in a group costs nothing; to be moved into one makes the kernel wait for all processors, some 15 ms. Only
   version 2 can do it, and a version 2 group is the only one there is then. Answers -1 with errno where it cannot. */
static pid_t fork_into(const char *group) {
#if defined(__linux__) && defined(SYS_clone3) && defined(CLONE_INTO_CGROUP) && !defined(HEARTH_SANITIZE)
  char path[4200];
  int length = snprintf(path, sizeof path, "%s/cgroup.type", group);
  if (length < 0 || (size_t)length >= sizeof path || access(path, F_OK) != 0) return errno = ENOENT, -1;
  int directory = open(group, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return -1;
  struct clone_args arguments = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned)directory};
  pid_t pid = (pid_t)syscall(SYS_clone3, &arguments, sizeof arguments);
  int failure = errno;
  close(directory);
  errno = failure;
  return pid;
#else
  (void)group;
  return errno = ENOSYS, -1;
#endif
}

pid_t groups_fork(const struct groups *groups) {
  for (unsigned i = 0; i < groups->count; i++) {
    pid_t pid = fork_into(groups->paths[i]);
    if (pid >= 0) return pid;
  }
  return fork();
}

/* A move is dear, also one from a group to itself. */
static bool is_member(const char *group, const char *pid) {
  char path[4200], members[64];
  int length = snprintf(path, sizeof path, "%s/cgroup.procs", group);
  int fd = length < 0 || (size_t)length >= sizeof path ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t got = read(fd, members, sizeof members - 1); /* a group just made: the child is its only member */
  close(fd);
  if (got <= 0) return false;
  members[got] = 0;
  size_t digits = strlen(pid);
  return strncmp(members, pid, digits) == 0 && (members[digits] == '\n' || members[digits] == 0);
}

int groups_join(const struct groups *groups, pid_t pid) {
  char text[24];
  int failure = 0;
  snprintf(text, sizeof text, "%d", (int)pid);
  for (unsigned i = 0; i < groups->count; i++) {
    int one = is_member(groups->paths[i], text) ? 0 : write_in(groups->paths[i], "cgroup.procs", text);
    if (failure == 0) failure = one;
  }
  return failure;
}

/* What forks faster than we look at it would never end. Where the kernel can, it ends the whole group at once; elsewhere
   nothing more is born in it, and the next look at the tree sees everybody. */
void groups_stop(const struct groups *groups) {
  for (unsigned i = 0; i < groups->count; i++)
    if (write_in(groups->paths[i], "cgroup.kill", "1") != 0) (void)write_in(groups->paths[i], "pids.max", "0");
}
