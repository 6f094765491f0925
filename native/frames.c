/* Frames on a stream: cutting what comes into frames, and keeping what goes until the other side takes it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeper.h"

uint8_t *put_number(uint8_t *at, uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; i--) *at++ = (uint8_t)(value >> (8 * i));
  return at;
}

uint64_t number_at(const uint8_t *at, int bytes) {
  uint64_t value = 0;
  while (bytes-- > 0) value = value << 8 | *at++;
  return value;
}

/* ---- in ---- */

size_t incoming_feed(struct incoming *in, const uint8_t *bytes, size_t count, size_t most) {
  size_t used = 0;
  while (used < count && in->have < FRAME_HEAD) in->header[in->have++] = bytes[used++];
  if (in->have < FRAME_HEAD) return used;
  in->length = (size_t)number_at(in->header + 1, 4);
  if (in->length > most || (in->body == NULL && (in->body = malloc(in->length + 1)) == NULL)) {
    in->broken = true;
    return count;
  }
  size_t filled = in->have - FRAME_HEAD, part = in->length - filled < count - used ? in->length - filled : count - used;
  if (part > 0) memcpy(in->body + filled, bytes + used, part);
  in->have += part;
  in->whole = in->have == FRAME_HEAD + in->length;
  return used + part;
}

void incoming_clear(struct incoming *in) {
  free(in->body);
  *in = (struct incoming){0};
}

/* ---- out ---- */

static bool make_room(struct outgoing *out, size_t more) {
  if (out->begin + out->length + more <= out->room) return true;
  if (out->begin > 0) memmove(out->bytes, out->bytes + out->begin, out->length);
  out->begin = 0;
  if (out->length + more <= out->room) return true;
  size_t room = out->length + more + (out->length + more) / 2;
  uint8_t *grown = realloc(out->bytes, room);
  if (grown == NULL) return false;
  out->bytes = grown;
  out->room = room;
  return true;
}

bool outgoing_raw(struct outgoing *out, const void *bytes, size_t count) {
  if (!make_room(out, count)) return false;
  if (count > 0) memcpy(out->bytes + out->begin + out->length, bytes, count);
  out->length += count;
  return true;
}

bool outgoing_frame(struct outgoing *out, enum frame type, const void *head, size_t head_length, const void *rest,
                    size_t rest_length) {
  uint8_t header[FRAME_HEAD];
  if (!make_room(out, sizeof header + head_length + rest_length)) return false; /* whole or not at all */
  put_number(put_number(header, type, 1), head_length + rest_length, 4);
  return outgoing_raw(out, header, sizeof header) && outgoing_raw(out, head, head_length) &&
         outgoing_raw(out, rest, rest_length);
}

bool outgoing_flush(struct outgoing *out, int fd) {
  while (out->length > 0) {
    ssize_t wrote = write(fd, out->bytes + out->begin, out->length);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (wrote <= 0) return false;
    out->begin += (size_t)wrote;
    out->length -= (size_t)wrote;
  }
  outgoing_clear(out);
  return true;
}

void outgoing_clear(struct outgoing *out) {
  free(out->bytes);
  *out = (struct outgoing){0};
}
