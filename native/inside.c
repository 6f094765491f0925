/* The half of a keeper that stands in a sandbox and holds the command there: `keeper inside`. It speaks frames with the
   local half over its standard input and output, waits for nobody, and ends what it holds when the other half is gone. */
#include <errno.h>
#include <fcntl.h>
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

enum { FROM = 0, TO = 1, DYING_MS = 50, LIMITS_MS = 1000, MOST_ANSWERS = 256 * 1024 };

static struct {
  struct spec spec;
  struct child child;
  struct input input;
  struct incoming in;
  struct outgoing out;
  struct ending ending;
  uint64_t sent, granted;
  uint32_t kills[MAX_KILLS];
  unsigned kill_count;
  int wake;
  int64_t close_at, look_at; /* 0: not */
  uint8_t hits; /* limits of its group that were hit, as far as told */
  bool limited; /* somebody wants to know */
  bool asked, gated, lives, exited, output_ended, closed, no_children;
  bool failed;   /* it was told; nothing comes any more */
  bool deserted; /* nobody listens, or who speaks is no keeper */
} half;
static char chunk[CHUNK];

/* ---- out ---- */

static void desert(const char *why) {
  if (half.deserted) return;
  half.deserted = true;
  if (why != NULL) fprintf(stderr, "keeper inside: %s\n", why);
  outgoing_clear(&half.out);
  incoming_clear(&half.in);
  if (half.child.gate >= 0) close(half.child.gate); /* so it never runs */
  half.child.gate = -1;
  input_drop(&half.input, &half.child);
  if (half.gated) ending_begin(&half.ending, half.exited ? 0 : half.child.pid, SIGTERM, LAST_GRACE_MS);
}

static void send_frame(enum frame type, const void *head, size_t head_length, const void *rest, size_t rest_length) {
  if (half.deserted) return;
  if (!outgoing_frame(&half.out, type, head, head_length, rest, rest_length)) desert("no memory");
}

static void answer(uint32_t request, size_t taken, int failure) {
  uint8_t body[12];
  put_number(put_number(put_number(body, request, 4), taken, 4), (uint32_t)failure, 4);
  if (half.out.length > WINDOW + TERMINAL_DRAIN + MOST_ANSWERS) return desert("it asks and does not listen");
  send_frame(TAKEN, body, sizeof body, NULL, 0);
}

static void fail(const char *step, int error) {
  uint8_t body[4];
  put_number(body, (uint32_t)error, 4);
  send_frame(FAILED, body, sizeof body, step, strlen(step));
  half.failed = true;
}

/* ---- start ---- */

static bool names(char *const *env, const char *entry) {
  size_t length = strcspn(entry, "=");
  for (; *env != NULL; env++)
    if (strncmp(*env, entry, length) == 0 && (*env)[length] == '=') return true;
  return false;
}

/* What surrounds it in there stays: an image's or a far person's own PATH, HOME and SHELL. What comes with the command wins. */
static bool surround(struct spec *spec) {
  size_t ours = 0, theirs = 0, kept = 0;
  while (spec->env[ours] != NULL) ours++;
  while (environ[theirs] != NULL) theirs++;
  char **env = calloc(ours + theirs + 2, sizeof *env); /* the mark is added */
  if (env == NULL) return false;
  for (size_t i = 0; i < theirs; i++)
    if (!names(spec->env, environ[i])) env[kept++] = environ[i];
  memcpy(env + kept, spec->env, ours * sizeof *env);
  free(spec->env);
  spec->env = env;
  return true;
}

static void start(const uint8_t *body, size_t length) {
  const char *step = "spec";
  if (half.asked || length < 1) return desert("the command came in the wrong place");
  half.asked = true;
  if (body[0] != INSIDE_VERSION) return fail("version", EPROTONOSUPPORT);
  char *entries = malloc(length);
  if (entries == NULL) return fail(step, errno);
  memcpy(entries, body + 1, length - 1);
  if (!parse_spec(&half.spec, entries, length - 1) || !surround(&half.spec)) return fail(step, errno);
  mark_environment(&half.spec);
  bool all = become_subreaper() || getpid() == 1;
  mode_t mask = umask(077);
  (void)umask(mask);
  if (!child_fork(&half.child, &half.spec, mask, &step)) {
    int failure = errno;
    half.gated = half.child.pid > 0;
    return fail(step, failure);
  }
  half.gated = true;
  uint8_t ready[6];
  put_number(ready, (uint32_t)half.child.pid, 4);
  ready[4] = half.child.pty;
  ready[5] = !(all && tree_visible());
  send_frame(READY, ready, sizeof ready, NULL, 0);
}

static void go(void) {
  if (!half.gated || half.child.gate < 0) return desert("go came in the wrong place");
  if (!child_open_gate(&half.child)) fail("gate", errno);
}

static void hear_report(void) {
  struct start_failure failure;
  switch (child_report(&half.child, &failure)) {
    case REPORT_FAILED: return fail(start_steps[failure.step], failure.error);
    case REPORT_RUNS:
      if (half.deserted || half.failed) return;
      half.lives = true;
      if (half.limited) half.look_at = monotonic_ms() + LIMITS_MS;
      release_spec(&half.spec);
      return send_frame(LIVE, NULL, 0, NULL, 0);
    default: return;
  }
}

/* ---- output: read while the other half has room for it, and sent as it is ---- */

static bool may_read(void) { return half.lives && !half.deserted && half.sent - half.granted < WINDOW; }

static size_t read_output(size_t most) {
  size_t have = child_read(&half.child, chunk, most < sizeof chunk ? most : sizeof chunk);
  if (half.child.output < 0) half.output_ended = true;
  if (have > 0) send_frame(OUTPUT, NULL, 0, chunk, have);
  half.sent += have;
  return have;
}

/* Nobody takes it any more, and a full pipe would hold up who is to end. */
static void discard_output(void) {
  (void)child_read(&half.child, chunk, sizeof chunk);
  if (half.child.output < 0) half.output_ended = true;
}

/* ---- limits ---- */

/* The kernel counts before it kills or refuses; so who looks at a death sees what it died of. */
static void look_at_limits(void) {
  uint8_t hits = half.hits | hits_seen();
  half.look_at = hits == HIT_ALL ? 0 : monotonic_ms() + LIMITS_MS;
  if (hits == half.hits) return;
  half.hits = hits;
  send_frame(HIT, &hits, 1, NULL, 0);
}

/* ---- end ---- */

static void tell_death(int status) {
  uint8_t body[4] = {WIFSIGNALED(status) ? 1 : 0, 0, 0, ending_step(&half.ending)};
  body[1] = (uint8_t)(body[0] == 1 ? WTERMSIG(status) : WEXITSTATUS(status));
#ifdef WCOREDUMP
  body[2] = body[0] == 1 && WCOREDUMP(status) ? 1 : 0;
#endif
  half.exited = true;
  if (!half.lives) return;
  size_t left = child_last_output(&half.child);
  while (left > 0 && half.child.output >= 0 && !half.deserted) {
    size_t got = read_output(left);
    if (got == 0) break;
    left -= got;
  }
  if (half.look_at != 0) look_at_limits();
  half.look_at = 0;
  send_frame(DEATH, body, sizeof body, NULL, 0);
  input_drop(&half.input, &half.child);
}

/* A process closes its files a moment before it is dead: whoever just ended the output is no straggler yet. */
static void close_when_settled(void) {
  uint8_t body[4];
  if (half.close_at == 0) half.close_at = monotonic_ms() + DYING_MS;
  if (!half.no_children && monotonic_ms() < half.close_at) return;
  put_number(body, half.no_children ? 0 : tree_count(), 4);
  send_frame(SILENCE, body, sizeof body, NULL, 0);
  half.closed = true;
}

static void reap(void) {
  int status;
  pid_t pid;
  while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
    if (pid == half.child.pid && !half.exited) tell_death(status);
  half.no_children = pid < 0 && errno == ECHILD;
}

static void request_kill(uint32_t request, int signal, uint32_t grace_ms) {
  if (signal <= 0 || signal >= NSIG) return answer(request, 0, EINVAL);
  if (half.kill_count == MAX_KILLS) return answer(request, 0, EBUSY);
  if (grace_ms > 0) half.kills[half.kill_count++] = request;
  if (half.no_children) half.ending.begun |= grace_ms > 0;
  else ending_begin(&half.ending, half.exited ? 0 : half.child.pid, signal, grace_ms);
  if (grace_ms == 0) answer(request, 0, 0);
}

static void continue_kill(void) {
  if (!half.no_children) return ending_continue(&half.ending, half.exited ? 0 : half.child.pid);
  half.ending.begun = false;
  for (unsigned i = 0; i < half.kill_count; i++) answer(half.kills[i], 0, 0);
  half.kill_count = 0;
}

/* ---- in ---- */

static void take_input(uint32_t request, const char *bytes, size_t count) {
  int failure = ESRCH;
  size_t taken = half.exited ? 0 : input_take(&half.input, &half.child, bytes, count, &failure);
  answer(request, taken, failure);
}

static void handle(uint8_t type, const uint8_t *body, size_t length) {
  static const uint8_t least[] = {[INPUT] = 4, [END_INPUT] = 4, [RESIZE] = 8, [SIGNAL] = 5, [KILL] = 9, [GRANT] = 8};
  if (type == COMMAND) return start(body, length);
  if (type == GO) return go();
  bool known = (type >= INPUT && type <= KILL) || type == GRANT;
  if (!known || length < least[type] || (type != KILL && !half.lives)) return desert("it breaks the protocol");
  if (type == GRANT) {
    uint64_t granted = number_at(body, 8);
    if (granted > half.sent || granted < half.granted) return desert("it was not sent that much");
    half.granted = granted;
    return;
  }
  uint32_t request = (uint32_t)number_at(body, 4);
  switch (type) {
    case INPUT: return take_input(request, (const char *)body + 4, length - 4);
    case END_INPUT:
      if (!half.exited) input_end(&half.input, &half.child);
      return answer(request, 0, half.exited ? ESRCH : 0);
    case RESIZE: {
      unsigned rows = (unsigned)number_at(body + 4, 2), columns = (unsigned)number_at(body + 6, 2);
      return answer(request, 0, half.exited ? ESRCH : child_resize(&half.child, rows, columns));
    }
    case SIGNAL: return answer(request, 0, half.exited ? ESRCH : child_signal(&half.child, body[4]));
    default: return request_kill(request, body[4], (uint32_t)number_at(body + 5, 4));
  }
}

static void hear(void) {
  static uint8_t bytes[CHUNK];
  ssize_t got = read(FROM, bytes, sizeof bytes);
  if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (got <= 0) return desert(NULL);
  for (size_t used = 0; used < (size_t)got && !half.deserted;) {
    used += incoming_feed(&half.in, bytes + used, (size_t)got - used, half.asked ? MAX_BODY : MAX_SPEC);
    if (half.in.broken) return desert("it breaks the protocol");
    if (!half.in.whole) continue;
    struct incoming frame = half.in;
    half.in = (struct incoming){0};
    handle(frame.header[0], frame.body, frame.length);
    incoming_clear(&frame);
  }
}

/* ---- the loop ---- */

static int patience(void) {
  int64_t until = INT64_MAX, now = monotonic_ms();
  if (half.ending.begun) until = half.ending.insist_at;
  if (half.close_at != 0 && !half.closed && half.close_at < until) until = half.close_at;
  if (half.look_at != 0 && half.look_at < until) until = half.look_at;
  if (until == INT64_MAX) return -1;
  return until <= now ? 0 : until - now > 60000 ? 60000 : (int)(until - now);
}

static bool finished(void) {
  bool nothing_left = !half.gated || half.no_children;
  if (half.deserted) return nothing_left;
  return (half.failed || half.closed) && nothing_left && half.out.length == 0;
}

enum { WAKE, REPORT, TYPED, OUTPUT_READY, HEARD, SAID, WATCHED };

static bool turn(void) {
  const struct child *child = &half.child;
  struct pollfd fds[WATCHED] = {
    [WAKE] = {.fd = half.wake, .events = POLLIN},
    [REPORT] = {.fd = child->report, .events = POLLIN},
    [TYPED] = {.fd = half.input.length > 0 ? child->input : -1, .events = POLLOUT},
    [OUTPUT_READY] = {.fd = may_read() || half.deserted ? child->output : -1, .events = POLLIN},
    [HEARD] = {.fd = half.deserted ? -1 : FROM, .events = POLLIN},
    [SAID] = {.fd = half.out.length > 0 ? TO : -1, .events = POLLOUT},
  };
  if (poll(fds, WATCHED, patience()) < 0) {
    if (errno != EINTR) return false;
    for (int i = 0; i < WATCHED; i++) fds[i].revents = 0;
  }
  if (fds[WAKE].revents != 0 && wake_heard()) {
    if (half.gated) ending_begin(&half.ending, half.exited ? 0 : half.child.pid, SIGTERM, LAST_GRACE_MS);
    else desert("it was ended");
  }
  if (child->report >= 0 && (fds[REPORT].revents != 0 || fds[WAKE].revents != 0)) hear_report();
  if (fds[WAKE].revents != 0) reap();
  if (fds[OUTPUT_READY].revents != 0 && child->output >= 0) {
    if (half.deserted) discard_output();
    else if (may_read()) (void)read_output(sizeof chunk);
  }
  if (fds[TYPED].revents != 0 && child->input >= 0) input_drain(&half.input, &half.child);
  if (fds[HEARD].revents != 0 && !half.deserted) hear();
  if (half.look_at != 0 && monotonic_ms() >= half.look_at) look_at_limits();
  if (half.ending.begun) continue_kill();
  if (half.lives && half.exited && half.output_ended && !half.closed) close_when_settled();
  if (!half.deserted && half.out.length > 0 && !outgoing_flush(&half.out, TO)) desert(NULL);
  return true;
}

/* The command must not find a way to the frames: what was inherited is closed, and its own three ends replace these. */
static bool open_ends(void) {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0 && (fd < 2 || dup2(TO, fd) < 0)) return false;
#ifndef HEARTH_SANITIZE
  close_inherited(3);
#endif
#if defined(__linux__) && !defined(HEARTH_SANITIZE)
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no look into it, and no writing through /proc */
#endif
#ifdef __linux__
  (void)prctl(PR_SET_NAME, "hearth-inside", 0, 0, 0);
#endif
  half.wake = wake_open();
  return half.wake >= 0 && set_nonblocking(FROM) && set_nonblocking(TO);
}

int inside(bool limited) {
  static const uint8_t version = INSIDE_VERSION;
  half.limited = limited;
  if (limited) hits_open();
  half.child = (struct child){.output = -1, .input = -1, .errors = -1, .slave = -1, .gate = -1, .report = -1};
  if (!open_ends() || !outgoing_raw(&half.out, GREETING, GREETING_LENGTH) || !outgoing_raw(&half.out, &version, 1)) {
    perror("keeper inside");
    return 1;
  }
  while (!finished())
    if (!turn()) break;
  return half.lives && half.exited && !half.deserted ? 0 : 1;
}
