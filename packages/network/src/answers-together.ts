// When many connections ask at the same time, their answers leave some together: a core that reads, handles and writes one request after the
// other has forgotten the code of each step when it comes to it again, and a peer on the same machine is woken for each answer alone.
//
//   few connections    read a, handle, write a | read b, handle, write b       nobody waits
//   a crowd            read a, handle | read b, handle | … | write a, write b, …

import type { ResponseWriter } from './response-writer.ts';

/** Chunks of others that came between two of one connection: from so many on it is one of a crowd. */
const CROWD_CHUNKS = 16;
/** Answers that leave together. With more of them the first would wait longer than it saves. */
const GROUP_SIZE = 16;

/** Of all connections of a server. */
export class AnswersTogether {
  #chunkCount = 0;
  #waiting: ResponseWriter[] = [];
  #isTurnEndAwaited = false;

  /** A chunk came. @returns its number among those of all connections */
  noteChunk(): number {
    return ++this.#chunkCount;
  }

  /** Whether a connection with chunks of these numbers, one after the other, is one of a crowd. */
  isCrowd(before: number, now: number): boolean {
    return now - before > CROWD_CHUNKS;
  }

  /** Has `writer` write what it has, with those of other connections: at the end of this turn of the event loop at the latest. */
  flush(writer: ResponseWriter): void {
    this.#waiting.push(writer);
    if (this.#waiting.length >= GROUP_SIZE) {
      this.#flushAll();
    } else if (!this.#isTurnEndAwaited) {
      this.#isTurnEndAwaited = true;
      setImmediate(this.#endTurn);
    }
  }

  readonly #endTurn = (): void => {
    this.#isTurnEndAwaited = false;
    this.#flushAll();
  };

  #flushAll(): void {
    const writers = this.#waiting;
    this.#waiting = [];
    for (const writer of writers) writer.flush();
  }
}
