// The emulator's decoder loses a character that is cut after a byte 0x80, as a dash, an ellipsis, a quotation mark or a Chinese
// full stop may be: between two pieces of output, and wherever it cuts a long piece itself. It is given characters whole.
import type { Terminal } from "@xterm/xterm";

interface Decoder {
  /** The bytes of a character that has begun, then zeros. */
  interim: Uint8Array;
  decode(bytes: Uint8Array, target: Uint32Array): number;
}
interface Inside {
  _core?: { _inputHandler?: { _utf8Decoder?: Decoder } };
}

/** For an emulator that was just made. */
export function keepCharacters(terminal: Terminal): void {
  const decoder = (terminal as unknown as Inside)._core?._inputHandler?._utf8Decoder;
  if (decoder === undefined) return;
  const decode = decoder.decode.bind(decoder);
  decoder.decode = (bytes, target) => {
    const begun = decoder.interim.filter((byte) => byte !== 0);
    if (begun.length === 0 || bytes.length === 0) return decode(bytes, target);
    const whole = new Uint8Array(begun.length + bytes.length);
    whole.set(begun);
    whole.set(bytes, begun.length);
    decoder.interim.fill(0);
    return decode(whole, target);
  };
}
