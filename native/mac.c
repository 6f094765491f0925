/* HMAC-SHA256 (FIPS 180-4, RFC 2104), so that a child cannot forge its own exit record. */
#include <string.h>

#include "keeper.h"

static const uint32_t rounds[64] = {
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

struct sha256 { uint32_t state[8]; uint8_t block[64]; uint64_t length; };

static uint32_t rotate(uint32_t x, unsigned n) { return (x >> n) | (x << (32 - n)); }

static void compress(struct sha256 *hash) {
  uint32_t w[64], s[8];
  for (int i = 0; i < 16; i++) {
    const uint8_t *b = hash->block + 4 * i;
    w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(s, hash->state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
    uint32_t t1 = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + rounds[i] + w[i];
    uint32_t a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
    uint32_t t2 = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) hash->state[i] += s[i];
}

static void begin(struct sha256 *hash) {
  static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(hash->state, initial, sizeof initial);
  hash->length = 0;
}

static void add(struct sha256 *hash, const void *bytes, size_t count) {
  for (const uint8_t *at = bytes; count > 0; at++, count--) {
    hash->block[hash->length++ % 64] = *at;
    if (hash->length % 64 == 0) compress(hash);
  }
}

static void finish(struct sha256 *hash, uint8_t digest[32]) {
  uint64_t bits = hash->length * 8;
  add(hash, "\x80", 1);
  while (hash->length % 64 != 56) add(hash, "", 1);
  for (int i = 7; i >= 0; i--) add(hash, &(uint8_t){(uint8_t)(bits >> (8 * i))}, 1);
  for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

void hmac_sha256(const void *key, size_t key_length, const void *message, size_t length, uint8_t digest[32]) {
  struct sha256 hash;
  uint8_t pad[64] = {0};
  if (key_length > sizeof pad) {
    begin(&hash);
    add(&hash, key, key_length);
    finish(&hash, pad);
  } else {
    memcpy(pad, key, key_length);
  }
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36;
  begin(&hash);
  add(&hash, pad, sizeof pad);
  add(&hash, message, length);
  finish(&hash, digest);
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36 ^ 0x5c;
  begin(&hash);
  add(&hash, pad, sizeof pad);
  add(&hash, digest, 32);
  finish(&hash, digest);
}

bool same_secret(const char *a, size_t a_length, const char *b, size_t b_length) {
  if (a_length != b_length) return false;
  volatile uint8_t difference = 0;
  for (size_t i = 0; i < a_length; i++) difference |= (uint8_t)(a[i] ^ b[i]);
  return difference == 0;
}
