/* The other end of the terminal benchmarks: programs to run in a terminal, and the fastest plain readers of one to compare with.
 *
 *   pty logs BYTES       prints "ready", waits for a line, then writes about BYTES of coloured log lines
 *   pty flood            writes coloured log lines until it is ended
 *   pty echo             answers every byte with itself, in raw mode
 *   pty timed BYTES      as "logs", and prints in the end how many seconds the writing took
 *   pty time-read BYTES [FILE]  runs "logs" in a terminal and reads it, into a file if one is named: prints bytes and seconds
 *   pty time-run CMD…    runs a command that ends up in "logs" in a terminal and reads it: prints bytes read and seconds
 *   pty time-echo N GAP  runs "echo" in a terminal and types N times, GAP microseconds apart: prints each time in microseconds
 *   pty drain-flood      runs "flood" in a terminal and reads it until it is ended
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static char block[65536];
static size_t block_used;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Lines as build tools and servers print them: time, coloured level, text; about 100 bytes each. */
static void make_block(void) {
  static const char *const levels[] = {"\033[32mINFO\033[0m ", "\033[33mWARN\033[0m ", "\033[31mERROR\033[0m", "\033[36mDEBUG\033[0m"};
  for (int n = 0; block_used < sizeof block - 200; n++) {
    block_used += (size_t)snprintf(block + block_used, sizeof block - block_used,
                                   "\033[2m12:34:56.%03d\033[0m %s \033[1mserver\033[0m request %06d served in %d ms from 10.0.0.%d\n",
                                   n % 1000, levels[n % 4], n, n % 97, n % 256);
  }
}

static void write_all(const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(1, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) exit(0);
    bytes += written;
    count -= (size_t)written;
  }
}

static void quiet(int raw) {
  struct termios mode;
  if (tcgetattr(0, &mode) != 0) fail("tcgetattr");
  if (raw) cfmakeraw(&mode);
  mode.c_lflag &= ~(tcflag_t)ECHO;
  if (tcsetattr(0, TCSANOW, &mode) != 0) fail("tcsetattr");
}

/* How long the writing took. */
static double logs(long bytes) {
  char line[64];
  quiet(0);
  make_block();
  write_all("ready\n", 6);
  if (read(0, line, sizeof line) <= 0) exit(1);
  double begun = now();
  for (long left = bytes; left > 0; left -= (long)block_used) write_all(block, block_used);
  return now() - begun;
}

static void echo(void) {
  char bytes[256];
  quiet(1);
  write_all("ready", 5);
  for (;;) {
    ssize_t count = read(0, bytes, sizeof bytes);
    if (count <= 0) return;
    write_all(bytes, (size_t)count);
  }
}

static int in_terminal(char *const argv[], pid_t *pid) {
  int master = posix_openpt(O_RDWR | O_NOCTTY);
  if (master < 0 || grantpt(master) != 0 || unlockpt(master) != 0) fail("posix_openpt");
  const char *name = ptsname(master);
  *pid = fork();
  if (*pid < 0) fail("fork");
  if (*pid == 0) {
    setsid();
    int slave = open(name, O_RDWR);
    if (slave < 0) fail("open");
    ioctl(slave, TIOCSCTTY, 0);
    struct winsize size = {.ws_row = 24, .ws_col = 80};
    ioctl(slave, TIOCSWINSZ, &size);
    for (int fd = 0; fd < 3; fd++) dup2(slave, fd);
    if (slave > 2) close(slave);
    close(master);
    execvp(argv[0], argv);
    fail("execvp");
  }
  return master;
}

/* A program that draws may say much before. */
static void expect_ready(int master) {
  static char bytes[65536];
  size_t used = 0;
  while (used < sizeof bytes - 1) {
    ssize_t count = read(master, bytes + used, sizeof bytes - 1 - used);
    if (count <= 0) fail("ready");
    used += (size_t)count;
    bytes[used] = 0;
    if (strstr(bytes, "ready") != NULL) return;
  }
}

int main(int argc, char **argv) {
  const char *what = argc > 1 ? argv[1] : "";
  pid_t pid;
  if (strcmp(what, "logs") == 0 && argc == 3) {
    (void)logs(atol(argv[2]));
  } else if (strcmp(what, "timed") == 0 && argc == 3) {
    printf("%.6f\n", logs(atol(argv[2])));
  } else if (strcmp(what, "echo") == 0) {
    echo();
  } else if (strcmp(what, "flood") == 0) {
    make_block();
    for (;;) write_all(block, block_used);
  } else if ((strcmp(what, "time-read") == 0 && (argc == 3 || argc == 4)) || (strcmp(what, "time-run") == 0 && argc > 2)) {
    char *const logs[] = {argv[0], "logs", argv[2], NULL};
    int master = in_terminal(strcmp(what, "time-run") == 0 ? argv + 2 : logs, &pid);
    expect_ready(master);
    static char bytes[65536];
    long total = 0;
    double first = 0, last = 0;
    int file = argc == 4 && strcmp(what, "time-read") == 0 ? open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600) : -1;
    if (write(master, "\n", 1) != 1) fail("write");
    for (;;) {
      ssize_t count = read(master, bytes, sizeof bytes);
      if (count <= 0) break; /* EIO: the child has ended and all is read */
      last = now();
      if (total == 0) first = last;
      total += count;
      if (file >= 0 && write(file, bytes, (size_t)count) != count) fail("write");
    }
    waitpid(pid, NULL, 0);
    printf("%ld %.6f\n", total, last - first);
  } else if (strcmp(what, "time-echo") == 0 && argc == 4) {
    char *const child[] = {argv[0], "echo", NULL};
    int master = in_terminal(child, &pid);
    expect_ready(master);
    struct timespec gap = {0, atol(argv[3]) * 1000};
    for (long n = atol(argv[2]); n > 0; n--) {
      char byte = 'x';
      nanosleep(&gap, NULL);
      double typed = now();
      if (write(master, &byte, 1) != 1 || read(master, &byte, 1) != 1) fail("echo");
      printf("%.1f\n", (now() - typed) * 1e6);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
  } else if (strcmp(what, "drain-flood") == 0) {
    char *const child[] = {argv[0], "flood", NULL};
    int master = in_terminal(child, &pid);
    static char bytes[65536];
    while (read(master, bytes, sizeof bytes) > 0) continue;
  } else {
    fprintf(stderr, "see the head of pty.c for what it takes\n");
    return 2;
  }
  return 0;
}
