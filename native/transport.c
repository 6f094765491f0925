/* The local half of a keeper whose child is in a sandbox. What it forks is only the way in: a program (a container's, ssh,
   a wrapper) whose standard input and output lead to the inside half. Everything that comes from there is foreign: each
   length and each order is checked, and whoever breaks them is treated as gone. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"

struct transport transport;

enum {
  LAST_WORDS_MS = 500,    /* its errors may come a moment after its silence */
  LEAVING_MS = 5000,      /* a container's program tidies up after its child; asking it to end then leaves a mess */
  GIVE_UP_MS = 2000,      /* past the grace of a kill */
  DEADLINE_SLACK_MS = 1000, /* the host gives up first, where there is one */
  MOST_NOISE = 1024 * 1024, /* before the greeting: banners, profiles */
  MOST_HELD = WINDOW + TERMINAL_DRAIN + 4 * CHUNK, /* an honest inside half never sends more than that ungranted */
  MOST_REST = 16 * 1024 * 1024,
};
static uint8_t chunk[CHUNK];

/* ---- what it says beside the frames: a file for people, and the last of it for the records ---- */

/* Past its bound the file keeps the newer half. */
static void make_room_in_log(void) {
  static uint8_t kept[MAX_LOG / 2];
  ssize_t got = pread(transport.log, kept, sizeof kept, (off_t)(transport.logged - sizeof kept));
  if (got != (ssize_t)sizeof kept || pwrite(transport.log, kept, sizeof kept, 0) != got ||
      ftruncate(transport.log, got) != 0 || lseek(transport.log, got, SEEK_SET) < 0) {
    close(transport.log);
    transport.log = -1;
    return;
  }
  transport.logged = sizeof kept;
}

static void note(const void *bytes, size_t count) {
  size_t room = sizeof transport.words;
  const char *last = (const char *)bytes + (count > room ? count - room : 0);
  size_t length = count < room ? count : room, old = transport.words_length < room - length ? transport.words_length : room - length;
  memmove(transport.words, transport.words + transport.words_length - old, old);
  memcpy(transport.words + old, last, length);
  transport.words_length = old + length;
  for (size_t done = 0; done < count && transport.log >= 0;) {
    if (transport.logged == MAX_LOG) make_room_in_log();
    size_t part = count - done < MAX_LOG - transport.logged ? count - done : MAX_LOG - transport.logged;
    ssize_t wrote = transport.log < 0 ? -1 : write(transport.log, (const char *)bytes + done, part);
    if (wrote <= 0) return; /* a full disk: the last words are kept in any case */
    transport.logged += (size_t)wrote;
    done += (size_t)wrote;
  }
}

static void say(const char *words) { note(words, strlen(words)); }

static void read_errors(void) {
  uint8_t bytes[4096];
  struct child *child = &keeper.child;
  for (int pieces = 0; child->errors >= 0 && pieces < 16; pieces++) {
    ssize_t got = read(child->errors, bytes, sizeof bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (got <= 0) {
      close(child->errors);
      child->errors = -1;
      return;
    }
    note(bytes, (size_t)got);
  }
}

/* ---- its end ---- */

static void hang_up(void) {
  struct child *child = &keeper.child;
  if (child->input >= 0) close(child->input); /* whoever is inside ends his tree when he hears nobody any more */
  child->input = -1;
  outgoing_clear(&transport.out);
}

static void finish(int64_t judge_in, int64_t end_in) {
  if (transport.over) return;
  transport.over = true;
  transport.judge_at = monotonic_ms() + judge_in;
  transport.end_at = monotonic_ms() + end_in;
  hang_up();
  child_end_output(&keeper.child);
  incoming_clear(&transport.in);
}

void transport_failed(const char *step, int error) {
  if (transport.failed_step == NULL) {
    transport.failed_step = step;
    transport.failed_error = error;
  }
  finish(0, 0);
}

static void broken(const char *words) {
  say(words);
  if (keeper.starting) transport_failed("transport", EPROTO);
  else finish(0, 0);
}

static void answer(const struct waiting *one, size_t taken, int failure) {
  if (one->connection < MAX_CONNECTIONS) serve_answer(one->connection, one->generation, one->request, taken, failure);
}

static void forget(struct waiting *one) {
  if (one->kill) transport.waiting_kills--;
  else transport.waiting_count--;
  *one = (struct waiting){0};
}

/* Nobody will answer these any more. A kill is done when what is left here has ended as well. */
static void answer_waiting(void) {
  for (size_t i = 0; i < MAX_WAITING; i++) {
    struct waiting *one = &transport.waiting[i];
    if (!one->used) continue;
    if (!one->kill) answer(one, 0, ESRCH);
    else if (one->connection < MAX_CONNECTIONS && !serve_remember_kill(one->connection, one->generation, one->request))
      answer(one, 0, EBUSY);
    if (one->kill) transport.end_at = monotonic_ms();
    forget(one);
  }
}

/* It is over and its last words were heard: what does that mean for the child? */
static void judge(void) {
  transport.judge_at = transport.give_up_at = transport.deadline_at = 0;
  answer_waiting();
  if (keeper.starting) {
    transport_failed("transport", ECONNABORTED); /* unless it is known already what failed */
    keeper.failing = true;
    return;
  }
  if (!keeper.exited) tell_exit(NULL);
  keeper.output_ended = true;
}

/* ---- towards the sandbox ---- */

static void flush(void) {
  if (keeper.child.input >= 0 && !outgoing_flush(&transport.out, keeper.child.input)) hang_up();
}

static bool queue(enum frame type, const void *head, size_t head_length, const void *rest, size_t rest_length) {
  if (keeper.child.input < 0) return false;
  return outgoing_frame(&transport.out, type, head, head_length, rest, rest_length);
}

static void send_command(void) {
  const struct spec *spec = &keeper.spec;
  uint8_t version = INSIDE_VERSION;
  size_t length = 0;
  char *entries = malloc(spec->size);
  if (entries == NULL) return transport_failed("transport", ENOMEM);
  for (const char *at = spec->buffer; at < spec->buffer + spec->size; at += strlen(at) + 1) {
    if (!passed_inside(at)) continue;
    memcpy(entries + length, at, strlen(at) + 1);
    length += strlen(at) + 1;
  }
  bool queued = queue(COMMAND, &version, 1, entries, length);
  free(entries);
  if (!queued) return transport_failed("transport", EPIPE);
  transport.stage = ASKED;
  flush();
}

/* What the disk has taken may be sent again; so no more than a window of it is ever held in memory. */
static void grant(void) {
  uint8_t body[8];
  if (transport.stage != LIVES || transport.over || keeper.spool.length - transport.granted < WINDOW / 4) return;
  if (transport.out.length > CHUNK) return; /* it does not listen: it is told when it does */
  put_number(body, keeper.spool.length, 8);
  if (queue(GRANT, body, sizeof body, NULL, 0)) transport.granted = keeper.spool.length;
}

static struct waiting *await(struct connection *connection, uint32_t request, bool is_kill) {
  struct waiting *free_one = NULL;
  if (is_kill ? transport.waiting_kills >= MAX_KILLS - keeper.kill_count : transport.waiting_count >= MAX_WAITING - MAX_KILLS)
    return NULL;
  for (size_t i = 0; i < MAX_WAITING && free_one == NULL; i++)
    if (!transport.waiting[i].used) free_one = &transport.waiting[i];
  if (free_one == NULL) return NULL;
  *free_one = (struct waiting){.used = true, .kill = is_kill, .request = request, .id = ++transport.last_id};
  free_one->connection = connection == NULL ? MAX_CONNECTIONS : (unsigned)(connection - keeper.connections);
  free_one->generation = connection == NULL ? 0 : connection->generation;
  if (is_kill) transport.waiting_kills++;
  else transport.waiting_count++;
  return free_one;
}

static void forward(struct waiting *one, uint8_t type, const uint8_t *body, size_t length) {
  uint8_t head[4];
  put_number(head, one->id, 4);
  if (!queue((enum frame)type, head, sizeof head, body, length)) {
    answer(one, 0, keeper.child.input < 0 ? ESRCH : ENOMEM);
    return forget(one);
  }
  flush();
}

void transport_request(struct connection *connection, uint32_t request, uint8_t type, const uint8_t *body, size_t length) {
  static const size_t exactly[] = {[END_INPUT] = 0, [RESIZE] = 4, [SIGNAL] = 1};
  unsigned index = (unsigned)(connection - keeper.connections);
  if (transport.stage != LIVES || transport.over || keeper.exited)
    return serve_answer(index, connection->generation, request, 0, ESRCH);
  if (type == INPUT && transport.out.length + length > INPUT_ROOM)
    return serve_answer(index, connection->generation, request, 0, 0); /* the way in is full: nothing was taken */
  struct waiting *one = await(connection, request, false);
  if (one == NULL) return serve_answer(index, connection->generation, request, 0, EBUSY);
  if (type == INPUT) one->count = (uint32_t)length;
  forward(one, type, body, type == INPUT ? length : exactly[type]);
}

/* Before the command runs there is nobody inside to tell: then the way in ends, and has the time it needs for that. */
static bool kill_start(struct connection *connection, uint32_t request, uint32_t grace_ms) {
  if (transport.left) return false;
  unsigned index = (unsigned)(connection == NULL ? MAX_CONNECTIONS : connection - keeper.connections);
  transport_failed("revoked", ECANCELED);
  if (connection != NULL && grace_ms == 0) serve_answer(index, connection->generation, request, 0, 0);
  else if (connection != NULL && !serve_remember_kill(index, connection->generation, request))
    serve_answer(index, connection->generation, request, 0, EBUSY);
  begin_kill(SIGTERM, LAST_GRACE_MS);
  return true;
}

bool transport_kill(struct connection *connection, uint32_t request, int signal, uint32_t grace_ms) {
  uint8_t body[5];
  if (!transport.used || transport.over) return false;
  if (transport.stage != LIVES) return kill_start(connection, request, grace_ms);
  struct waiting *one = await(connection, request, true);
  if (one == NULL) {
    if (connection != NULL)
      serve_answer((unsigned)(connection - keeper.connections), connection->generation, request, 0, EBUSY);
    return true;
  }
  int64_t give_up_at = monotonic_ms() + grace_ms + GIVE_UP_MS;
  if (transport.give_up_at == 0 || give_up_at < transport.give_up_at) transport.give_up_at = give_up_at;
  put_number(put_number(body, (uint64_t)signal, 1), grace_ms, 4);
  forward(one, KILL, body, sizeof body);
  return true;
}

/* ---- from the sandbox ---- */

static void hear_ready(const uint8_t *body) {
  uint64_t pid = number_at(body, 4);
  if (pid == 0 || pid > INT_MAX || body[4] > 1 || body[5] > 1 || (body[4] == 1 && !keeper.spec.pty))
    return broken("\nThe sandbox reported no process.\n");
  record_begin(&transport.record);
  record_add(&transport.record, "pid=%d\nmode=%s\nbest_effort=%d\nstarted=%lld\nmark=%s\n", (int)pid,
             body[4] == 1 ? "pty" : "pipe", body[5] == 1, (long long)now_ms(), keeper.spec.mark);
  record_sign(&transport.record, "inside", keeper.spec.secret);
  if (!record_publish("inside", &transport.record)) return transport_failed("live", errno);
  test_point(7);
  if (access("armed", F_OK) != 0) return transport_failed("revoked", ECANCELED);
  if (!queue(GO, NULL, 0, NULL, 0)) return transport_failed("transport", EPIPE);
  transport.stage = WENT;
  flush();
  test_point(8);
}

static void hear_failed(const uint8_t *body, size_t length) {
  uint64_t error = number_at(body, 4);
  size_t letters = length - 4;
  if (error > 4095 || letters == 0 || letters >= sizeof transport.failed_name) return broken("\nThe sandbox gave no reason.\n");
  for (size_t i = 0; i < letters; i++) {
    if (body[4 + i] < 'a' || body[4 + i] > 'z') return broken("\nThe sandbox gave no reason.\n");
    transport.failed_name[i] = (char)body[4 + i];
  }
  transport.failed_step = transport.failed_name;
  transport.failed_error = (int)error;
  finish(0, LAST_GRACE_MS);
}

/* A file for the host, as a control group's own would say it: it may not be there now, and the sandbox may be gone then. */
static void keep_hits(void) {
  struct record record;
  if (transport.hits == 0 || transport.hits_kept) return;
  record_begin(&record);
  if ((transport.hits & HIT_MEMORY) != 0) record_add(&record, "oom_kill 1\n");
  if ((transport.hits & HIT_PIDS) != 0) record_add(&record, "max 1\n");
  transport.hits_kept = record_publish("hits", &record); /* a full disk: once more before its end is told */
}

static void hear_hit(const uint8_t *body) {
  if ((body[0] & ~HIT_ALL) != 0) return broken("\nThe sandbox reported a limit that there is none of.\n");
  transport.hits |= body[0];
  transport.hits_kept = false;
  keep_hits();
}

static void hear_death(const uint8_t *body) {
  struct death death = {.by_signal = body[0] == 1, .which = body[1], .core = body[2] == 1, .ended_by = body[3]};
  if (body[0] > 1 || body[2] > 1 || body[3] > ENDED_BY_KILL || (death.by_signal && (death.which == 0 || death.which > 127)))
    return broken("\nThe sandbox reported an end that cannot be.\n");
  keep_hits();
  tell_exit(&death);
}

static void hear_taken(const uint8_t *body) {
  uint32_t id = (uint32_t)number_at(body, 4), taken = (uint32_t)number_at(body + 4, 4), error = (uint32_t)number_at(body + 8, 4);
  struct waiting *one = NULL;
  for (size_t i = 0; i < MAX_WAITING && one == NULL; i++)
    if (transport.waiting[i].used && transport.waiting[i].id == id) one = &transport.waiting[i];
  if (one == NULL || taken > one->count || error > 4095) return broken("\nThe sandbox answered what nobody had asked.\n");
  answer(one, taken, (int)error);
  forget(one);
  if (transport.waiting_kills == 0) transport.give_up_at = 0;
}

static void handle(uint8_t type, const uint8_t *body, size_t length) {
  bool lives = transport.stage == LIVES && !keeper.output_ended;
  if (type == READY && length == 6 && transport.stage == ASKED) return hear_ready(body);
  if (type == FAILED && length > 4 && (transport.stage == ASKED || transport.stage == WENT)) return hear_failed(body, length);
  if (type == LIVE && length == 0 && transport.stage == WENT) {
    transport.stage = LIVES;
    transport.deadline_at = 0;
    tell_runs();
    return serve_end(LIVED, &transport.record);
  }
  if (type == OUTPUT && lives) {
    if (!spool_put(&keeper.spool, (const char *)body, length)) broken("\nNo memory for what the disk does not take.\n");
    return;
  }
  if (type == HIT && length == 1 && lives && !keeper.exited) return hear_hit(body);
  if (type == DEATH && length == 4 && lives && !keeper.exited) return hear_death(body);
  if (type == SILENCE && length == 4 && lives && keeper.exited) {
    transport.stragglers = (unsigned)number_at(body, 4);
    keeper.output_ended = true;
    return;
  }
  if (type == TAKEN && length == 12 && transport.stage == LIVES) return hear_taken(body);
  broken("\nThe sandbox broke the protocol.\n");
}

/* Whatever comes before the greeting is not ours: a banner, a profile's words, or the reason why there will be none. */
static void meet(uint8_t version) {
  char words[96];
  if (version == INSIDE_VERSION) return send_command();
  snprintf(words, sizeof words, "The keeper in the sandbox speaks version %u, this one %u.\n", version, INSIDE_VERSION);
  say(words);
  transport_failed("version", EPROTO);
}

static size_t greet(const uint8_t *bytes, size_t count) {
  static const char greeting[GREETING_LENGTH + 1] = GREETING;
  static uint8_t other[CHUNK];
  static size_t noise;
  size_t others = 0, used = 0;
  while (used < count && transport.greeted < GREETING_LENGTH) {
    uint8_t byte = bytes[used++];
    if (byte == (uint8_t)greeting[transport.greeted]) {
      transport.greeted++;
      continue;
    }
    transport.greeted = byte == 0; /* the first byte of the greeting stands nowhere else in it */
    if (byte != 0) other[others++] = byte;
  }
  note(other, others);
  noise += others;
  if (noise > MOST_NOISE) return broken("\nIt is no keeper.\n"), count;
  if (used < count) meet(bytes[used++]); /* then it is a greeting, and this its last byte */
  return used;
}

static void hear(const uint8_t *bytes, size_t count) {
  for (size_t used = 0; used < count && !transport.over;) {
    if (transport.stage == GREETED) {
      used += greet(bytes + used, count - used);
      continue;
    }
    used += incoming_feed(&transport.in, bytes + used, count - used, MAX_BODY);
    if (transport.in.broken) return broken("\nThe sandbox broke the protocol.\n");
    if (!transport.in.whole) continue;
    struct incoming frame = transport.in; /* handling it may clear the reader */
    transport.in = (struct incoming){0};
    handle(frame.header[0], frame.body, frame.length);
    incoming_clear(&frame);
  }
}

static bool may_read(void) { return !transport.over && keeper.spool.held_length < MOST_HELD; }

static size_t read_frames(void) {
  size_t got = child_read(&keeper.child, (char *)chunk, sizeof chunk);
  hear(chunk, got);
  if (keeper.child.output < 0) finish(LAST_WORDS_MS, keeper.output_ended ? LEAVING_MS : LAST_GRACE_MS);
  return got;
}

/* ---- in the loop ---- */

void transport_open(void) {
  transport = (struct transport){.used = true};
  transport.log = open("transport.log", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (keeper.spec.deadline_ms > 0) transport.deadline_at = monotonic_ms() + keeper.spec.deadline_ms + DEADLINE_SLACK_MS;
}

void transport_left(void) {
  transport.left = true;
  read_errors();
  for (size_t rest = 0; rest < MOST_REST && may_read() && keeper.child.output >= 0;) {
    size_t got = read_frames();
    if (got == 0) break;
    rest += got;
  }
  finish(0, keeper.output_ended ? LEAVING_MS : LAST_GRACE_MS);
}

void transport_look(struct pollfd *input, struct pollfd *output, struct pollfd *errors) {
  input->fd = transport.out.length > 0 ? keeper.child.input : -1;
  output->fd = may_read() ? keeper.child.output : -1;
  errors->fd = keeper.child.errors;
}

void transport_move(const struct pollfd *input, const struct pollfd *output, const struct pollfd *errors) {
  int64_t now = monotonic_ms();
  if (errors->revents != 0) read_errors();
  if (output->revents != 0 && may_read()) (void)read_frames();
  grant();
  if (input->revents != 0 || transport.out.length > 0) flush();
  if (transport.deadline_at != 0 && now >= transport.deadline_at) {
    transport.deadline_at = 0;
    if (keeper.starting) transport_failed("deadline", ETIMEDOUT);
  }
  if (transport.give_up_at != 0 && now >= transport.give_up_at) {
    transport.give_up_at = 0;
    finish(0, 0);
  }
  if (transport.judge_at != 0 && (transport.left || now >= transport.judge_at)) judge();
  if (transport.end_at == 0 || now < transport.end_at) return;
  transport.end_at = 0;
  if (!keeper.no_children || keeper.kill_count > 0) begin_kill(SIGTERM, LAST_GRACE_MS);
}

int64_t transport_patience(void) {
  const int64_t all[] = {transport.judge_at, transport.end_at, transport.give_up_at, transport.deadline_at};
  int64_t until = INT64_MAX;
  if (transport.judge_at != 0 && transport.left) return 0;
  for (size_t i = 0; i < sizeof all / sizeof *all; i++)
    if (all[i] != 0 && all[i] < until) until = all[i];
  return until;
}
