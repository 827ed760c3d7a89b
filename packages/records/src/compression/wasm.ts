// As much of a WebAssembly assembler as the block decoders need: a module with one function over 32-bit integers and one memory. The
// helpers put together code as it stands in the module, so that it reads like the statements it is.
// Source: WebAssembly core specification 2.0, chapter 5 (binary format).

/** Instructions, as bytes. */
export type Code = readonly number[];

const PAGE_BYTES = 65_536;
const I32 = 0x7f;
const NO_RESULT = 0x40;
const END = 0x0b;

export const local = (index: number): Code => [0x20, ...unsigned(index)];
export const set = (index: number, value: Code): Code => [...value, 0x21, ...unsigned(index)];
export const constant = (value: number): Code => [0x41, ...signed(value)];
export const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];
export const subtract = (a: Code, b: Code): Code => [...a, ...b, 0x6b];
export const and = (a: Code, b: Code): Code => [...a, ...b, 0x71];
export const or = (a: Code, b: Code): Code => [...a, ...b, 0x72];
export const shiftRight = (a: Code, b: Code): Code => [...a, ...b, 0x76];
export const shiftLeft = (a: Code, b: Code): Code => [...a, ...b, 0x74];
export const equal = (a: Code, b: Code): Code => [...a, ...b, 0x46];
export const isZero = (a: Code): Code => [...a, 0x45];
/** Comparisons take their operands as unsigned. */
export const less = (a: Code, b: Code): Code => [...a, ...b, 0x49];
export const greater = (a: Code, b: Code): Code => [...a, ...b, 0x4b];
export const atLeast = (a: Code, b: Code): Code => [...a, ...b, 0x4f];
export const byteAt = (address: Code): Code => [...address, 0x2d, 0, 0];
/** Little endian. */
export const shortAt = (address: Code): Code => [...address, 0x2f, 0, 0];
export const wordAt = (address: Code): Code => [...address, 0x28, 0, 0];
export const storeByte = (address: Code, value: Code): Code => [...address, ...value, 0x3a, 0, 0];
/** Copies eight bytes at once, `more` bytes behind both addresses. */
export const copyEight = (to: Code, from: Code, more = 0): Code => [
  ...to,
  ...[...from, 0x29, 0, ...unsigned(more)],
  ...[0x37, 0, ...unsigned(more)],
];
/** As if by way of a third place: the two may overlap. */
export const copyBytes = (to: Code, from: Code, count: Code): Code => [...to, ...from, ...count, 0xfc, 10, 0, 0];
export const answer = (value: Code): Code => [...value, 0x0f];

export function when(condition: Code, then: Code, otherwise: Code = []): Code {
  const rest = otherwise.length === 0 ? [] : [0x05, ...otherwise];
  return [...condition, 0x04, NO_RESULT, ...then, ...rest, END];
}

/** Again and again while `condition` holds after the body. Neither may leave the loop but by an answer. */
export function repeatWhile(body: Code, condition: Code): Code {
  return [0x03, NO_RESULT, ...body, ...condition, 0x0d, 0, END];
}

/** A function of a module, and the memory it works on. */
export interface WasmFunction {
  call(...args: number[]): number;
  /** The memory, which has `sizeInBytes` at least. A view that was taken before may no longer be of use. */
  memoryOf(sizeInBytes: number): Buffer;
}

/** @param code must not run off its end @returns undefined where this process has no WebAssembly */
export function compileFunction(options: {
  parameterCount: number;
  localCount: number;
  code: Code;
}): WasmFunction | undefined {
  const { WebAssembly } = globalThis as { WebAssembly?: WasmRuntime };
  if (WebAssembly === undefined) return undefined;
  const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleOf(options)));
  const { run, memory } = instance.exports;
  let view = Buffer.from(memory.buffer);
  return {
    call: run,
    memoryOf: (sizeInBytes) => {
      const missing = sizeInBytes - view.length;
      if (missing > 0) {
        memory.grow(Math.ceil(missing / PAGE_BYTES));
        view = Buffer.from(memory.buffer);
      }
      return view;
    },
  };
}

/** What is used of the global object of that name. */
interface WasmRuntime {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
  ) => {
    exports: { run: (...args: number[]) => number; memory: { buffer: ArrayBuffer; grow(pages: number): void } };
  };
}

function moduleOf({ parameterCount, localCount, code }: { parameterCount: number; localCount: number; code: Code }) {
  const parameters = Array.from({ length: parameterCount }, () => I32);
  const body = [1, ...unsigned(localCount), I32, ...code, 0x00, END];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, ...vector(parameters), 1, I32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...name('run'), 0, 0, ...name('memory'), 2, 0]),
    ...section(10, [1, ...vector(body)]),
  ]);
}

function section(id: number, content: Code): Code {
  return [id, ...vector(content)];
}

function name(text: string): Code {
  return vector([...Buffer.from(text)]);
}

/** Behind their count. */
function vector(bytes: Code): Code {
  return [...unsigned(bytes.length), ...bytes];
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): Code {
  const isLast = value >= -0x40 && value < 0x40;
  return isLast ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
