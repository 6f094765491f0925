/* The files of a child that say what it is and how it ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper.h"

/* ---- spec: NUL-terminated key=value, the last one is "end" ---- */

static char *read_whole(const char *file, size_t *size) {
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  struct stat facts;
  if (fd < 0) return NULL;
  char *bytes = NULL;
  if (fstat(fd, &facts) == 0) {
    if (facts.st_size > MAX_SPEC) errno = E2BIG;
    else if (facts.st_size == 0) errno = EBADMSG;
    else bytes = malloc((size_t)facts.st_size);
  }
  size_t have = 0;
  while (bytes != NULL && have < (size_t)facts.st_size) {
    ssize_t got = read(fd, bytes + have, (size_t)facts.st_size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += (size_t)got;
  }
  close(fd);
  *size = have;
  return bytes;
}

static const char *value_of(const char *entry, const char *key) {
  size_t length = strlen(key);
  return strncmp(entry, key, length) == 0 && entry[length] == '=' ? entry + length + 1 : NULL;
}

static bool copy(char *into, size_t size, const char *value) {
  size_t length = strlen(value);
  if (length == 0 || length >= size) return false;
  memcpy(into, value, length + 1);
  return true;
}

static bool take_entry(struct spec *spec, char *entry, size_t *args, size_t *vars) {
  const char *value;
  if ((value = value_of(entry, "arg")) != NULL) spec->argv[(*args)++] = entry + 4;
  else if ((value = value_of(entry, "env")) != NULL) spec->env[(*vars)++] = entry + 4;
  else if ((value = value_of(entry, "mark")) != NULL) return copy(spec->mark, sizeof spec->mark, value);
  else if ((value = value_of(entry, "secret")) != NULL) return copy(spec->secret, sizeof spec->secret, value);
  else if ((value = value_of(entry, "cwd")) != NULL) spec->cwd = value;
  else if ((value = value_of(entry, "mode")) != NULL) spec->pty = strcmp(value, "pty") == 0;
  else if ((value = value_of(entry, "pty_fallback")) != NULL) spec->pty_fallback = strcmp(value, "1") == 0;
  else if ((value = value_of(entry, "rows")) != NULL) spec->rows = (unsigned)strtoul(value, NULL, 10);
  else if ((value = value_of(entry, "cols")) != NULL) spec->columns = (unsigned)strtoul(value, NULL, 10);
  else if ((value = value_of(entry, "quota")) != NULL) spec->quota = strtoull(value, NULL, 10);
  else if ((value = value_of(entry, "cgroup")) != NULL) return groups_keep(&spec->groups, value);
  else if ((value = value_of(entry, "cgroup_required")) != NULL) spec->groups.required = strcmp(value, "1") == 0;
  return true; /* facts and keys of later versions are the host's own business */
}

bool read_spec(struct spec *spec, const char *file) {
  size_t size = 0, entries = 0, args = 0, vars = 0;
  *spec = (struct spec){.rows = 30, .columns = 120, .quota = 64ull << 20};
  spec->buffer = read_whole(file, &size);
  if (spec->buffer == NULL) return false;
  if (size < 5 || memcmp(spec->buffer + size - 5, "\0end", 5) != 0) return errno = EBADMSG, false;
  for (size_t i = 0; i < size; i++) entries += spec->buffer[i] == 0;
  spec->argv = calloc(entries + 1, sizeof *spec->argv);
  spec->env = calloc(entries + 2, sizeof *spec->env);
  if (spec->argv == NULL || spec->env == NULL) return false;
  for (char *at = spec->buffer; at < spec->buffer + size; at += strlen(at) + 1)
    if (!take_entry(spec, at, &args, &vars)) return errno = EBADMSG, false;
  if (args == 0 || spec->cwd == NULL || spec->mark[0] == 0 || spec->secret[0] == 0)
    return errno = EBADMSG, false;
  return true;
}

void release_spec(struct spec *spec) {
  free(spec->buffer);
  free(spec->argv);
  free(spec->env);
  spec->buffer = NULL;
  spec->argv = spec->env = NULL;
  spec->cwd = NULL;
}

/* ---- the other records: one key=value per line, signed, the last line is "end" ---- */

void record_begin(struct record *record) { record->length = 0; }

void record_add(struct record *record, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  size_t room = sizeof record->text - record->length;
  int wrote = vsnprintf(record->text + record->length, room, format, arguments);
  va_end(arguments);
  if (wrote > 0 && (size_t)wrote < room) record->length += (size_t)wrote;
}

/* The name is part of what is signed, so that a closed record cannot pass for an exit record. */
void record_sign(struct record *record, const char *name, const char *secret) {
  char message[RECORD_SIZE + 32];
  uint8_t digest[32];
  int head = snprintf(message, 32, "%s\n", name);
  memcpy(message + head, record->text, record->length);
  hmac_sha256(secret, strlen(secret), message, (size_t)head + record->length, digest);
  record_add(record, "mac=");
  for (int i = 0; i < 32; i++) record_add(record, "%02x", digest[i]);
  record_add(record, "\nend\n");
}

int record_reserve(const char *name) {
  static const char zeros[RECORD_SIZE];
  int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (write_all(fd, zeros, sizeof zeros)) return fd;
  int failure = errno;
  close(fd);
  errno = failure;
  return -1;
}

static bool make_durable(int fd) {
  int result;
  do result = fsync(fd);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

bool record_fill(int fd, const struct record *record) {
  ssize_t wrote;
  do wrote = pwrite(fd, record->text, record->length, 0);
  while (wrote < 0 && errno == EINTR);
  return wrote == (ssize_t)record->length && make_durable(fd);
}

bool record_publish(const char *name, const struct record *record) {
  char aside[64];
  snprintf(aside, sizeof aside, "%s.new", name);
  int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  bool done = write_all(fd, record->text, record->length) && make_durable(fd);
  int failure = errno;
  if (close(fd) != 0 && done) return false;
  if (done && rename(aside, name) == 0) return true;
  if (!done) errno = failure;
  return false;
}
