import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { isAnotherUsers, userOf } from "./peer-user.ts";

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:10E7 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 100 1
   1: 0100007F:9C40 0100007F:10E7 01 00000000:00000000 00:00000000 00000000  1001        0 101 1
   2: 0100007F:10E7 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 102 1
   3: 0000000000000000FFFF00000100007F:9C41 0000000000000000FFFF00000100007F:10E7 01 0:0 00:0 0  1002        0 103 1
   4: 00000000000000000000000001000000:9C42 00000000000000000000000001000000:10E7 01 0:0 00:0 0  1003        0 104 1
   5: 0100007F:9C44 0100007F:10E8 01 0:0 00:0 0  1004        0 105 1
   6: 0100007F:9C44 0100007F:10E7 01 0:0 00:0 0  1005        0 106 1
   7: 0100007F:9C45 0100007F:10E8 01 0:0 00:0 0  1006        0 107 1`;

describe("the user behind a connection", () => {
  it("A11: is the one who owns the peer's socket, not ours", () => {
    const ends = (address: string, remotePort: number) => ({
      ...{ remoteAddress: address, localAddress: address, remotePort, localPort: 4327 },
    });
    assert.equal(userOf(ends("127.0.0.1", 40000), table), 1001);
    assert.equal(userOf(ends("::ffff:127.0.0.1", 40000), table), 1001);
    assert.equal(userOf(ends("127.0.0.1", 40001), table), 1002);
    assert.equal(userOf(ends("::1", 40002), table), 1003);
    assert.equal(userOf(ends("127.0.0.1", 40003), table), undefined);
    assert.equal(userOf(ends("192.168.1.7", 40000), table), undefined);
    assert.equal(userOf({}, table), undefined);
  });

  it("A11: is told by both ends: the same port of the peer may lead elsewhere, for another user", () => {
    const ends = { remoteAddress: "127.0.0.1", localAddress: "127.0.0.1", remotePort: 40004, localPort: 4327 };
    assert.equal(userOf(ends, table), 1005);
    assert.equal(userOf({ ...ends, localPort: 4328 }, table), 1004);
    assert.equal(userOf({ ...ends, remotePort: 40005 }, table), undefined);
    assert.equal(userOf({ remoteAddress: "127.0.0.1", remotePort: 40004 }, table), undefined);
    assert.equal(userOf({ localAddress: "127.0.0.1", localPort: 4327 }, table), undefined);
  });

  it("A11: is told of a real connection", async (t) => {
    if (process.platform !== "linux" || process.geteuid === undefined) return t.skip("there is no /proc/net here");
    const server = createServer().listen(0, "127.0.0.1");
    t.after(() => server.close());
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const mine = connect(port, "127.0.0.1");
    const [theirs] = (await once(server, "connection")) as [Socket];
    t.after(() => void [mine, theirs].map((socket) => socket.destroy()));
    const me = process.geteuid();
    assert.equal(await isAnotherUsers(theirs, me), false);
    // Root's own are let through whoever asks: root can read the token anyway.
    assert.equal(await isAnotherUsers(theirs, me + 1), me !== 0);
  });
});
