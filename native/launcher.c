/* The launcher: small where the host is big, so that starting costs little; alone where the host is busy, so that the
   host's deadline is kept. A line on standard input is a request: an absolute directory (start its child),
   "deadline MS PID" (kill the host, which must be the parent, after MS) or "disarm". It ends at end of file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

#include "keeper.h"

static struct { int64_t at; pid_t host; } deadline; /* host 0: none */
static mode_t umask_of_children;

static void quiet_stdio(void) {
  int null = open("/dev/null", O_RDWR);
  if (null < 0) _exit(1);
  for (int fd = 0; fd < 3; fd++)
    if (dup2(null, fd) < 0) _exit(1);
  if (null > 2) close(null);
}

/* In the grandchild: nobody's child but init's, in a session of its own, with nothing of the host's but the way to answer. */
static _Noreturn void become_keeper(const char *directory) {
  int reply = dup2(1, 3);
  struct rlimit core = {0, 0};
  (void)setsid();
  if (reply < 0 || fcntl(reply, F_SETFD, FD_CLOEXEC) != 0) _exit(1);
  quiet_stdio();
#ifndef HEARTH_SANITIZE
  close_inherited(4);
#endif
  /* Only the soft limit: the hard one is the child's to raise again. */
  if (getrlimit(RLIMIT_CORE, &core) == 0) {
    core.rlim_cur = 0;
    (void)setrlimit(RLIMIT_CORE, &core);
  }
  exit(keep(directory, reply, umask_of_children));
}

static void start_child(const char *directory) {
  const char *slash = strrchr(directory, '/');
  pid_t middle = fork();
  if (middle == 0) {
    pid_t last = fork();
    if (last == 0) become_keeper(directory);
    _exit(last < 0 ? errno & 0xff : 0);
  }
  int status = 0, failure = middle < 0 ? errno : 0;
  if (middle > 0) {
    pid_t waited;
    do waited = waitpid(middle, &status, 0);
    while (waited < 0 && errno == EINTR);
    failure = waited == middle && WIFEXITED(status) ? WEXITSTATUS(status) : EAGAIN;
  }
  if (failure != 0) dprintf(1, "%s failed fork %d\n", slash + 1, failure);
}

static void obey(const char *line) {
  int64_t ms;
  int pid;
  if (line[0] == '/') {
    start_child(line);
  } else if (sscanf(line, "deadline %" SCNd64 " %d", &ms, &pid) == 2 && pid > 1 && pid == getppid()) {
    deadline.at = monotonic_ms() + ms;
    deadline.host = pid;
  } else if (strcmp(line, "disarm") == 0) {
    deadline.host = 0;
  }
}

/* Answers how long to wait; -1 for ever. A host that is gone was somebody's pid once: the parent is always ours. */
static int keep_deadline(void) {
  if (deadline.host == 0) return -1;
  if (getppid() != deadline.host) {
    deadline.host = 0;
    return -1;
  }
  int64_t left = deadline.at - monotonic_ms();
  if (left > 0) return left < 50 ? (int)left : 50;
  (void)kill(deadline.host, SIGKILL);
  deadline.host = 0;
  return -1;
}

/* The host has raised its own as far as it may; programs that close or look at every descriptor expect the usual. They
   may raise it again: the hard limit stays. */
static void ordinary_open_files(unsigned long most) {
  struct rlimit files;
  if (most == 0 || getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur <= most) return;
  files.rlim_cur = most;
  (void)setrlimit(RLIMIT_NOFILE, &files);
}

int launch(unsigned long open_files) {
  static char pending[8192];
  size_t have = 0;
  bool open_end = true;
  struct sigaction ignored = {.sa_handler = SIG_IGN};
  umask_of_children = umask(077);
  (void)setsid(); /* so that Ctrl-C in the host's terminal is the host's alone; fails only for a group leader */
  (void)sigaction(SIGPIPE, &ignored, NULL);
  (void)sigaction(SIGHUP, &ignored, NULL);
  (void)sigaction(SIGINT, &ignored, NULL);
  close_inherited(3);
  ordinary_open_files(open_files);
#ifdef __linux__
  (void)prctl(PR_SET_NAME, "hearth-launcher", 0, 0, 0);
#endif
  for (;;) {
    int patience = keep_deadline(); /* may find that there is nobody left to watch */
    if (!open_end && deadline.host == 0) return 0;
    struct pollfd input = {.fd = open_end ? 0 : -1, .events = POLLIN};
    int ready = poll(&input, 1, patience);
    if (ready < 0 && errno != EINTR) return 1;
    if (ready <= 0) continue;
    ssize_t got = read(0, pending + have, sizeof pending - 1 - have);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) open_end = false; /* an armed deadline is still kept */
    else have += (size_t)got;
    char *line = pending, *end;
    while ((end = memchr(line, '\n', (size_t)(pending + have - line))) != NULL) {
      *end = 0;
      obey(line);
      line = end + 1;
    }
    have -= (size_t)(line - pending);
    memmove(pending, line, have);
    if (have == sizeof pending - 1) return 1; /* no request is that long */
  }
}
