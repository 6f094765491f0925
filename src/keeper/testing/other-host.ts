// A host small enough to be killed often: adopts what is there, starts what standard input asks for, says what it did.
import { text } from "node:stream/consumers";
import { type ChildSpec, Keepers } from "../keepers.ts";

const [childrenDir = "", binary = ""] = process.argv.slice(2);
const specs = JSON.parse(await text(process.stdin)) as ChildSpec[];
await using keepers = await Keepers.open({ childrenDir, binary });
const say = (line: string) => process.stdout.write(`${line}\n`);
const stay = setInterval(() => undefined, 1_000);

for (const one of await keepers.adopt()) say(`${one.state} ${"child" in one ? one.child.id : one.id}`);
say("adopted");
await Promise.all(
  specs.map(async (spec) => {
    try {
      const child = await keepers.start(spec);
      say(`started ${spec.id} ${child.live?.mode}`);
    } catch (error) {
      const { step, errno } = error as { step?: string; errno?: string };
      say(`failed ${spec.id} ${step} ${errno}`);
    }
  }),
);
say("ready");
await new Promise(() => stay);
