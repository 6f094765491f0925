/* The keeper's socket: several hosts at once, each proves the secret, each is told of growth once until it says so. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "keeper.h"

bool serve_open(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "sock"}; /* relative: the keeper stands in its directory */
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) keeper.connections[i].fd = -1;
  keeper.listener = socket(AF_UNIX, SOCK_STREAM, 0);
  return keeper.listener >= 0 && fcntl(keeper.listener, F_SETFD, FD_CLOEXEC) == 0 && set_nonblocking(keeper.listener) &&
         bind(keeper.listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(keeper.listener, 64) == 0;
}

/* ---- out ---- */

static void cut(struct connection *connection) {
  if (connection->fd >= 0) close(connection->fd);
  incoming_clear(&connection->in);
  outgoing_clear(&connection->out);
  *connection = (struct connection){.fd = -1, .generation = connection->generation + 1};
}

void serve_flush(struct connection *connection) {
  if (!outgoing_flush(&connection->out, connection->fd)) cut(connection);
}

/* A host that takes nothing is cut: it finds everything on disk when it comes back. */
static void send_frame(struct connection *connection, enum frame type, const void *body, size_t length) {
  if (connection->fd < 0) return;
  if (connection->out.length + FRAME_HEAD + length > MAX_OUTGOING ||
      !outgoing_frame(&connection->out, type, body, length, NULL, 0))
    return cut(connection);
  serve_flush(connection);
}

static void answer(struct connection *connection, uint32_t request, size_t taken, int failure) {
  uint8_t body[12];
  put_number(put_number(put_number(body, request, 4), taken, 4), (uint32_t)failure, 4);
  send_frame(connection, TAKEN, body, sizeof body);
}

static void tell_growth(struct connection *connection) {
  uint8_t body[20];
  put_number(put_number(put_number(body, keeper.spool.length, 8), keeper.spool.first, 8), keeper.refused, 4);
  connection->told = keeper.spool.length;
  connection->unacknowledged = true;
  send_frame(connection, GREW, body, sizeof body);
}

void serve_grew(bool even_if_not_grown) {
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
    struct connection *one = &keeper.connections[i];
    if (!one->trusted || one->unacknowledged) continue;
    if (even_if_not_grown || one->told < keeper.spool.length) tell_growth(one);
  }
}

/* An end is told after all growth before it, acknowledged or not: with it a host knows what there is and what is kept. */
void serve_end(enum frame type, const struct record *record) {
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
    struct connection *one = &keeper.connections[i];
    if (one->trusted && one->told < keeper.spool.length) tell_growth(one);
    if (one->trusted) send_frame(one, type, record->text, record->length);
  }
}

/* To a connection that may have been cut meanwhile. */
void serve_answer(unsigned connection, unsigned generation, uint32_t request, size_t taken, int failure) {
  struct connection *one = &keeper.connections[connection];
  if (one->generation == generation) answer(one, request, taken, failure);
}

void serve_answer_kills(void) {
  for (unsigned i = 0; i < keeper.kill_count; i++)
    serve_answer(keeper.kills[i].connection, keeper.kills[i].generation, keeper.kills[i].request, 0, 0);
  keeper.kill_count = 0;
}

bool serve_remember_kill(unsigned connection, unsigned generation, uint32_t request) {
  if (keeper.kill_count == MAX_KILLS) return false;
  keeper.kills[keeper.kill_count++] =
    (struct kill_request){.connection = connection, .generation = generation, .request = request};
  return true;
}

/* ---- in ---- */

static void welcome(struct connection *connection) {
  uint8_t body[22], *at = put_number(body, PROTOCOL_VERSION, 1);
  at = put_number(put_number(put_number(at, keeper.spool.length, 8), keeper.spool.first, 8), keeper.refused, 4);
  put_number(at, keeper.starting ? 0 : 1, 1);
  connection->trusted = true;
  connection->told = keeper.spool.length;
  send_frame(connection, WELCOME, body, sizeof body);
  if (transport.record.length > 0) send_frame(connection, LIVED, transport.record.text, transport.record.length);
  if (keeper.exited) send_frame(connection, EXITED, keeper.exit_record.text, keeper.exit_record.length);
  if (keeper.closed) send_frame(connection, CLOSED, keeper.closed_record.text, keeper.closed_record.length);
}

/* Whoever does not know the secret is sent away without a word, counted, and every third time the hosts are told. */
static void refuse(struct connection *connection) {
  keeper.refused++;
  cut(connection);
  if (keeper.refused % 3 == 0) serve_grew(true);
}

static void request_kill(struct connection *connection, uint32_t request, int signal, uint32_t grace) {
  if (signal <= 0 || signal >= NSIG) return answer(connection, request, 0, EINVAL);
  if (transport_kill(connection, request, signal, grace)) return;
  if (grace > 0 &&
      !serve_remember_kill((unsigned)(connection - keeper.connections), connection->generation, request))
    return answer(connection, request, 0, EBUSY);
  begin_kill(signal, grace);
  if (grace == 0) answer(connection, request, 0, 0);
}

static void take_input(struct connection *connection, uint32_t request, const char *bytes, size_t count) {
  int failure = ESRCH;
  size_t taken = keeper.exited ? 0 : input_take(&keeper.input, &keeper.child, bytes, count, &failure);
  answer(connection, request, taken, failure);
}

static void handle(struct connection *connection, uint8_t type, const uint8_t *body, size_t length) {
  if (!connection->trusted) {
    bool right = type == HELLO && same_secret((const char *)body, length, keeper.spec.secret, strlen(keeper.spec.secret));
    return right ? welcome(connection) : refuse(connection);
  }
  if (type == ACK) {
    connection->unacknowledged = false;
    if (connection->told < keeper.spool.length) tell_growth(connection);
    return;
  }
  static const uint8_t least[] = {[INPUT] = 4, [END_INPUT] = 4, [RESIZE] = 8, [SIGNAL] = 5, [KILL] = 9};
  if (type < INPUT || type > KILL || length < least[type]) return cut(connection);
  uint32_t request = (uint32_t)number_at(body, 4);
  if (type == KILL) return request_kill(connection, request, body[4], (uint32_t)number_at(body + 5, 4));
  if (transport.used) return transport_request(connection, request, type, body + 4, length - 4);
  switch (type) {
    case INPUT: return take_input(connection, request, (const char *)body + 4, length - 4);
    case END_INPUT:
      if (!keeper.exited) input_end(&keeper.input, &keeper.child);
      return answer(connection, request, 0, keeper.exited ? ESRCH : 0);
    case RESIZE: {
      unsigned rows = (unsigned)number_at(body + 4, 2), columns = (unsigned)number_at(body + 6, 2);
      return answer(connection, request, 0, keeper.exited ? ESRCH : child_resize(&keeper.child, rows, columns));
    }
    default: return answer(connection, request, 0, keeper.exited ? ESRCH : child_signal(&keeper.child, body[4]));
  }
}

void serve_read(struct connection *connection) {
  uint8_t bytes[16 * 1024];
  ssize_t got = recv(connection->fd, bytes, sizeof bytes, 0);
  if (got < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK)) return;
  if (got <= 0) return cut(connection);
  for (size_t used = 0; used < (size_t)got && connection->fd >= 0;) {
    used += incoming_feed(&connection->in, bytes + used, (size_t)got - used, MAX_BODY);
    if (connection->in.broken) return cut(connection);
    if (!connection->in.whole) continue;
    struct incoming frame = connection->in; /* handling it may cut the connection */
    connection->in = (struct incoming){0};
    handle(connection, frame.header[0], frame.body, frame.length);
    incoming_clear(&frame);
  }
}

static bool same_user(int fd) {
#ifdef SO_PEERCRED
  struct ucred peer;
  socklen_t length = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && (peer.uid == geteuid() || peer.uid == 0);
#else
  uid_t user;
  gid_t group;
  return getpeereid(fd, &user, &group) == 0 && (user == geteuid() || user == 0);
#endif
}

/* A free place, or that of the one who has waited longest without proving the secret. */
static struct connection *place(void) {
  struct connection *stranger = NULL;
  for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
    struct connection *one = &keeper.connections[i];
    if (one->fd < 0) return one;
    if (!one->trusted && (stranger == NULL || one->since < stranger->since)) stranger = one;
  }
  if (stranger != NULL) cut(stranger);
  return stranger;
}

void serve_accept(void) {
  static uint64_t arrivals;
  int fd = accept(keeper.listener, NULL, NULL);
  if (fd < 0) return;
  struct connection *connection = place();
  if (connection == NULL || !same_user(fd) || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || !set_nonblocking(fd)) {
    close(fd);
    return;
  }
  connection->fd = fd;
  connection->since = ++arrivals;
}

/* ---- leaving ---- */

static void discard(struct connection *connection) {
  uint8_t bytes[4096];
  ssize_t got = recv(connection->fd, bytes, sizeof bytes, 0);
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK)) cut(connection);
}

/* Says goodbye and waits a moment for the hosts to say it too: a host whose own frame meets a closed door throws away
   what it has not read yet, the answers among it. */
void serve_leave(int64_t patience_ms) {
  struct pollfd fds[MAX_CONNECTIONS];
  int64_t until = monotonic_ms() + patience_ms, left;
  close(keeper.listener);
  for (size_t i = 0; i < MAX_CONNECTIONS; i++)
    if (!keeper.connections[i].trusted) cut(&keeper.connections[i]);
  while ((left = until - monotonic_ms()) > 0) {
    size_t open = 0;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
      struct connection *one = &keeper.connections[i];
      fds[i] = (struct pollfd){.fd = one->fd, .events = (short)(POLLIN | (one->out.length > 0 ? POLLOUT : 0))};
      if (one->fd >= 0 && one->out.length == 0) (void)shutdown(one->fd, SHUT_WR);
      open += one->fd >= 0;
    }
    if (open == 0 || (poll(fds, MAX_CONNECTIONS, (int)left) < 0 && errno != EINTR)) return;
    for (size_t i = 0; i < MAX_CONNECTIONS; i++) {
      struct connection *one = &keeper.connections[i];
      if (fds[i].revents & POLLOUT && one->fd >= 0) serve_flush(one);
      if (fds[i].revents & (POLLIN | POLLHUP | POLLERR) && one->fd >= 0) discard(one);
    }
  }
}
