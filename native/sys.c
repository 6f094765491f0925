/* The operating system, where Linux and macOS differ. Everything else is plain POSIX. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif
#ifdef __APPLE__
#include <libproc.h>
#include <sys/sysctl.h>
#endif

#include "keeper.h"

static int64_t clock_ms(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) != 0) return 0;
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t now_ms(void) { return clock_ms(CLOCK_REALTIME); }
int64_t monotonic_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

#ifdef __linux__
static ssize_t read_small(const char *file, char *into, size_t size) {
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t got;
  do got = read(fd, into, size - 1);
  while (got < 0 && errno == EINTR);
  close(fd);
  if (got >= 0) into[got] = 0;
  return got;
}

bool boot_id(char *into, size_t size) {
  if (read_small("/proc/sys/kernel/random/boot_id", into, size) <= 0) return false;
  into[strcspn(into, "\n")] = 0;
  return true;
}

bool process_facts(pid_t pid, uint64_t *tick, char *state, pid_t *parent) {
  char path[64], line[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  if (read_small(path, line, sizeof line) <= 0) return false;
  const char *at = strrchr(line, ')'); /* a command name may hold spaces and parentheses: only the last one ends it */
  char found_state;
  int found_parent;
  unsigned long long found_tick;
  if (at == NULL || sscanf(at + 1, " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                           &found_state, &found_parent, &found_tick) != 3)
    return false;
  if (tick != NULL) *tick = found_tick;
  if (state != NULL) *state = found_state;
  if (parent != NULL) *parent = found_parent;
  return true;
}

bool become_subreaper(void) { return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0; }
#else
bool boot_id(char *into, size_t size) {
  struct timeval boot;
  size_t length = sizeof boot;
  if (sysctlbyname("kern.boottime", &boot, &length, NULL, 0) != 0) return false;
  snprintf(into, size, "%lld.%06d", (long long)boot.tv_sec, (int)boot.tv_usec);
  return true;
}

bool process_facts(pid_t pid, uint64_t *tick, char *state, pid_t *parent) {
  struct proc_bsdinfo info;
  if (proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, sizeof info) != (int)sizeof info) return false;
  if (tick != NULL) *tick = info.pbi_start_tvsec * 1000000ull + info.pbi_start_tvusec;
  if (state != NULL) *state = info.pbi_status == 5 ? 'Z' : info.pbi_status == 4 ? 'T' : 'R';
  if (parent != NULL) *parent = (pid_t)info.pbi_ppid;
  return true;
}

bool become_subreaper(void) { return false; }
#endif

bool write_all(int fd, const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    ssize_t wrote = write(fd, at, length);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    at += wrote;
    length -= (size_t)wrote;
  }
  return true;
}

bool set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool pipe_cloexec(int fds[2]) {
#ifdef __linux__
  return pipe2(fds, O_CLOEXEC) == 0;
#else
  if (pipe(fds) != 0) return false;
  return fcntl(fds[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(fds[1], F_SETFD, FD_CLOEXEC) == 0;
#endif
}

int open_terminal(int *slave, unsigned rows, unsigned columns) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0) return -1;
  struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
  const char *name;
  *slave = -1;
  if (grantpt(master) == 0 && unlockpt(master) == 0 && (name = ptsname(master)) != NULL)
    *slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  bool ready = *slave >= 0 && fcntl(master, F_SETFD, FD_CLOEXEC) == 0 && set_nonblocking(master) &&
               ioctl(master, TIOCSWINSZ, &size) == 0;
#ifdef IUTF8
  struct termios modes; /* so that erasing in line mode removes a character, not a byte */
  if (ready && tcgetattr(*slave, &modes) == 0) {
    modes.c_iflag |= IUTF8;
    ready = tcsetattr(*slave, TCSANOW, &modes) == 0;
  }
#endif
  if (ready) return master;
  int failure = errno;
  if (*slave >= 0) close(*slave);
  close(master);
  *slave = -1;
  errno = failure;
  return -1;
}

void close_inherited(int from) {
#if defined(__linux__) && defined(SYS_close_range)
  if (syscall(SYS_close_range, (unsigned)from, ~0u, 0u) == 0) return;
#endif
  struct rlimit limit;
  long last = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536 ? (long)limit.rlim_cur : 65536;
  for (long fd = from; fd < last; fd++) close((int)fd);
}

#ifdef HEARTH_TEST_POINTS
void test_point(int step) {
  int wanted, signal;
  FILE *file = fopen("../test_point", "r");
  if (file == NULL) return;
  bool hit = fscanf(file, "%d %d", &wanted, &signal) == 2 && wanted == step;
  fclose(file);
  if (!hit) return;
  if ((file = fopen("../reached.new", "w")) != NULL) {
    fprintf(file, "%d", (int)getpid());
    fclose(file);
    (void)rename("../reached.new", "../reached");
  }
  raise(signal);
}
#endif

#ifdef HEARTH_SANITIZE
/* A report lands in the directory of the child whose keeper it is about; the tests look for it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "log_path=sanitizer:detect_leaks=1"; }
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "log_path=sanitizer"; }
#endif
